"""Log lines: text for a person, JSON for a machine, never a personal value."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import Any

import pytest

from common.errors import UsageError
from common.run.console.log import MASK, JsonLines, PersonalFields, TextLines, uses_colour
from common.run.console.progress import described
from common.run.context import RunContext
from common.spark.jobs import StageProgress

pytestmark = pytest.mark.unit


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(message: str, **fields: Any) -> logging.LogRecord:
    return logging.makeLogRecord(
        {"msg": message, "levelno": logging.INFO, "levelname": "INFO", "created": 0.0, **fields}
    )


def test_a_machine_gets_one_json_object_a_line_on_standard_error(toy: Any) -> None:
    def body(context: RunContext) -> None:
        context.log.info("sorted %d visits", 3, extra={"bytes": 10})

    toy.run(body, "-o", "json")
    lines = [json.loads(line) for line in toy.err.splitlines()]
    (line,) = [line for line in lines if line["message"] == "sorted 3 visits"]
    stored = toy.record
    assert (line["level"], line["job"], line["run_id"], line["bytes"]) == ("info", "toy.run", stored["run_id"], 10)


def test_personal_columns_are_masked_wherever_they_are_a_field(toy: Any) -> None:
    def body(context: RunContext) -> None:
        context.log.warning("one", extra={"email": "ann@example.org"})
        context.log.warning("two", extra={"row": {"email": "ann@example.org", "n": 1}})
        context.log.warning("three %(email)s", {"email": "ann@example.org"})

    toy.run(body, writes=("toy_module:OUT",))
    assert "ann@example.org" not in toy.err + toy.out
    assert toy.err.count(MASK) == 3


def test_a_stack_is_printed_only_with_debug() -> None:
    failed = record("failed", code="X-001", stack="Frames")
    assert TextLines(debug=False).format(failed) == "00:00:00 info    failed  code=X-001"
    assert TextLines(debug=True).format(failed).endswith("\nFrames")
    assert "stack" not in json.loads(JsonLines({}, debug=False).format(failed))
    assert json.loads(JsonLines({}, debug=True).format(failed))["stack"] == "Frames"


def test_an_exception_of_a_record_is_printed_as_frames_without_its_message() -> None:
    try:
        raise ValueError("ann@example.org")
    except ValueError:
        broken = record("broken", exc_info=sys.exc_info())
    for line in (TextLines(debug=True).format(broken), JsonLines({}, debug=True).format(broken)):
        assert "test_log.py" in line
        assert "ann@example.org" not in line


@pytest.mark.parametrize(
    ("error", "code", "sentence", "cause"),
    [
        (KeyError("x"), "RUN-003", "The job failed.", "KeyError in common/run/runner.py"),
        (UsageError("TOY-001", "It broke.", cause="A cause."), "TOY-001", "It broke.", "A cause."),
    ],
)
def test_a_failed_run_logs_code_sentence_and_cause_and_the_stack_only_with_debug(
    toy: Any, error: Exception, code: str, sentence: str, cause: str
) -> None:
    def body(context: RunContext) -> None:
        raise error

    def logged(*flags: str) -> dict[str, Any]:
        toy.run(body, *flags)
        (line,) = [json.loads(line) for line in toy.err.splitlines() if '"failed"' in line]
        return dict(line)

    plain = logged()
    assert (plain["code"], plain["error"], plain["cause"].partition(", line")[0]) == (code, sentence, cause)
    assert "stack" not in plain
    assert "Traceback" not in toy.err
    assert "test_log.py" in logged("--debug")["stack"]


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert uses_colour(Terminal())
    assert not uses_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not uses_colour(Terminal())


def test_debug_lines_appear_only_with_debug(toy: Any) -> None:
    def body(context: RunContext) -> None:
        context.log.debug("in detail")

    toy.run(body)
    assert "in detail" not in toy.err
    toy.run(body, "--debug")
    assert "in detail" in toy.err


def test_the_loggers_are_left_as_they_were(toy: Any) -> None:
    toy.run(lambda context: None)
    assert logging.getLogger("lakejobs").handlers == []
    assert logging.getLogger("lakejobs").propagate


def test_a_silent_body_is_reported_by_a_heartbeat(toy: Any) -> None:
    import time

    def body(context: RunContext) -> None:
        context.counts.add(rows_read=1000, rows_filtered=1000)
        time.sleep(0.3)

    toy.run(body, "--set", "lake.heartbeat_seconds=0.1")
    beats = [json.loads(line)["message"] for line in toy.err.splitlines() if "working" in line]
    assert 1 <= len(beats) <= 3
    assert beats[0] == "working: no Spark stage is running; 1,000 rows read"


def test_a_run_that_is_quicker_than_the_interval_has_no_heartbeat(toy: Any) -> None:
    toy.run(lambda context: None)
    assert "working" not in toy.err


def test_stages_are_shown_with_their_tasks() -> None:
    stages = [StageProgress(4, "save", 200, 12, 2, 0), StageProgress(5, "count", 8, 0, 1, 3)]
    assert described(stages, 0, 7) == (
        "stage 4 (save): 12 of 200 tasks, 2 running; stage 5 (count): 0 of 8 tasks, 1 running, 3 failed; 7 rows written"
    )


def test_a_filter_without_columns_changes_nothing() -> None:
    line = record("x", email="ann@example.org")
    assert PersonalFields().filter(line)
    assert vars(line)["email"] == "ann@example.org"
