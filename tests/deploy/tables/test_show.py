"""``lakejobs tables`` and ``lakejobs show`` on small tables made without Spark."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from common.lake.free_columns import FreeColumns
from common.lake.storage.folder import FolderStore
from deploy.cli import main

pytestmark = pytest.mark.unit


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """Two days of transactions with pseudonyms, sales as sent in clear, and a table of nobody's."""
    transactions = pa.table(
        {
            "transaction_id": ["t1", "t2", "t3"],
            "tx_datetime": pa.array([datetime(2026, 3, 1, 12, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
            "tx_day": [date(2026, 3, 1), date(2026, 3, 1), date(2026, 3, 2)],
            "customer_id": ["0123456789abcdef0123456789abcdef"] * 3,
            "tx_amount": pa.array([Decimal("10.5000"), Decimal("2.0000"), None], pa.decimal128(18, 4)),
            "pseudonym_key_id": ["k1"] * 3,
        }
    )
    write_deltalake(str(tmp_path / "silver/fraud/transactions"), transactions, partition_by=["tx_day"])
    raw = pa.table({"record": ["0123456789abcdef0123456789abcdef"], "line": ["Ann,A1"], "_file": ["a.csv"]})
    write_deltalake(str(tmp_path / "bronze/forecast/sale_records"), raw)
    write_deltalake(str(tmp_path / "gold/other/things"), pa.table({"x": [1]}))
    score = {"type": "number", "expr": "points / 10", "description": "of the agency"}
    FreeColumns(FolderStore(tmp_path), "fraud.transactions").declare("bank", {"score": score})
    return tmp_path


def test_tables_are_listed_by_layer_with_rows_and_writer(lake, capsys):
    assert main(["tables", "--lake", str(lake), "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["layer"], one["name"], one["rows"], one["writer"]) for one in listed] == [
        ("bronze", "forecast.sale_records", 1, "forecast.ingest"),
        ("silver", "fraud.transactions", 3, "fraud.ingest"),
        ("gold", "other.things", 1, ""),
    ]
    assert main(["tables", "--lake", str(lake)]) == 0
    header, first, *_, last = capsys.readouterr().out.splitlines()
    assert header.split() == ["layer", "table", "rows", "size", "last", "change", "writer"]
    assert first.split()[:3] == ["bronze", "forecast.sale_records", "1"]
    assert last.split() == [
        "fraud.transactions",
        "score",
        "number",
        "bank:",
        "points",
        "/",
        "10",
        "of",
        "the",
        "agency",
    ]


def test_an_empty_folder_has_no_tables(tmp_path, capsys):
    assert main(["tables", "--lake", str(tmp_path)]) == 0
    assert "There is no table at" in capsys.readouterr().out


def test_rows_are_picked_by_condition_and_columns(lake, capsys):
    wanted = ["--where", "tx_day = '2026-03-01' AND tx_amount > 5", "--columns", "transaction_id,tx_datetime,tx_amount"]
    assert main(["show", "fraud.transactions", "--lake", str(lake), *wanted, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "transaction_id": "t1",
        "tx_datetime": "2026-03-01 12:00:00Z",
        "tx_amount": "10.5000",
    }


def test_only_files_of_the_days_asked_for_are_read(lake, capsys):
    for file in (lake / "silver/fraud/transactions/tx_day=2026-03-02").glob("*.parquet"):
        file.unlink()
    assert (
        main(["show", "fraud.transactions", "--lake", str(lake), "--where", "tx_day = '2026-03-01'", "-o", "csv"]) == 0
    )
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert main(["show", "fraud.transactions", "--lake", str(lake)]) == 1
    assert "TBL-003" in capsys.readouterr().err


def test_the_number_of_rows_is_limited_and_said(lake, capsys):
    assert main(["show", "fraud.transactions", "--lake", str(lake), "--limit", "2", "-o", "csv"]) == 0
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 3
    assert "Only the first 2 rows" in shown.err
    assert main(["show", "fraud.transactions", "--lake", str(lake), "--limit", "0"]) == 2


def test_a_pseudonym_is_shown_and_a_name_in_clear_is_not(lake, capsys):
    assert main(["show", "fraud.transactions", "--lake", str(lake), "--limit", "1", "-o", "csv"]) == 0
    shown = capsys.readouterr()
    assert "0123456789abcdef0123456789abcdef" in shown.out
    assert "personal" not in shown.err
    # As sent it is the sender's own id, whatever it looks like.
    assert main(["show", "forecast.sale_records", "--lake", str(lake), "-o", "csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == ["record,line,_file", "***,***,a.csv"]
    assert "record, line may hold personal data" in shown.err
    assert main(["show", "forecast.sale_records", "--lake", str(lake), "-o", "csv", "--clear"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == '0123456789abcdef0123456789abcdef,"Ann,A1",a.csv'


def test_a_table_of_nobodys_is_shown_with_a_warning(lake, capsys):
    assert main(["show", "other.things", "--lake", str(lake)]) == 0
    assert "does not declare this table" in capsys.readouterr().err


def test_a_wrong_name_or_condition_is_refused_with_the_nearest(lake, capsys):
    assert main(["show", "fraud.transaction", "--lake", str(lake)]) == 4
    assert "Did you mean 'fraud.transactions'?" in capsys.readouterr().err
    assert main(["show", "fraud.transactions", "--lake", str(lake), "--columns", "amount"]) == 2
    assert "tx_amount" in capsys.readouterr().err
    assert main(["show", "fraud.transactions", "--lake", str(lake), "--where", "tx_amount >"]) == 2
    assert "TBL-002" in capsys.readouterr().err
    assert main(["show", "fraud.transactions", "--lake", str(lake), "--lines", "3"]) == 2
    assert "CLI-002" in capsys.readouterr().err


def test_a_wide_table_is_printed_row_by_row_without_its_nulls(lake, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    where = ["--where", "transaction_id = 't3'"]
    assert main(["show", "fraud.transactions", "--lake", str(lake), *where]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == ["--- 1", "transaction_id    t3"]
    assert not any(line.startswith("tx_amount") for line in out)


def test_neither_command_imports_pyspark_sessions_or_starts_java(lake, monkeypatch, capsys):
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["tables", "--lake", str(lake)]) == 0
    assert main(["show", "fraud.transactions", "--lake", str(lake)]) == 0
