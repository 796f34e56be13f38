"""How tests are shared out, and the sums at the end of a run."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from shared_out import print_seconds, turn

pytestmark = pytest.mark.unit


class Terminal:
    """Keeps what is written to it."""

    def __init__(self, *reports: SimpleNamespace) -> None:
        self.stats = {"passed": list(reports), "deselected": [SimpleNamespace()]}
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(title)

    def write_line(self, line: str) -> None:
        self.lines.append(line)


def report(name: str, seconds: float, *markers: str) -> SimpleNamespace:
    return SimpleNamespace(nodeid=name, duration=seconds, keywords=dict.fromkeys(markers, 1))


def test_a_run_ends_with_the_seconds_by_part_and_the_twenty_longest_tests() -> None:
    quick = [report(f"lake.py::t{number:02d}", 0.5, "unit") for number in range(21)]
    slow = [report("races.py::race", 3.0, "engine"), report("races.py::race", 1.0, "engine")]
    terminal = Terminal(*quick, *slow)
    print_seconds(terminal)
    assert [line for line in terminal.lines if line.endswith("tests)")] == [
        "    10.5 s  unit (21 tests)",
        "     0.0 s  flow (0 tests)",
        "     0.0 s  fault (0 tests)",
        "     4.0 s  engine (1 tests)",
    ]
    longest = [line for line in terminal.lines if "::" in line]
    assert longest[:2] == ["     4.0 s  races.py::race", "     0.5 s  lake.py::t00"]
    assert len(longest) == 20


def test_a_run_of_a_few_tests_ends_without_them() -> None:
    terminal = Terminal(*(report(f"lake.py::t{number}", 0.5, "unit") for number in range(20)))
    print_seconds(terminal)
    assert terminal.lines == []


def test_what_needs_no_dependency_archive_goes_before_what_does_while_yarn_builds_it() -> None:
    def item(name: str, marker: str, *fixtures: str) -> Any:
        return SimpleNamespace(
            nodeid=name, fixturenames=fixtures, get_closest_marker=lambda asked: asked if asked == marker else None
        )

    items = [
        item("lake.py::unit", "unit"),
        item("stopping.py::stop", "engine", "package", "environment"),
        item("flow.py::flow", "flow"),
        item("killed.py::kill", "fault"),
        item("races.py::race", "engine", "s3"),
        item("test_families_on_yarn.py::job", "engine", "environment"),
    ]
    assert [one.nodeid.partition(".")[0] for one in sorted(items, key=turn)] == [
        "test_families_on_yarn", "races", "killed", "stopping", "flow", "lake",
    ]  # fmt: skip
