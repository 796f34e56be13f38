"""The end state of a run is what its service and its record say together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.remote.run import SentRun, fit_to_show
from deploy.remote.verdict import record_of_attempt, verdict

pytestmark = pytest.mark.unit

_CREATED = datetime(2026, 11, 20, 3, tzinfo=UTC)


def _run(state: str, detail: str = "") -> SentRun:
    return SentRun("00run1", "night-1", "clickstream.sessionise", 1, state, detail, _CREATED, None, (), {})


def _record(status: str, exit_code: int | None, **more: Any) -> dict[str, Any]:
    times = {"started_at": "2026-11-20T03:01:00.000Z", "ended_at": "2026-11-20T03:10:00.000Z"}
    return {"status": status, "exit_code": exit_code, "error": None, **times, **more}


@pytest.mark.parametrize(
    ("state", "record", "status", "exit_code"),
    [
        ("QUEUED", None, "waiting", None),
        ("SCHEDULED", None, "waiting", None),
        ("CANCELLING", None, "cancelling", None),
        ("CANCEL_PENDING", None, "cancelling", None),
        ("A_STATE_OF_NEXT_YEAR", None, "running", None),
        ("SUCCESS", _record("done", 0), "done", 0),
        ("COMPLETED", _record("failed", 3), "failed", 3),
        ("COMPLETED", _record("running", None, ended_at=None), "failed", 1),
        ("FAILED", _record("failed", 5), "failed", 5),
        ("FAILED", _record("failed", 75), "failed", 75),
        ("FAILED", _record("stopped", 143), "failed", 143),
        ("FAILED", _record("done", 0), "failed", 1),
        ("FAILED", _record("running", None, ended_at=None), "failed", 1),
        ("FAILED", None, "failed", 1),
        ("INTERRUPTED", None, "failed", 1),
        ("CANCELLED", None, "cancelled", 143),
        ("CANCELLED", _record("done", 0), "cancelled", 143),
    ],
)
def test_what_only_one_of_both_calls_done_is_not_done(
    state: str, record: dict[str, Any] | None, status: str, exit_code: int | None
) -> None:
    found = verdict(_run(state), record)
    assert (found.status, found.exit_code) == (status, exit_code)


def test_a_success_without_a_record_says_so() -> None:
    found = verdict(_run("SUCCESS"), None)
    assert found.exit_code == 0
    assert found.sentences == ("The service says SUCCESS, but there is no record of the run in the lake.",)


def test_the_error_of_the_record_is_shown_with_what_to_do() -> None:
    error = {"code": "LEA-001", "message": "Another run holds the table.", "cause": "", "remedy": "Run again later."}
    found = verdict(_run("COMPLETED"), _record("failed", 5, error=error))
    assert found.sentences == (
        "The service says COMPLETED, the run's record says failed.",
        "LEA-001: Another run holds the table.",
        "What to do: Run again later.",
    )


@pytest.mark.parametrize(
    ("started", "ended", "is_of_this_attempt"),
    [
        ("2026-11-20T03:01:00.000Z", "2026-11-20T03:10:00.000Z", True),
        ("2026-11-20T03:01:00.000Z", None, True),
        ("2026-11-20T02:00:00.000Z", "2026-11-20T02:30:00.000Z", False),
        ("2026-11-20T02:00:00.000Z", None, False),
    ],
)
def test_the_record_of_an_earlier_attempt_is_not_that_of_a_later_one(
    started: str, ended: str | None, is_of_this_attempt: bool
) -> None:
    record = _record("failed", 75, started_at=started, ended_at=ended)
    assert (record_of_attempt(_run("FAILED"), record) is not None) is is_of_this_attempt


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("Job execution timed out", "Job execution timed out"),
        (
            "Job failed, please check complete logs in configured logging destination. ExitCode: 1. "
            "Last few exceptions: Caused by: java.lang.NumberFormatException: For input string: anna@example.com",
            "Job failed, please check complete logs in configured logging destination. ExitCode: 1; "
            "java.lang.NumberFormatException",
        ),
        (
            "USER_ERROR: Jobrun failed. Main Spark container terminated with errors. Last error seen in logs - "
            "org.apache.spark.SparkRuntimeException: anna",
            "USER_ERROR: Jobrun failed. Main Spark container terminated with errors; "
            "org.apache.spark.SparkRuntimeException",
        ),
        ("Unknown Error.", "Unknown Error"),
        ("py4j.protocol.Py4JJavaError: card 4111111111111111", "py4j.protocol.Py4JJavaError"),
        ("", ""),
    ],
)
def test_what_a_service_quotes_of_the_log_is_not_shown(detail: str, shown: str) -> None:
    assert fit_to_show(detail) == shown
