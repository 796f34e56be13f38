"""``lakejobs quarantine show``: one row per rejected line, the reason that explains it first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from common.intake.batches import Batch, BatchFile, BatchLog
from common.lake.storage.folder import FolderStore
from deploy.cli import main
from deploy.tables.reasons import ABOUT, kind_of, why

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_a_value_that_could_not_be_read_is_not_missing_as_well():
    found = why(
        [
            "SRC-301 cannot be read: tx_datetime, tx_amount",
            "FRD-102 the time is missing or cannot be read",
            "FRD-104 the terminal is missing",
            "FRD-105 the amount is missing, not finite or cannot be read",
        ]
    )
    assert found.first == "SRC-301 cannot be read: tx_datetime, tx_amount"
    assert found.columns == ("tx_datetime", "tx_amount")
    assert found.others == ("FRD-104 the terminal is missing",)


def test_a_line_that_could_not_be_read_has_no_other_reason_wherever_it_stands():
    found = why(["FCT-101 the item or series is missing", "SRC-212 not a csv line of 4 columns"])
    assert (found.first, found.others) == ("SRC-212 not a csv line of 4 columns", ())


def test_reasons_are_counted_without_the_numbers_of_one_row():
    long_line = f"SRC-221 a line of 2,000,000 bytes, over the limit of 1048576; sha256 {'ab' * 32}"
    assert kind_of(long_line) == "SRC-221 a line of bytes, over the limit of"
    assert kind_of("SRC-301 cannot be read: price") == "SRC-301 cannot be read: price"


def test_every_code_whose_columns_are_known_is_a_documented_one():
    documented = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    assert [code for code in ABOUT if code not in documented] == []


def _rejected(lake: Path, rows: list[dict[str, object]], *, with_lines: bool = True) -> None:
    fields = [
        ("run_id", pa.string()),
        ("source_file", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("row_json", pa.string()),
        ("quarantined_at", pa.timestamp("us", "UTC")),
    ]
    if with_lines:
        fields += [("source_line", pa.int64()), ("source_sha256", pa.string()), ("batch_id", pa.string())]
    full = [{"run_id": "r1", "quarantined_at": NOON, **row} for row in rows]
    write_deltalake(str(lake / "quarantine/fraud/quarantine_ingest"), pa.Table.from_pylist(full, pa.schema(fields)))


def _shown(lake: Path, capsys: pytest.CaptureFixture[str], *flags: str) -> list[dict[str, object]]:
    assert main(["quarantine", "show", "fraud.ingest", "--lake", str(lake), "-o", "json", *flags]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_line_is_shown_once_with_file_line_column_text_and_reason(tmp_path, capsys):
    old = {
        "source_file": "/in/a.csv",
        "source_line": 3,
        "source_sha256": "s",
        "reasons": ["FRD-106 the amount is negative"],
        "row_json": '{"tx_amount": -5}',
        "quarantined_at": NOON - timedelta(days=1),
    }
    again = {**old, "quarantined_at": NOON}
    other = {
        "source_file": "/in/a.csv",
        "source_line": 9,
        "source_sha256": "s",
        "reasons": ["SRC-301 cannot be read: tx_amount", "FRD-105 the amount is missing, not finite or cannot be read"],
        "row_json": '{"transaction_id": "t9", "terminal_id": null}',
    }
    _rejected(tmp_path, [old, again, other])
    shown = _shown(tmp_path, capsys)
    assert [(row["file"], row["line"], row["column"], row["text"], row["reason"]) for row in shown] == [
        ("a.csv", 3, "tx_amount", "tx_amount=-5", "FRD-106 the amount is negative"),
        ("a.csv", 9, "tx_amount", "transaction_id=t9", "SRC-301 cannot be read: tx_amount"),
    ]
    assert shown[1]["other_reasons"] == []
    assert [row["line"] for row in _shown(tmp_path, capsys, "--reason", "SRC-301")] == [9]
    assert len(_shown(tmp_path, capsys, "--limit", "1")) == 1


def test_the_summary_counts_all_rows_by_first_reason(tmp_path, capsys):
    line = {"source_file": "/in/a.csv", "reasons": ["FRD-104 the terminal is missing"], "row_json": "{}"}
    bad = {**line, "reasons": ["SRC-212 not a csv line of 5 columns", "FRD-101 the transaction has no id"]}
    _rejected(tmp_path, [line, line, bad], with_lines=False)
    assert main(["quarantine", "show", "fraud.ingest", "--lake", str(tmp_path), "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert "3 rejected rows by first reason" in out
    assert [line.split()[0] for line in out.splitlines()[-2:]] == ["2", "1"]
    assert "FRD-101" not in out


def test_persons_in_the_text_are_hidden(tmp_path, capsys):
    row = {
        "source_file": "a.csv",
        "reasons": ["FRD-104 the terminal is missing"],
        "row_json": json.dumps(
            {"note": "ann@example.com 192.0.2.7 2001:db8::1:2 4111 1111 1111 1111 at 2015:10:15:30"}
        ),
    }
    _rejected(tmp_path, [row], with_lines=False)
    assert _shown(tmp_path, capsys)[0]["text"] == "note=*** *** *** *** at 2015:10:15:30"


def test_a_job_that_rejected_nothing_says_so(tmp_path, capsys):
    assert main(["quarantine", "show", "fraud.ingest", "--lake", str(tmp_path)]) == 0
    assert "rejected nothing" in capsys.readouterr().err
    assert main(["quarantine", "show", "fraud.inget", "--lake", str(tmp_path)]) == 2


def test_the_text_is_what_was_sent_as_long_as_bronze_holds_it(tmp_path, capsys):
    rows = [
        {"reasons": ["SRC-301 cannot be read: tx_amount"], "source_line": 3},
        {"reasons": ["FRD-103 the customer is missing"], "source_line": 4},
        {"reasons": ["SRC-212 not a csv line of 4 columns"], "source_line": 5},
        {"reasons": ["SRC-301 cannot be read: score, cents"], "source_line": 6},
    ]
    place = {"source_file": "/in/a.csv", "source_sha256": "ab12", "batch_id": "b1", "row_json": "{}"}
    _rejected(tmp_path, [{**place, **row} for row in rows])
    sent = [
        {"record": '{"betrag": "12,x", "kunde": "Ann Smith", "nr": "t1"}', "_line": 3},
        {"record": '{"betrag": "1", "kunde": " ", "nr": "t2"}', "_line": 4},
        {"line": "t3;2;bob@example.com", "_line": 5},
        {"record": '{"betrag": "2,x", "kunde": "Ann Smith", "punkte": "high", "nr": "t4"}', "_line": 6},
    ]
    fields = [("record", pa.string()), ("line", pa.string()), ("_line", pa.int64()), ("_file_sha256", pa.string())]
    schema = pa.schema([*fields, ("ingest_date", pa.date32())])
    bronze = [{"_file_sha256": "ab12", "ingest_date": NOON.date(), **row} for row in sent]
    write_deltalake(str(tmp_path / "bronze/fraud/transaction_records"), pa.Table.from_pylist(bronze, schema))
    source = {
        "columns": {
            "transaction_id": {"expr": "nr"},
            "tx_amount": {"expr": "betrag / 1"},
            "customer_id": {"expr": "trim(kunde)"},
        },
        # Free columns are personal, but an amount that one is made of is known not to be.
        "extra": {"score": {"expr": "punkte", "type": "number"}, "cents": {"expr": "betrag * 100", "type": "number"}},
    }
    file = BatchFile("ab12", "/in/a.csv", "b1", "2026-03-01")
    log = BatchLog(FolderStore(tmp_path), "fraud.transactions")
    log.save(Batch("b1", (file,), source, "r", "m", "2026-03-01T12:00:00Z"))
    assert [(row["line"], row["text"]) for row in _shown(tmp_path, capsys)] == [
        (3, "betrag=12,x"),
        (4, "kunde=***"),
        (5, "t3;2;***"),
        (6, "punkte=***, betrag=2,x"),
    ]
