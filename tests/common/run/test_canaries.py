"""Values of rows stay out of all that a failed run leaves: record, rows of ops, report, logs, standard error.

Standard error holds what the suite says; what the JVM prints is in a file of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from canary_runs import CANARIES, CASES

from common.spark.internals import PUBLIC_ONLY

pytestmark = pytest.mark.flow

REPOSITORY = Path(__file__).parents[3]
TRACES = ("ann.kanari", "Kanarienvogel", "4111111111111111", "20 7946")


class Runs:
    """What the failed runs left: standard output and standard error of their process, and a lake for each."""

    def __init__(self, folder: Path) -> None:
        self.lakes = folder / "lakes"
        paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests" / "support")])
        program = REPOSITORY / "tests" / "support" / "canary_runs.py"
        # Where the lake is no folder, the JVM's own log is one of the temporary files.
        environment = {**os.environ, "PYTHONPATH": paths, "TMPDIR": str(folder)}
        environment.pop(PUBLIC_ONLY, None)
        ended = subprocess.run(
            [sys.executable, str(program), str(self.lakes)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        self.out, self.err = ended.stdout, ended.stderr
        (log,) = (folder / "lakejobs" / "logs").glob("*.log")
        self.log = log.read_text()

    def record(self, case: str) -> dict[str, Any]:
        """The stored record of the run of that case."""
        (path,) = (self.lakes / case / "runs" / "toy" / "count").glob("*.json")
        return dict(json.loads(path.read_text()))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("canaries"))


@pytest.mark.parametrize(
    ("case", "code", "cause"),
    [
        ("cast", "SPK-001", "CAST_INVALID_INPUT: a value cannot be converted"),
        ("cast_in_a_write", "SPK-001", "CAST_INVALID_INPUT: a value cannot be converted"),
        ("worker", "SPK-001", "ValueError."),
        ("chained_in_worker", "SPK-001", "RuntimeError."),
        ("driver", "RUN-003", "KeyError in common/run/runner.py"),
        ("raised_by_an_expression", "SPK-001", ""),
        ("refused_expression", "SRC-004", "no_such_name: UNRESOLVED_COLUMN.WITH_SUGGESTION: there is no such column"),
        ("constraint", "LAK-003", "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES: a row violates a constraint"),
        ("null", "LAK-003", "DELTA_NOT_NULL_CONSTRAINT_VIOLATED: a column that must not be null is null."),
        ("key_twice", "LAK-003", "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE: several new rows"),
        ("audited", "QLT-001", "expect_column_max_to_be_between (card) - hidden: a value of a row"),
        ("raised_in_the_log", "RUN-003", "ValueError in common/run/runner.py"),
    ],
)
def test_a_failed_run_says_what_broke(runs: Runs, case: str, code: str, cause: str) -> None:
    error = runs.record(case)["error"]
    assert error["code"] == code
    assert error["cause"].startswith(cause)


@pytest.mark.parametrize("case", [case.__name__ for case in CASES])
def test_no_record_no_report_and_no_row_of_ops_holds_a_value_of_a_row(runs: Runs, case: str) -> None:
    left = [path for path in (runs.lakes / case).rglob("*") if path.is_file() and "gold/toy" not in path.as_posix()]
    assert any(path.suffix == ".html" for path in left)
    held = {str(path): trace for path in left for trace in TRACES if trace.encode() in path.read_bytes()}
    assert held == {}


def test_standard_output_and_standard_error_hold_no_value_of_a_row(runs: Runs) -> None:
    assert [trace for trace in TRACES if trace in runs.out + runs.err + runs.log] == []


def test_what_was_hidden_is_said_to_have_been_printed(runs: Runs) -> None:
    assert "PythonException (message hidden)" in runs.log
    assert "some_library" in runs.err
    assert " INFO " not in runs.log


def test_standard_error_holds_lines_of_the_suite_alone(runs: Runs) -> None:
    ours = re.compile(
        r'\{"time": .*\}|[a-z]+ some_library:\d+.*|toy\.count: .*|  .*|[A-Z]{3}-\d{3}: .*|(Cause|What to do): .*|'
    )
    assert [line for line in runs.err.splitlines() if not ours.fullmatch(line)] == []
    assert "NativeCodeLoader" in runs.log


def test_the_traces_belong_to_the_canaries() -> None:
    assert [sum(trace in canary for canary in CANARIES) for trace in TRACES] == [1, 1, 1, 1]
