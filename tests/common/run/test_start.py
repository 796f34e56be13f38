"""What a plan and a run refuse before anything is started: a source of another feed, a missing key."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from common.job.catalogue import load_job
from common.run.launch import run_job

pytestmark = pytest.mark.unit

SALES = "format: csv\ncolumns: {invoice_id: invoice, item_id: item, quantity: units, sold_at: at}\n"


@pytest.mark.parametrize(
    ("job", "source", "code", "words"),
    [
        ("forecast.ingest", SALES, None, ""),
        ("fraud.ingest", SALES, "SRC-005", "'invoice_id'"),
        ("fraud.ingest", "format: csv\ncolumns: {transaction_id: id, tx_datetime: at}\n", "ING-003", "customer_id"),
        ("forecast.ingest", SALES.replace("sold_at: at", "sold_on: at"), "SRC-005", "Did you mean 'sold_at'?"),
        ("clickstream.ingest", "format: csv\ncolumns: {page_url: url}\n", "ING-003", "collector_tstamp"),
    ],
)
def test_a_plan_refuses_a_source_that_cannot_feed_the_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], job: str, source: str, code: str | None, words: str
) -> None:
    (tmp_path / "feed.yaml").write_text(source)
    (tmp_path / "a.csv").write_text("invoice,item,units,at\n")
    family, _, name = job.partition(".")
    flags = ["--plan", "-o", "json", "--lake", str(tmp_path / "lake"), "--input", str(tmp_path / "a.csv")]
    exit_code = run_job(load_job(family, name), [*flags, "--source", str(tmp_path / "feed.yaml")])
    answer = json.loads(capsys.readouterr().out)
    assert exit_code == (2 if code else 0)
    if code:
        assert answer["error"]["code"] == code
        assert words in answer["error"]["message"]


def test_a_plan_refuses_a_lake_elsewhere_without_a_pseudonym_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "feed.yaml").write_text(SALES)
    (tmp_path / "a.csv").write_text("invoice,item,units,at\n")
    flags = ["--plan", "-o", "json", "--env", "prod", "--lake", str(tmp_path / "lake")]
    feed = ["--input", str(tmp_path / "a.csv"), "--source", str(tmp_path / "feed.yaml")]
    assert run_job(load_job("forecast", "ingest"), [*flags, *feed]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "PRV-001"


LINES = "format: json\nraw_schema: id string, at string, lines array<struct<sku string, n int>>\nrows_from: lines\n"
JSON_COLUMNS = "columns: {invoice_id: id, item_id: sku, quantity: n, sold_at: at}\n"


def planned(tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str) -> tuple[str, str]:
    """Code and text of the refusal, empty if there is none."""
    (tmp_path / "feed.yaml").write_text(source)
    flags = ["--plan", "-o", "json", "--lake", str(tmp_path / "lake"), "--input", str(tmp_path / "landing")]
    run_job(load_job("forecast", "ingest"), [*flags, "--source", str(tmp_path / "feed.yaml")])
    error = json.loads(capsys.readouterr().out).get("error")
    return ("", "") if error is None else (error["code"], f"{error['message']} {error['cause']} {error['remedy']}")


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        (SALES, "", ""),
        (SALES.replace("units", "unit"), "SRC-004", "'quantity' cannot be used. Did you mean 'units'? unit: there is"),
        (SALES.replace("units", "bon-nr"), "SRC-004", "Write `Bon-Nr` in back quotes"),
        (SALES.replace("units", '"`Bon-Nr`"'), "", ""),
        (f"{SALES}where: size(lines) > 0\n", "SRC-004", "'where' cannot be used. Did you mean 'line'?"),
        (SALES.replace("units", "units *"), "SRC-003", "something is missing after '*'"),
        (f"{LINES}parent: [id, at]\n{JSON_COLUMNS}", "", ""),
        (f"{LINES}parent: [id]\n{JSON_COLUMNS}", "SRC-004", "'sold_at' cannot be used. at: there is no raw column"),
        (f"{LINES}parent: [id, att]\n{JSON_COLUMNS}", "SRC-006", "Did you mean 'at'?"),
        (f"{LINES.replace('rows_from: lines', 'rows_from: at')}{JSON_COLUMNS}", "SRC-006", "which is no array"),
    ],
)
def test_a_plan_refuses_an_expression_that_names_no_raw_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], source: str, code: str, words: str
) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.csv").write_text("invoice,item,at,line\n1,A,2024-05-06,1\n")
    (tmp_path / "landing" / "b.csv").write_text("invoice,item,units,at,Bon-Nr\n1,A,2,2024-05-06,7\n")
    found = planned(tmp_path, capsys, source)
    assert found[0] == code
    assert words in found[1]


def test_a_plan_knows_the_columns_and_fields_of_parquet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "landing").mkdir()
    rows = [{"invoice": 1, "item": {"sku": "A"}, "units": 2, "at": "2024-05-06"}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "landing" / "a.parquet")
    source = SALES.replace("csv", "parquet")
    assert planned(tmp_path, capsys, source.replace("item_id: item", "item_id: item.sku"))[0] == ""
    code, words = planned(tmp_path, capsys, source.replace("item_id: item", "item_id: item.skuu"))
    assert code == "SRC-004"
    assert "Did you mean 'sku'? item.skuu: 'item' has no field 'skuu'." in words


def test_a_file_that_is_damaged_says_nothing_about_its_columns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.csv.gz").write_bytes(b"\x1f\x8bnothing")
    (tmp_path / "landing" / "b.csv").write_text("other\n1\n")
    assert planned(tmp_path, capsys, SALES)[0] == ""
