"""A step has no token, and YARN runs the driver: both are looked after here."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from common.errors import TransientError
from deploy.remote.resource_manager import end_applications
from deploy.remote.steps import Steps
from deploy.targets.clients import client

pytestmark = pytest.mark.unit

_CLUSTER = "j-EXAMPLE"
_APPLICATION = "application_1700000000000_0042"
_WORDS = ["spark-submit", "--deploy-mode", "cluster", "s3://a/b/jobs/clickstream/sessionise.py", "--run-id"]


def _step(name: str, run_id: str, state: str, hour: int, **more: Any) -> dict[str, Any]:
    created = datetime(2026, 11, 20, hour, tzinfo=UTC)
    return {
        "Id": name,
        "Name": "clickstream.sessionise-2026-11-20",
        "Config": {"Jar": "command-runner.jar", "Args": [*_WORDS, run_id, "--day", "2026-11-20"]},
        "ActionOnFailure": "CONTINUE",
        "Status": {"State": state, "Timeline": {"CreationDateTime": created}},
        **more,
    }


@pytest.fixture
def emr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """EMR, of which each answer is checked against its service model."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    with Stubber(client("emr", "eu-west-1")) as stub:
        yield stub


@pytest.fixture
def steps(emr: Stubber) -> Steps:
    return Steps(emr.client, emr.client, _CLUSTER, "eu-west-1")


def test_steps_of_a_run_id_are_its_attempts_in_the_order_of_their_creation(emr: Stubber, steps: Steps) -> None:
    newest = [_step("s-4", "night-1", "RUNNING", 4), _step("s-3", "night-10", "RUNNING", 3)]
    emr.add_response("list_steps", {"Steps": newest, "Marker": "more"}, {"ClusterId": _CLUSTER})
    emr.add_response(
        "list_steps", {"Steps": [_step("s-1", "night-1", "FAILED", 1)]}, {"ClusterId": _CLUSTER, "Marker": "more"}
    )
    found = steps.find("night-1")
    assert [(run.id, run.attempt, run.phase, run.job) for run in found] == [
        ("s-1", 1, "failed", "clickstream.sessionise"),
        ("s-4", 2, "running", "clickstream.sessionise"),
    ]


def _body() -> dict[str, Any]:
    step = _step("s-1", "night-1", "PENDING", 1)
    jar = {"Jar": "command-runner.jar", "Args": step["Config"]["Args"]}
    return {
        "JobFlowId": _CLUSTER,
        "Steps": [{"Name": step["Name"], "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar}],
    }


@pytest.mark.parametrize("has_arrived", [True, False])
def test_a_step_whose_answer_is_lost_is_looked_for_and_never_sent_twice(
    emr: Stubber, steps: Steps, monkeypatch: pytest.MonkeyPatch, has_arrived: bool
) -> None:
    sent: list[dict[str, Any]] = []

    def lost(**body: Any) -> None:
        sent.append(body)
        raise ReadTimeoutError(endpoint_url="https://example")

    monkeypatch.setattr(emr.client, "add_job_flow_steps", lost)
    emr.add_response("list_steps", {"Steps": []})
    emr.add_response("list_steps", {"Steps": [_step("s-1", "night-1", "PENDING", 1)] if has_arrived else []})
    if has_arrived:
        assert steps.send(_body()) == "s-1"
    else:
        with pytest.raises(TransientError):
            steps.send(_body())
    assert len(sent) == 1


def test_the_client_that_sends_steps_never_sends_by_itself_again() -> None:
    assert client("emr", "eu-west-1", attempts=1).meta.config.retries["total_max_attempts"] == 1


def test_a_retried_step_has_the_same_words_role_and_logs(emr: Stubber, steps: Steps) -> None:
    step = _step("s-1", "night-1", "FAILED", 1)
    emr.add_response("list_steps", {"Steps": [step]})
    role = "arn:aws:iam::000000000000:role/example"
    emr.add_response("describe_step", {"Step": {**step, "ExecutionRoleArn": role, "LogUri": "s3://logs/steps/"}})
    (run,) = steps.find("night-1")
    expected = _body()
    expected["Steps"][0]["StepMonitoringConfiguration"] = {"S3MonitoringConfiguration": {"LogUri": "s3://logs/steps/"}}
    assert steps.request_again(run, 2) == {**expected, "ExecutionRoleArn": role}


@pytest.mark.parametrize(("grace", "option"), [(120, "SEND_INTERRUPT"), (0, "TERMINATE_PROCESS")])
def test_cancelling_a_step_says_how_the_application_is_ended_where_yarn_is_out_of_reach(
    emr: Stubber, steps: Steps, grace: int, option: str
) -> None:
    more = {"AdditionalInfo": {"ResourceManagerApplicationIds": [_APPLICATION]}}
    step = _step("s-1", "night-1", "RUNNING", 1, **more)
    emr.add_response("list_steps", {"Steps": [step]})
    (run,) = steps.find("night-1")
    emr.add_response("describe_step", {"Step": step})
    expected = {"ClusterId": _CLUSTER, "StepIds": ["s-1"], "StepCancellationOption": option}
    emr.add_response("cancel_steps", {"CancelStepsInfoList": [{"StepId": "s-1", "Status": "SUBMITTED"}]}, expected)
    emr.add_response("describe_cluster", {"Cluster": {"MasterPublicDnsName": "localhost.invalid"}})
    said = steps.cancel(run, grace)
    assert said[0] == f"EMR cancels the step s-1 ({option})."
    assert f"On the primary node: yarn application -kill {_APPLICATION}" in said
    (line,) = (one for one in said if one.startswith("or as a step: "))
    assert "aws emr add-steps --region eu-west-1 --cluster-id j-EXAMPLE" in line


def test_a_step_that_waits_has_no_application_to_end(emr: Stubber, steps: Steps) -> None:
    step = _step("s-1", "night-1", "PENDING", 1)
    emr.add_response("list_steps", {"Steps": [step]})
    (run,) = steps.find("night-1")
    emr.add_response("describe_step", {"Step": step})
    emr.add_response("cancel_steps", {"CancelStepsInfoList": [{"StepId": "s-1", "Status": "SUBMITTED"}]})
    assert steps.cancel(run, 120) == ["EMR cancels the step s-1 (SEND_INTERRUPT)."]


@pytest.fixture
def resource_manager() -> Iterator[tuple[int, list[str]]]:
    """A resource manager with two applications: its port, and what it was asked to end."""
    killed: list[str] = []
    apps = [{"id": _APPLICATION, "name": "sessions"}, {"id": "application_1700000000000_0007", "name": "other"}]

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"apps": {"app": apps}})

        def do_PUT(self) -> None:
            wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            killed.append(f"{self.path} {wanted['state']}")
            self._answer(wanted)

        def _answer(self, body: Any) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, killed
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("known", [[_APPLICATION], []])
def test_an_application_is_ended_by_its_id_or_by_the_name_of_the_step(
    resource_manager: tuple[int, list[str]], known: list[str]
) -> None:
    port, killed = resource_manager
    said = end_applications("127.0.0.1", known, "sessions", _CLUSTER, None, port)
    assert said == [f"The YARN application {_APPLICATION} is ended too."]
    assert killed == [f"/ws/v1/cluster/apps/{_APPLICATION}/state?user.name=hadoop KILLED"]
