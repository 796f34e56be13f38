"""How tests are shared out among processes and releases, and where their seconds went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

_TESTS = Path(__file__).resolve().parents[1]

PARTS = ("unit", "flow", "fault", "engine")
_LONGEST = 20

# What uses functions and interfaces that differ between Spark 3.5 with Delta 3.3 and Spark 4.1 with Delta 4.2: the
# session and its errors, Delta's writes and logs, readers and parsers, audits, windows over time, one flow per family.
# The second lock runs these files alone; a new test belongs to them by its file.
DIFFERING = (
    "**/lake/**/test_*.py",
    "**/sources/**/test_*.py",
    "**/quality/**/test_*.py",
    "**/test_session.py",
    "**/test_few_rows.py",
    "**/test_failures.py",
    "**/test_run_on_spark.py",
    "**/test_maintain.py",
    "**/test_session_*.py",
    "**/test_clock_skew.py",
    "**/test_windows.py",
    "**/test_sales.py",
    "**/test_as_spark_does.py",
    "flows/test_sessionise_flow.py",
    "flows/test_fraud_flow.py",
    "flows/test_forecast_flow.py",
)


def mark_what_differs_between_releases(items: Iterable[pytest.Item]) -> None:
    """Mark ``releases`` by file. Raises UsageError for a line of the list that names no file."""
    files = {pattern: set(_TESTS.glob(pattern)) for pattern in DIFFERING}
    nameless = [pattern for pattern, found in files.items() if not found]
    if nameless:
        raise pytest.UsageError(f"tests/support/shared_out.py lists {', '.join(nameless)}: there is no such test file")
    listed = set().union(*files.values())
    for item in items:
        if item.path in listed:
            item.add_marker("releases")


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
