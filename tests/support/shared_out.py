"""How tests are shared out among processes and releases, and where their seconds went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).resolve().parents[1]

PARTS = ("unit", "flow", "fault", "engine")
_LONGEST = 20

# What uses functions and interfaces that differ between Spark 3.5 with Delta 3.3 and Spark 4.1 with Delta 4.2: the
# session and its errors, Delta's writes and logs, readers and parsers, audits, windows over time, one flow per family.
# The second lock runs these files alone; a new test belongs to them by its file. Of flows, which take minutes, it runs
# the tests named here: one flow of each family from end to end, sessions run twice, and days computed in pieces. That a
# second run of the others changes nothing follows from what they write, and how that is written is the lake's matter.
DIFFERING = (
    "**/lake/**/test_*.py",
    "**/sources/**/test_*.py",
    "**/quality/**/test_*.py",
    "**/test_session.py",
    "**/test_few_rows.py",
    "**/test_failures.py",
    "**/test_run_on_spark.py",
    "**/test_maintain.py",
    "**/test_session_boundaries.py",
    "**/test_session_facts.py",
    "**/test_clock_skew.py",
    "**/test_windows.py",
    "**/test_sales.py",
    "**/test_as_spark_does.py",
    "flows/test_sessionise_flow.py::test_any_history_run_in_any_pieces_has_the_sessions_of_plain_python",
    "flows/test_sessionise_flow.py::test_a_second_run_changes_no_row_and_every_row_is_accounted_for",
    "flows/test_sessionise_flow.py::test_changed_days_equal_one_recompute_of_all",
    "flows/test_fraud_flow.py::test_a_day_scored_alone_is_the_day_of_the_longer_run",
    "flows/test_fraud_flow.py::test_alerts_stay_within_the_budget_and_only_they_have_reasons",
    "flows/test_fraud_flow.py::test_the_evaluation_holds_each_metric_for_each_model",
    "flows/test_fraud_flow.py::test_bad_rows_go_to_the_quarantine_with_their_reason_and_good_ones_are_published",
    "flows/test_fraud_flow.py::test_a_label_of_an_unknown_transaction_is_quarantined_and_one_before_all_transactions_is_refused",
    "flows/test_forecast_flow.py::test_sales_become_demand",
    "flows/test_forecast_flow.py::test_demand_becomes_forecasts_each_requested_one_once",
    "flows/test_forecast_flow.py::test_forecasts_become_orders",
)


def mark_what_differs_between_releases(items: Iterable[pytest.Item]) -> None:
    """Mark ``releases`` by file or test. Raises UsageError for a line of the list that names none."""
    for item in items:
        if {(item.path, ""), (item.path, getattr(item, "originalname", item.name))} & _listed():
            item.add_marker("releases")


def is_left_out(path: Path, marks: str) -> bool:
    """Whether a run of ``releases`` alone need not import a file: three processes would each import every test."""
    return marks == "releases" and path.name.startswith("test_") and path not in {one for one, _ in _listed()}


@cache
def _listed() -> frozenset[tuple[Path, str]]:
    return frozenset((path, test) for pattern in DIFFERING for path, test in _named(pattern))


def _named(pattern: str) -> list[tuple[Path, str]]:
    files, _, test = pattern.partition("::")
    found = [path for path in _TESTS.glob(files) if not test or f"def {test}(" in path.read_text(encoding="utf-8")]
    if not found:
        raise pytest.UsageError(f"tests/support/shared_out.py lists {pattern}: there is no such test")
    return [(path, test) for path in found]


def turn(item: pytest.Item) -> int:
    """The longest first, so that no process works on alone at the end.

    YARN comes first and brings about the dependency archive, which takes half a minute when it is not kept yet; what
    else needs it comes when it is there.
    """
    if is_on_yarn(item.nodeid):
        return 0
    needs_archive = "environment" in getattr(item, "fixturenames", ())
    turns = {"engine": 3 if needs_archive else 1, "fault": 2, "flow": 4}
    return next((number for name, number in turns.items() if item.get_closest_marker(name)), 5)


def is_on_yarn(nodeid: str) -> bool:
    """Whether a test shares the one cluster."""
    return "_yarn" in nodeid.partition("[")[0]


def print_seconds(terminal: Any) -> None:
    """The seconds by part and the longest tests, fixtures included; nothing when fewer tests than these have run."""
    seconds: dict[str, float] = defaultdict(float)
    parts: dict[str, str] = {}
    for reports in terminal.stats.values():
        for report in reports:
            if hasattr(report, "duration") and hasattr(report, "keywords"):
                seconds[report.nodeid] += report.duration
                parts[report.nodeid] = next((part for part in reversed(PARTS) if part in report.keywords), PARTS[0])
    if len(seconds) <= _LONGEST:
        return
    terminal.section("seconds of all processes by part")
    for part in PARTS:
        spent = [seconds[test] for test, its in parts.items() if its == part]
        terminal.write_line(f"{sum(spent):8.1f} s  {part} ({len(spent)} tests)")
    terminal.section(f"the {_LONGEST} longest tests, with the fixtures that they were the first to need")
    for test in sorted(seconds, key=lambda test: -seconds[test])[:_LONGEST]:
        terminal.write_line(f"{seconds[test]:8.1f} s  {test}")
