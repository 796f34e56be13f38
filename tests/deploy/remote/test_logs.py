"""Logs come from where the run's own request sends them, of drivers and executors, with attempts in the path or not."""

from __future__ import annotations

import gzip
import io
from typing import Any

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from deploy.remote.log_places import Stream, places_of
from deploy.remote.run import SentRun
from deploy.targets.clients import client

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_WHERE = ["--run-id", "night-1", "--target", "night"]
_CONTAINERS = "l/j-EXAMPLE/containers/application_1700000000000_0042/container_1700000000000_0042_01"


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("l/applications/00a/jobs/00r/SPARK_DRIVER/stdout.gz", "driver"),
        ("l/applications/00a/jobs/00r/attempts/2/SPARK_DRIVER/stderr.gz", "driver"),
        ("l/applications/00a/jobs/00r/SPARK_EXECUTOR/3/stdout.gz", "executors"),
        ("l/vc/jobs/r/containers/spark-0001/spark-0001-driver/stdout.gz", "driver"),
        ("l/vc/jobs/r/containers/spark-0001/sessions-8f2a-exec-12/stderr.gz", "executors"),
        ("l/vc/jobs/r/containers/0000-submitter/stdout.gz", "step"),
        (f"{_CONTAINERS}_000001/stdout.gz", "driver"),
        (f"{_CONTAINERS}_000012/stdout.gz", "executors"),
        (f"{_CONTAINERS}_000001/prelaunch.out.gz", ""),
        ("l/j-EXAMPLE/steps/s-1/stderr.gz", "step"),
        ("l/j-EXAMPLE/steps/s-1/controller.gz", ""),
        ("SPARK_DRIVER/stdout", "driver"),
    ],
)
def test_whose_log_a_path_is(path: str, whose: str) -> None:
    found = [one for one in ("driver", "executors", "step") if Stream(one, "both").takes(path)]
    assert found == ([whose] if whose else [])


def test_only_the_stream_that_is_asked_for_is_taken() -> None:
    assert Stream("driver", "stdout").takes("x/SPARK_DRIVER/stdout.gz")
    assert not Stream("driver", "stdout").takes("x/SPARK_DRIVER/stderr.gz")


class _Place:
    name = "emr-containers"
    place = "vc"


def test_a_run_says_itself_where_its_logs_go() -> None:
    monitoring = {
        "s3MonitoringConfiguration": {"logUri": "s3://logs/eks/"},
        "cloudWatchMonitoringConfiguration": {"logGroupName": "/lakejobs/eks", "logStreamNamePrefix": "fraud.score"},
    }
    answer = {"configurationOverrides": {"monitoringConfiguration": monitoring}}
    run = SentRun("r", "night-1", "fraud.score", 1, "RUNNING", "", None, None, (), answer)
    assert [place.shown for place in places_of(run, _Place(), None)] == [  # type: ignore[arg-type]
        "/lakejobs/eks fraud.score/vc/jobs/r/",
        "s3://logs/eks/vc/jobs/r/",
    ]


@pytest.fixture
def aws(emr, submit, monkeypatch: pytest.MonkeyPatch) -> dict[str, Stubber]:
    """S3 and CloudWatch for a run that was sent."""
    submit("--run-id", "night-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    stubs = {name: Stubber(client(name, "eu-west-1")) for name in ("s3", "logs")}
    monkeypatch.setattr("deploy.remote.logs.client", lambda name, _region: stubs[name].client)
    for stub in stubs.values():
        stub.activate()
    return stubs


def _body(text: str) -> dict[str, Any]:
    # Two members, as a log that was appended to.
    first, second = text.encode()[:10], text.encode()[10:]
    packed = gzip.compress(first) + gzip.compress(second)
    return {"Body": StreamingBody(io.BytesIO(packed), len(packed))}


def test_logs_of_the_driver_come_from_s3_whatever_attempt_wrote_them(aws, lakejobs) -> None:
    below = "lakejobs/logs/applications/00example/jobs/00run1"
    keys = [f"{below}/attempts/1/SPARK_DRIVER/stdout.gz", f"{below}/attempts/1/SPARK_EXECUTOR/1/stdout.gz"]
    listed = {"Contents": [{"Key": key, "ETag": "1"} for key in keys]}
    aws["s3"].add_response("list_objects_v2", listed, {"Bucket": "example-artifacts", "Prefix": f"{below}/"})
    aws["s3"].add_response(
        "get_object", _body("begun\n\npublished 3 rows é\n"), {"Bucket": "example-artifacts", "Key": keys[0]}
    )
    code, out, _ = lakejobs("logs", *_WHERE, "--from", "s3")
    assert (code, out) == (0, "begun\n\npublished 3 rows é\n")


def test_without_logs_in_cloudwatch_they_are_looked_for_on_s3(aws, lakejobs) -> None:
    aws["logs"].add_client_error("filter_log_events", "ResourceNotFoundException")
    aws["s3"].add_response("list_objects_v2", {})
    code, out, err = lakejobs("logs", *_WHERE)
    assert (code, out) == (4, "")
    assert "they come some minutes after the start, and the run is SUBMITTED" in err


def _event(number: int, at: int, text: str) -> dict[str, Any]:
    stream = "clickstream.sessionise/applications/00example/jobs/00run1/SPARK_DRIVER/stdout"
    return {"logStreamName": stream, "timestamp": at, "message": text, "eventId": str(number)}


def test_follow_prints_each_line_once_until_the_run_ends(aws, emr, lakejobs, monkeypatch) -> None:
    def end(_seconds: float) -> None:
        emr.runs["00run1"]["state"] = "SUCCESS"

    monkeypatch.setattr("deploy.remote.logs.sleep", end)
    first, late, last = _event(1, 100_000, "one\n"), _event(2, 90_000, "late"), _event(3, 110_000, "two")
    asked = {
        "logGroupName": "/lakejobs/night",
        "logStreamNamePrefix": "clickstream.sessionise/applications/00example/jobs/00run1/",
    }
    aws["logs"].add_response("filter_log_events", {"events": [first]}, {**asked, "startTime": 0})
    aws["logs"].add_response("filter_log_events", {"events": [late, first, last]}, {**asked, "startTime": 40_000})
    code, out, _ = lakejobs("logs", *_WHERE, "--follow")
    assert (code, out) == (0, "one\nlate\ntwo\n")


def test_a_log_on_s3_that_has_grown_is_printed_from_where_it_was(aws, emr, lakejobs, monkeypatch) -> None:
    def end(_seconds: float) -> None:
        emr.runs["00run1"]["state"] = "FAILED"

    monkeypatch.setattr("deploy.remote.logs.sleep", end)
    key = "lakejobs/logs/applications/00example/jobs/00run1/SPARK_DRIVER/stderr.gz"
    for etag, text in (("1", "one\ntwo\n"), ("2", "one\ntwo\nthree\n")):
        aws["s3"].add_response("list_objects_v2", {"Contents": [{"Key": key, "ETag": etag}]})
        aws["s3"].add_response("get_object", _body(text))
    assert lakejobs("logs", *_WHERE, "--from", "s3", "--follow")[1] == "one\ntwo\nthree\n"
