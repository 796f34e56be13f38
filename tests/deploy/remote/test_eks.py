"""EMR on EKS says all of a run in its listing, the token's attempt among the tags."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from deploy.remote.starting import Eks
from deploy.targets.clients import client
from deploy.targets.request_check import check_request

pytestmark = pytest.mark.unit


def _run(name: str, run_id: str, attempt: str, state: str, **more: Any) -> dict[str, Any]:
    driver = {"entryPoint": "s3://a/b/jobs/fraud/score.py", "entryPointArguments": ["--run-id", run_id]}
    return {
        "id": name,
        "name": "fraud.score-2026-11-20",
        "virtualClusterId": "example",
        "state": state,
        "executionRoleArn": "arn:aws:iam::000000000000:role/example",
        "releaseLabel": "emr-spark-8.1.0-latest",
        "jobDriver": {"sparkSubmitJobDriver": driver},
        "createdAt": datetime(2026, 11, 20, 3, tzinfo=UTC),
        "tags": {"lakejobs:job": "fraud.score", "lakejobs:run-id": run_id, "lakejobs:attempt": attempt},
        **more,
    }


@pytest.fixture
def eks(monkeypatch: pytest.MonkeyPatch):
    """The service, and what it is to answer."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    containers = client("emr-containers", "eu-west-1")
    with Stubber(containers) as stub:
        yield Eks(containers, "example"), stub


def test_attempts_are_found_on_all_pages(eks) -> None:
    service, stub = eks
    asked = {"virtualClusterId": "example", "maxResults": 50, "createdAfter": ANY}
    runs = [_run("b", "night-1", "2", "CANCEL_PENDING"), _run("x", "night-2", "1", "RUNNING")]
    stub.add_response("list_job_runs", {"jobRuns": runs, "nextToken": "more"}, asked)
    failed = _run("a", "night-1", "1", "FAILED", failureReason="CLUSTER_UNAVAILABLE", stateDetails="no nodes")
    stub.add_response("list_job_runs", {"jobRuns": [failed]}, {**asked, "nextToken": "more"})
    found = service.find("night-1")
    assert [(run.id, run.attempt, run.phase, run.detail) for run in found] == [
        ("a", 1, "failed", "CLUSTER_UNAVAILABLE: no nodes"),
        ("b", 2, "cancelling", ""),
    ]


def test_a_listing_without_tags_is_asked_for_each_run(eks) -> None:
    service, stub = eks
    bare = {
        key: value for key, value in _run("a", "night-1", "1", "RUNNING").items() if key not in ("tags", "jobDriver")
    }
    stub.add_response("list_job_runs", {"jobRuns": [bare]})
    stub.add_response("describe_job_run", {"jobRun": _run("a", "night-1", "1", "RUNNING")})
    assert [run.id for run in service.find("night-1")] == ["a"]


def test_a_retry_is_a_request_that_the_service_takes(eks) -> None:
    service, stub = eks
    stub.add_response("list_job_runs", {"jobRuns": [_run("a", "night-1", "1", "FAILED")]})
    (run,) = service.find("night-1")
    stub.add_response("describe_job_run", {"jobRun": _run("a", "night-1", "1", "FAILED")})
    body = service.request_again(run, 2)
    check_request("emr-containers", "StartJobRun", body)
    assert body["clientToken"].startswith("night-1-2-")
    assert body["tags"]["lakejobs:attempt"] == "2"
    assert body["jobDriver"] == run.answer["jobDriver"]


def test_a_run_is_cancelled_by_its_id(eks) -> None:
    service, stub = eks
    stub.add_response("describe_job_run", {"jobRun": _run("a", "night-1", "1", "RUNNING")})
    run = service.describe("a")
    stub.add_response("cancel_job_run", {"id": "a"}, {"virtualClusterId": "example", "id": "a"})
    assert "cancels a" in service.cancel(run, 120)[0]
