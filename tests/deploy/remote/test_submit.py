"""The same work submitted twice is one run; a retry after a failure is the next attempt, never the old answer."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ID = ["--run-id", "night-1"]
_WHERE = [*_ID, "--target", "night"]


def _tokens(emr):
    return [(run["tags"]["lakejobs:run-id"], run["tags"]["lakejobs:attempt"]) for run in emr.runs.values()]


def test_submit_sends_the_planned_request_and_says_how_to_go_on(emr, submit) -> None:
    code, out, _ = submit(*_ID)
    assert code == 0
    assert "sent: clickstream.sessionise, run id night-1, attempt 1, id 00run1" in out
    assert "next: lakejobs wait --run-id night-1 --target night" in out
    assert emr.runs["00run1"]["tags"] == {
        "lakejobs:job": "clickstream.sessionise",
        "lakejobs:run-id": "night-1",
        "lakejobs:attempt": "1",
    }


def test_work_that_goes_on_is_not_sent_again(emr, submit) -> None:
    submit(*_ID)
    emr.runs["00run1"]["state"] = "QUEUED"
    code, out, _ = submit(*_ID, "-o", "json")
    sent = json.loads(out)
    assert (code, sent["id"], sent["attempt"], sent["outcome"]) == (0, "00run1", 1, "goes on")
    assert len(emr.runs) == 1


def test_a_run_id_of_other_work_is_refused(emr, submit, monkeypatch) -> None:
    submit(*_ID)
    other = ("--day", "2026-11-21")
    code, _, err = submit(*_ID, arguments=other)
    assert code == 2
    assert "SUB-005: The run id night-1 names other work already" in err
    # The service refuses it too, where nobody has looked.
    monkeypatch.setattr(emr, "list_job_runs", lambda **_: {"jobRuns": []})
    code, _, err = submit(*_ID, arguments=other)
    assert (code, len(emr.runs)) == (2, 1)
    assert "SUB-005" in err


def test_without_a_run_id_the_same_days_and_flags_are_the_same_work(emr, submit) -> None:
    submit()
    submit()
    submit("--max-executors", "7")
    assert len(emr.runs) == 1
    submit(arguments=("--day", "2026-11-21"))
    assert len(emr.runs) == 2


def test_two_laptops_at_once_are_one_run_by_the_token(emr, submit, monkeypatch) -> None:
    submit(*_ID)
    # The second one has looked before the first one sent.
    monkeypatch.setattr(emr, "list_job_runs", lambda **_: {"jobRuns": []})
    _, out, _ = submit(*_ID)
    assert "id 00run1" in out
    assert len(emr.runs) == 1


def test_after_a_failure_the_next_attempt_is_sent(emr, submit, record) -> None:
    submit(*_ID)
    emr.runs["00run1"]["state"] = "FAILED"
    record("night-1", "failed", 3)
    _, out, _ = submit(*_ID)
    assert "attempt 2, id 00run2" in out
    assert _tokens(emr) == [("night-1", "1"), ("night-1", "2")]


def test_done_work_is_not_sent_again_unless_another_attempt_is_asked_for(emr, submit, record) -> None:
    submit(*_ID)
    emr.runs["00run1"]["state"] = "SUCCESS"
    record("night-1", "done", 0)
    _, out, _ = submit(*_ID)
    assert "done already: clickstream.sessionise, run id night-1, attempt 1, id 00run1" in out
    assert len(emr.runs) == 1
    _, out, _ = submit(*_ID, "--attempt", "2")
    assert "attempt 2, id 00run2" in out


def test_work_that_the_service_has_forgotten_is_known_by_its_record(emr, submit, record) -> None:
    record("night-1", "done", 0)
    code, out, _ = submit(*_ID, "--wait")
    assert (code, len(emr.runs)) == (0, 0)
    assert "done already" in out
    record("night-1", "failed", 75, attempt=2)
    _, out, _ = submit(*_ID)
    assert "attempt 3" in out


def test_an_attempt_that_has_failed_is_not_asked_for_its_old_answer(emr, submit, record) -> None:
    submit(*_ID)
    emr.runs["00run1"]["state"] = "FAILED"
    code, _, err = submit(*_ID, "--attempt", "1")
    assert code == 2
    assert "SUB-005" in err
    assert "Plan attempt 2" in err


def test_no_attempt_runs_beside_an_earlier_one(emr, submit) -> None:
    submit(*_ID)
    emr.runs["00run1"]["state"] = "RUNNING"
    code, _, err = submit(*_ID, "--attempt", "2")
    assert (code, len(emr.runs)) == (2, 1)
    assert "lakejobs cancel --run-id night-1 --target night" in err


def test_a_saved_plan_is_sent_exactly_as_it_is(emr, dist, lakejobs, tmp_path) -> None:
    manifest = ["--manifest", str(dist.folder / "manifest.json")]
    flags = ["--", "--set", "lake.shared_folder=true", "--day", "2026-11-20"]
    _, request, _ = lakejobs("plan", "clickstream.sessionise", *_WHERE, *manifest, "-o", "json", *flags)
    (tmp_path / "plan.json").write_text(request, encoding="utf-8")
    code, out, _ = lakejobs("submit", "--plan", "plan.json", "--target", "night")
    assert (code, "id 00run1" in out) == (0, True)
    driver = json.loads(request)["jobDriver"]
    assert emr.runs["00run1"]["jobDriver"] == driver
    _, out, _ = lakejobs("submit", "--plan", "plan.json", "--target", "night")
    assert "goes on" in out
    emr.runs["00run1"]["state"] = "FAILED"
    assert lakejobs("submit", "--plan", "plan.json", "--target", "night")[0] == 2


@pytest.mark.parametrize(
    "text", ["", "[]", '["spark-submit"]', '{"JobFlowId": "j-EXAMPLE", "applicationId": "00example"}']
)
def test_a_file_without_a_request_is_refused(emr, lakejobs, tmp_path, text) -> None:
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    code, _, err = lakejobs("submit", "--plan", "plan.json", "--target", "night")
    assert code == 2
    assert "SUB-004" in err


def test_with_a_saved_plan_no_flag_may_change_it(emr, lakejobs) -> None:
    code, _, err = lakejobs("submit", "--plan", "plan.json", "--target", "night", "--max-executors", "7")
    assert code == 2
    assert "exactly as it is" in err


def test_what_plan_refuses_is_refused_before_anything_is_sent(emr, submit) -> None:
    code, _, err = submit(arguments=("--dya", "2026-11-20"))
    assert (code, len(emr.runs)) == (2, 0)
    assert "CLI-001" in err
    code, _, err = submit("--max-executors", "-1")
    assert (code, len(emr.runs)) == (2, 0)


def test_the_next_command_names_the_place_where_only_flags_say_it(emr, lakejobs, dist, tmp_path) -> None:
    place = [
        *(
            "--target",
            "emr-serverless",
            "--artifacts",
            "s3://example-artifacts/lakejobs",
            "--application-id",
            "00example",
        ),
        *("--role-arn", "arn:aws:iam::000000000000:role/example", "--region", "eu-west-1"),
    ]
    manifest = ["--manifest", str(dist.folder / "manifest.json"), "--max-executors", "7"]
    lake = ["--lake", str(tmp_path / "lake"), "--set", "lake.shared_folder=true"]
    code, out, _ = lakejobs(
        "submit", "clickstream.sessionise", *place, *manifest, *_ID, "-o", "json", "--", *lake, "--day", "2026-11-20"
    )
    assert code == 0
    words = json.loads(out)["next_command"].split()
    assert words[:2] == ["lakejobs", "wait"]
    assert {*words[2:]} == {*_ID, *place}
    assert lakejobs("status", *words[2:])[0] == 0


def test_plain_yarn_is_not_sent_from_here(emr, lakejobs, dist) -> None:
    where = [
        "--target",
        "yarn",
        "--artifacts",
        "hdfs:///apps/lakejobs",
        "--manifest",
        str(dist.folder / "manifest.json"),
    ]
    flags = ["--", "--lake", "s3://example-lake/prod", "--day", "2026-11-20"]
    code, _, err = lakejobs("submit", "clickstream.sessionise", *where, *flags)
    assert code == 2
    assert "SUB-001" in err


def test_several_jobs_go_in_the_order_of_the_graph_and_stop_behind_a_failure(emr, dist, lakejobs, monkeypatch) -> None:
    states = ["SUCCESS", "RUNNING", "FAILED"]

    def pause(_seconds: float) -> None:
        list(emr.runs.values())[-1]["state"] = states.pop(0)

    monkeypatch.setattr("deploy.remote.waiting.sleep", pause)
    jobs = ["forecast.predict", "forecast.history", "forecast.backtest"]
    manifest = ["--manifest", str(dist.folder / "manifest.json")]
    flags = ["--", "--set", "lake.shared_folder=true", "--from", "2026-11-01", "--to", "2026-11-20"]
    code, out, _ = lakejobs("submit", *jobs, "--target", "night", *manifest, "-o", "json", *flags)
    sent = [(one["job"], one.get("exit_code"), one["outcome"][:8]) for one in json.loads(out)]
    assert code == 1
    assert sent == [
        ("forecast.history", 0, "sent"),
        ("forecast.backtest", 1, "sent"),
        ("forecast.predict", None, "not sent"),
    ]
