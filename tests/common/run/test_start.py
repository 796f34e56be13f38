"""What a plan and a run refuse before anything is started: a source of another feed, a missing key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    (tmp_path / "a.csv").write_text("x\n")
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
    (tmp_path / "a.csv").write_text("x\n")
    flags = ["--plan", "-o", "json", "--env", "prod", "--lake", str(tmp_path / "lake")]
    feed = ["--input", str(tmp_path / "a.csv"), "--source", str(tmp_path / "feed.yaml")]
    assert run_job(load_job("forecast", "ingest"), [*flags, *feed]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "PRV-001"
