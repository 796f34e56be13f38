"""status, wait, cancel and retry find a run at its service by the run id alone, and end as the run did."""

from __future__ import annotations

import json

import pytest

from common.errors import TransientError, UsageError

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_WHERE = ["--run-id", "night-1", "--target", "night"]


@pytest.fixture
def sent(emr, submit):
    """Three runs, of which the second is the one that is looked for."""
    for run_id in ("night-0", "night-1", "night-2"):
        submit("--run-id", run_id)
    return emr


def test_status_of_a_run_that_goes_on(sent, lakejobs) -> None:
    sent.runs["00run2"]["state"] = "SCHEDULED"
    code, out, _ = lakejobs("status", *_WHERE)
    assert code == 0
    assert "SCHEDULED (attempt 1)" in out
    assert "next: lakejobs wait --run-id night-1 --target night" in out


def test_status_as_json_is_the_end_of_both(sent, lakejobs, record) -> None:
    sent.runs["00run2"]["state"] = "SUCCESS"
    record("night-1", "failed", 3, error={"code": "QUA-001", "message": "Too many rows were rejected."})
    code, out, _ = lakejobs("status", *_WHERE, "-o", "json")
    shown = json.loads(out)
    assert code == 3
    assert [shown[key] for key in ("id", "state", "status", "exit_code")] == ["00run2", "SUCCESS", "failed", 3]
    assert "QUA-001: Too many rows were rejected." in shown["said"]


def test_an_unknown_run_is_named(sent, lakejobs) -> None:
    code, _, err = lakejobs("status", "--run-id", "night-9", "--target", "night")
    assert code == 2
    assert "SUB-002: emr-serverless 00example has no run with the run id night-9." in err


def test_a_run_that_the_service_itself_repeats_shows_both_attempts(sent, lakejobs) -> None:
    sent.runs["00run2"] |= {"state": "RUNNING", "attempt": 3}
    _, out, _ = lakejobs("status", *_WHERE)
    assert "RUNNING (attempt 1, the service's own 3)" in out


def test_wait_lasts_through_lost_connections_and_every_state_to_the_end(sent, lakejobs, record, monkeypatch) -> None:
    answers = iter(["QUEUED", "PENDING", None, None, "RUNNING", *["RUNNING"] * 200, "CANCELLING", "FAILED"])
    first = sent.get_job_run

    def get_job_run(**request):
        state = next(answers)
        if state is None:
            raise TransientError("TGT-011", "emr-serverless could not be reached.")
        sent.runs[request["jobRunId"]]["state"] = state
        return first(**request)

    slept: list[float] = []
    monkeypatch.setattr("deploy.remote.waiting.sleep", slept.append)
    monkeypatch.setattr("deploy.remote.commands.found_run", lambda service, *_: service.describe("00run2"))
    monkeypatch.setattr(sent, "get_job_run", get_job_run)
    record("night-1", "failed", 75)
    code, out, err = lakejobs("wait", *_WHERE)
    assert code == 75
    # Two hundred looks, each after half a minute: no ceiling.
    assert sum(slept) > 5000
    assert err.count("The connection is lost") == 1
    assert "end state: failed, exit code 75" in out
    assert "next: lakejobs retry --run-id night-1 --target night" in out


@pytest.fixture
def interrupted(sent, monkeypatch):
    """Ctrl-C while the run is running."""

    def stop(_seconds: float) -> None:
        raise KeyboardInterrupt

    sent.runs["00run2"]["state"] = "RUNNING"
    monkeypatch.setattr("deploy.remote.waiting.sleep", stop)
    return sent


def test_ctrl_c_without_a_terminal_leaves_the_run_going(interrupted, lakejobs, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    code, _, err = lakejobs("wait", *_WHERE)
    assert (code, interrupted.cancelled) == (130, [])
    assert "To wait again: lakejobs wait --run-id night-1 --target night" in err


@pytest.mark.parametrize(("answer", "cancelled"), [("y\n", 1), ("\n", 0), ("no\n", 0), ("", 0)])
def test_ctrl_c_at_a_terminal_asks_whether_to_cancel(interrupted, lakejobs, monkeypatch, answer, cancelled) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin.readline", lambda: answer, raising=False)
    code, _, err = lakejobs("wait", *_WHERE)
    assert (code, len(interrupted.cancelled)) == (130, cancelled)
    assert "Cancel night-1?" in err


@pytest.mark.parametrize(("flags", "grace"), [([], 120), (["--grace-seconds", "300"], 300), (["--now"], 0)])
def test_cancel_gives_the_driver_its_grace(sent, lakejobs, flags, grace) -> None:
    sent.runs["00run2"]["state"] = "RUNNING"
    code, _, _ = lakejobs("cancel", *_WHERE, *flags)
    assert code == 0
    assert sent.cancelled == [
        {"applicationId": "00example", "jobRunId": "00run2", "shutdownGracePeriodInSeconds": grace}
    ]


def test_a_release_without_a_grace_is_not_asked_for_one(sent, lakejobs) -> None:
    sent.runs["00run2"] |= {"state": "RUNNING", "releaseLabel": "emr-7.8.0"}
    assert lakejobs("cancel", *_WHERE)[0] == 0
    assert sent.cancelled == [{"applicationId": "00example", "jobRunId": "00run2"}]


def test_wait_says_how_to_go_on_when_it_has_to_stop(sent, lakejobs, monkeypatch) -> None:
    def expired(*_: object) -> None:
        raise UsageError("TGT-008", "emr-serverless does not know these credentials (ExpiredTokenException).")

    monkeypatch.setattr("deploy.remote.commands.wait_for_end", expired)
    code, _, err = lakejobs("wait", *_WHERE)
    assert code == 2
    assert "To wait again: lakejobs wait --run-id night-1 --target night" in err


def test_cancel_of_a_run_that_has_ended_cancels_nothing(sent, lakejobs) -> None:
    sent.runs["00run2"]["state"] = "SUCCESS"
    code, out, _ = lakejobs("cancel", *_WHERE)
    assert (code, sent.cancelled) == (0, [])
    assert "There is nothing to cancel: the run is SUCCESS." in out


@pytest.mark.parametrize(
    "flags", [["--grace-seconds", "14"], ["--grace-seconds", "1801"], ["--now", "--grace-seconds", "60"]]
)
def test_a_grace_that_the_service_does_not_know_is_refused(sent, lakejobs, flags) -> None:
    sent.runs["00run2"]["state"] = "RUNNING"
    code, _, err = lakejobs("cancel", *_WHERE, *flags)
    assert (code, sent.cancelled) == (2, [])
    assert "15 to 1,800" in err


@pytest.mark.parametrize(
    ("status", "exit_code", "is_sent"),
    [("failed", 75, True), ("failed", 5, True), ("failed", 3, False), ("failed", 1, False), ("done", 0, False)],
)
def test_retry_repeats_only_what_another_attempt_can_help(sent, lakejobs, record, status, exit_code, is_sent) -> None:
    sent.runs["00run2"]["state"] = "FAILED" if exit_code else "SUCCESS"
    record("night-1", status, exit_code)
    code, out, err = lakejobs("retry", *_WHERE)
    assert (code, len(sent.runs)) == ((0, 4) if is_sent else (2, 3))
    assert ("attempt 2, id 00run4" in out) if is_sent else ("SUB-003" in err)


def test_a_retry_is_the_same_request_under_the_next_attempt(sent, lakejobs, record) -> None:
    sent.runs["00run2"]["state"] = "FAILED"
    record("night-1", "failed", 75)
    lakejobs("retry", *_WHERE)
    first, second = sent.runs["00run2"], sent.runs["00run4"]
    assert second["tags"] == {**first["tags"], "lakejobs:attempt": "2"}
    for key in ("name", "jobDriver", "configurationOverrides", "executionTimeoutMinutes", "executionRole"):
        assert second[key] == first[key]
    # The earlier record is not the end of the second attempt, which goes on.
    second["state"] = "RUNNING"
    assert "RUNNING (attempt 2)" in lakejobs("status", *_WHERE)[1]
    assert lakejobs("retry", *_WHERE)[0] == 2


def test_a_sequence_on_this_machine_is_still_retried_without_a_target(lakejobs, tmp_path) -> None:
    code, _, err = lakejobs("retry", "--lake", str(tmp_path / "empty"))
    assert code == 4
    assert "PKG-014" in err
