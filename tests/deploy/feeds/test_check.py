"""``lakejobs source check``: raw and canonical side by side, faults with their place, and what becomes of the rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main

pytestmark = pytest.mark.unit

SOURCE = """format: csv
options: {sep: ";"}
columns:
  transaction_id: id
  tx_datetime: {expr: zeit, timestamp_format: "dd.MM.yyyy HH:mm"}
  customer_id: kunde
  terminal_id: kasse
  tx_amount: cents / 100
"""
GOOD = "id;zeit;kunde;kasse;cents;notiz\nt1;01.07.2024 10:00;ann@example.com;k1;1250;x\n"


def _check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, *flags: str, source: str = SOURCE
) -> tuple[int, dict[str, Any]]:
    (tmp_path / "landing").mkdir(exist_ok=True)
    (tmp_path / "landing/a.csv").write_text(rows, encoding="utf-8")
    (tmp_path / "my.yaml").write_text(source, encoding="utf-8")
    code = main(
        ["source", "check", str(tmp_path / "my.yaml"), "--input", str(tmp_path / "landing"), "-o", "json", *flags]
    )
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def test_free_columns_are_read_and_named_beside_the_canonical_ones(tmp_path, capsys):
    extra = "extra: {punkte: {expr: notiz, type: number}, laden: kasse, art: lower(kunde)}\n"
    rows = GOOD.replace(";x", ";7.5") + "t2;01.07.2024 11:00;bob@example.com;k1;1250;x\n"
    code, found = _check(tmp_path, capsys, rows, source=SOURCE + extra)
    assert (code, found["job"], found["never_filled"], found["not_mapped"]) == (0, "fraud.ingest", [], [])
    shown = found["first_rows"][0]["values"]
    # The customer is hidden, whatever is made of it.
    assert (shown["punkte"], shown["laden"], shown["art"]) == (7.5, "k1", "***")
    assert found["faults"][0]["text"] == "notiz=x"
    assert found["reasons"] == {"SRC-301 cannot be read: punkte": 1}
    code, found = _check(tmp_path, capsys, rows, "--spark", source=SOURCE + extra)
    assert found["reasons"] == {"SRC-301 cannot be read: punkte": 1}


def test_a_good_file_is_shown_with_its_values_and_what_nothing_maps(tmp_path, capsys):
    code, found = _check(tmp_path, capsys, GOOD)
    assert code == 0
    assert found["job"] == "fraud.ingest"
    assert found["first_rows"] == [
        {
            "file": "a.csv",
            "line": 2,
            "values": {
                "transaction_id": "t1",
                "tx_datetime": "2024-07-01T10:00:00Z",
                "customer_id": "***",
                "terminal_id": "k1",
                "tx_amount": "12.5000",
            },
        }
    ]
    assert found["not_mapped"] == ["notiz"]
    assert found["fates"] == {"published": 1, "rejected": 0}


def test_what_could_not_be_read_has_file_line_column_text_and_reason(tmp_path, capsys):
    bad = "t2;soon;bob;k1;100;x\nt3;01.07.2024 10:01;;k1;n/a;x\nt4;01.07.2024 10:02;eve\n"
    bad += "t5;01.07.2024 10:03;joe;k2;300;x\n"
    code, found = _check(tmp_path, capsys, GOOD + bad)
    assert code == 3
    assert [(one["line"], one["column"], one["text"], one["reason"]) for one in found["faults"]] == [
        (3, "tx_datetime", "zeit=soon", "SRC-301 cannot be read: tx_datetime"),
        (4, "tx_amount", "cents=n/a", "SRC-301 cannot be read: tx_amount"),
        (5, None, "t4;01.07.2024 10:02;eve", "SRC-212 not a csv line of 6 columns"),
    ]
    assert found["fates"] == {"published": 2, "rejected": 3}
    assert {one["file"] for one in found["faults"]} == {"a.csv"}


def test_a_row_that_lacks_what_it_needs_has_the_reason_of_the_job(tmp_path, capsys):
    rows = (
        GOOD + "t2;01.07.2024 10:01; ;k1;100;x\nt3;01.07.2024 10:01;bob;k1;-100;x\nt4;01.07.1989 10:01;bob;k1;100;x\n"
    )
    _, found = _check(tmp_path, capsys, rows + GOOD.splitlines()[1] + "\n")
    assert sorted(found["reasons"]) == [
        "FRD-103 the customer is missing",
        "FRD-106 the amount is negative",
        "FRD-110 the time is before earliest_day",
    ]
    assert found["fates"] == {"published": 1, "rejected": 3, "repeated": 1}


def test_no_personal_value_is_shown(tmp_path, capsys):
    rows = GOOD + "t2;01.07.2024 10:01;bob@example.com\n"
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing/a.csv").write_text(rows)
    (tmp_path / "my.yaml").write_text(SOURCE)
    main(["source", "check", str(tmp_path / "my.yaml"), "--input", str(tmp_path / "landing")])
    shown = capsys.readouterr().out
    assert "kunde=***" in shown
    assert "example.com" not in shown
    assert "zeit=01.07.2024 10:00" in shown


def test_an_expression_that_needs_spark_is_said_and_the_rest_is_checked(tmp_path, capsys):
    code, found = _check(
        tmp_path, capsys, GOOD, source=SOURCE.replace("terminal_id: kasse", "terminal_id: sha2(kasse, 256)")
    )
    assert code == 0
    assert list(found["needs_spark"]) == ["terminal_id"]
    assert found["fates"]["published"] == 1
    assert found["not_mapped"] == ["notiz"]


def test_a_fault_of_the_mapping_is_refused_with_the_nearest_name(tmp_path, capsys):
    code, _ = _check(tmp_path, capsys, GOOD, source=SOURCE.replace("kasse", "kase"))
    assert code == 2
    (tmp_path / "my.yaml").write_text(SOURCE.replace("kasse", "kase"))
    main(["source", "check", str(tmp_path / "my.yaml"), "--input", str(tmp_path / "landing")])
    message = capsys.readouterr().err
    assert "SRC-004" in message
    assert "Did you mean 'kasse'?" in message
    code, _ = _check(tmp_path, capsys, GOOD, "--for", "forecast.ingest")
    assert code == 2


def test_a_source_that_maps_too_little_is_said(tmp_path, capsys):
    code, found = _check(tmp_path, capsys, GOOD, source=SOURCE.replace("  terminal_id: kasse\n", ""))
    assert code == 2
    assert found["problems"] == ["ING-003: fraud.ingest needs terminal_id, which the source does not map."]


def test_a_bad_file_is_said_and_the_others_are_checked(tmp_path, capsys):
    _check(tmp_path, capsys, GOOD)
    (tmp_path / "landing/b.csv.gz").write_bytes(b"\x1f\x8bbroken")
    code, found = _check(tmp_path, capsys, GOOD)
    assert code == 3
    assert [one["file"] for one in found["bad_files"]] == ["b.csv.gz"]
    assert found["fates"]["published"] == 1


def test_a_column_that_one_file_lacks_is_null_there(tmp_path, capsys):
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing/b.csv").write_text("CENTS;id;zeit;kasse\n100;t2;01.07.2024 10:00;k1\n", encoding="utf-8")
    code, found = _check(tmp_path, capsys, GOOD)
    assert code == 0
    assert [(one["file"], one["reason"]) for one in found["faults"]] == [("b.csv", "FRD-103 the customer is missing")]
    assert found["fates"] == {"published": 1, "rejected": 1}


def test_columns_are_looked_for_even_where_there_is_no_row(tmp_path, capsys):
    code, _ = _check(tmp_path, capsys, '{"error": "not authorised"}\n')
    assert code == 2


def test_only_so_many_rows_are_looked_at(tmp_path, capsys):
    rows = GOOD + "".join(f"t{n};01.07.2024 10:00;bob;k1;100;x\n" for n in range(2, 9))
    _, found = _check(tmp_path, capsys, rows, "--rows", "3")
    assert (found["rows"], found["is_all"]) == (3, False)
    _, found = _check(tmp_path, capsys, rows, "--rows", "8")
    assert (found["rows"], found["is_all"]) == (8, True)
    assert _check(tmp_path, capsys, rows, "--rows", "0")[0] == 2
