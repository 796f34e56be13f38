"""Quality checks, quarantine reasons and warnings in a report, in words."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from common.quality.audit import AuditResult
from common.report.builder import ReportBuilder

pytestmark = pytest.mark.unit
Parsed = Callable[[bytes], Any]


def test_broken_expectations_come_first_with_observed_and_expected_values(parsed: Parsed) -> None:
    report = ReportBuilder("x")
    results = [
        {"expectation": "expect_column_values_to_be_unique", "column": "session_id", "success": True, "observed": 0},
        {"expectation": "expect_table_row_count_to_be_between", "success": False, "severity": "warn", "observed": 48210,
         "kwargs": {"min_value": 50000, "max_value": None}},
        {"expectation": "expect_column_values_to_not_be_null", "column": "ts", "success": False, "severity": "error",
         "unexpected_count": 3, "kwargs": {"column": "ts", "mostly": 0.999}},
    ]  # fmt: skip
    report.audit(SimpleNamespace(passed=False, results=results))
    section = parsed(report.render({})).section("Quality checks")
    assert section.cells() == [
        ["failed", "ts is never null", "3 unexpected rows", "in at least 99.9 % of the rows"],
        ["warning", "The number of rows is in its range", "48,210", "at least 50,000"],
        ["passed", "session_id is unique", "0", ""],
    ]
    assert "1 check failed, so the rows were not published." in section.text


@pytest.mark.parametrize(
    ("passed", "states", "words"),
    [
        (True, [True, True], "All 2 checks passed."),
        (True, [], "This table has no expectations."),
        (False, [True], "The checks could not be completed, so the rows were not published."),
    ],
)
def test_the_quality_section_starts_with_a_sentence(
    passed: bool, states: list[bool], words: str, parsed: Parsed
) -> None:
    report = ReportBuilder("x")
    report.audit(SimpleNamespace(passed=passed, results=[{"expectation": "e", "success": state} for state in states]))
    assert words in parsed(report.render({})).section("Quality checks").text


def test_no_quarantined_rows_are_said_in_a_sentence(parsed: Parsed) -> None:
    report = ReportBuilder("x")
    report.quarantine([])
    assert "No row broke a rule." in parsed(report.render({})).section("Rows set aside").text


def test_audits_of_the_record_are_shown_unless_the_body_placed_them_itself(parsed: Parsed) -> None:
    quality = {"table": "clickstream.events", "passed": True, "results": [{"expectation": "e", "success": True}]}
    report = ReportBuilder("x")
    assert parsed(report.render({"quality": [quality]})).section("Quality checks of clickstream.events").cells()
    report.audit(SimpleNamespace(**quality))
    assert parsed(report.render({"quality": [quality]})).section("Quality checks of clickstream.events").cells()


def test_warnings_of_the_run_are_listed(record: dict[str, Any], parsed: Parsed) -> None:
    page = parsed(ReportBuilder("x").render(record | {"warnings": ["7 rows came late.", "<b>"]}))
    assert [item.text for item in page.section("Worth knowing").all("li")] == ["7 rows came late.", "<b>"]


def test_an_expectation_shows_why_it_is_held_and_what_kept_it_from_being_evaluated(parsed: Parsed) -> None:
    row = {
        "expectation": "expect_column_to_exist",
        "column": "ts",
        "severity": "error",
        "success": False,
        "observed": None,
    }
    report = ReportBuilder("x")
    report.audit(
        SimpleNamespace(passed=False, results=[row | {"detail": "No such column.", "why": "Days come from it."}])
    )
    (cells,) = parsed(report.render({})).section("Quality checks").cells()
    assert cells == ["failed", "ts column to exist Days come from it.", "No such column.", ""]


@pytest.mark.parametrize(
    ("or_equal", "words"),
    [(True, "reported_at is at least tx_datetime"), (False, "reported_at is above tx_datetime")],
)
def test_an_expectation_of_two_columns_names_both(parsed: Parsed, or_equal: bool, words: str) -> None:
    kwargs = {"column_A": "reported_at", "column_B": "tx_datetime", "or_equal": or_equal}
    row = {"expectation": "expect_column_pair_values_a_to_be_greater_than_b", "column": "reported_at, tx_datetime",
           "success": True, "observed": "0", "kwargs": kwargs}  # fmt: skip
    report = ReportBuilder("x")
    report.audit(SimpleNamespace(passed=True, results=[row]))
    assert parsed(report.render({})).section("Quality checks").cells() == [["passed", words, "0", ""]]


def test_real_audit_results_are_rendered_as_they_are(parsed: Parsed) -> None:
    row = {"expectation": "expect_table_row_count_to_be_between", "column": None, "severity": "warn", "success": False,
           "observed": "3", "detail": None, "kwargs": {"min_value": 5}, "why": ""}  # fmt: skip
    report = ReportBuilder("x")
    report.audit(AuditResult("clickstream.events", [row]))
    section = parsed(report.render({})).section("Quality checks of clickstream.events")
    assert section.cells() == [["warning", "The number of rows is in its range", "3", "at least 5"]]
    assert "The rows may be published; 1 check of 1 gave a warning." in section.text


def test_a_mean_is_shown_with_four_figures(parsed: Parsed) -> None:
    row = {"expectation": "expect_column_mean_to_be_between", "column": "events", "severity": "warn", "success": True,
           "observed": "1.5431878895814781", "detail": None, "kwargs": {"min_value": 1}, "why": ""}  # fmt: skip
    report = ReportBuilder("x")
    report.audit(AuditResult("clickstream.sessions", [row]))
    (cells,) = parsed(report.render({})).section("Quality checks of clickstream.sessions").cells()
    assert cells[2] == "1.543"
