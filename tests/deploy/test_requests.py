"""What a request says beyond code and arguments: properties, retries, logs, processor; and how it is sent."""

from __future__ import annotations

import json
import shlex
from itertools import pairwise
from typing import Any

import pytest
from botocore.session import get_session
from botocore.stub import Stubber

from common.releases import release_of, release_of_spark
from deploy.targets.requests import Request, delta_package, request_of
from deploy.targets.sending import command_of
from deploy.targets.submission import Submission
from deploy.targets.target import KINDS, Target

pytestmark = pytest.mark.unit

_EMR = {
    "artifacts": "s3://example-artifacts/lakejobs",
    "role_arn": "arn:aws:iam::000000000000:role/example",
    "region": "eu-west-1",
}
_PLACES: dict[str, dict[str, Any]] = {
    "emr-step": {**_EMR, "cluster_id": "j-EXAMPLE"},
    "emr-serverless": {**_EMR, "application_id": "00example"},
    "emr-eks": {**_EMR, "virtual_cluster_id": "example"},
    "yarn": {"artifacts": "hdfs:///apps/lakejobs"},
}
_ON_EMR = [kind for kind in _PLACES if kind != "yarn"]


def target_of_kind(kind: str, **said: Any) -> Target:
    return KINDS[kind].model_validate({"kind": kind, **_PLACES[kind], **said})


def requested(
    kind: str, *, release: str = "emr-spark-8.1.0", said: dict[str, Any] | None = None, **more: Any
) -> Request:
    """The request of a submission; ``said`` are keys of the target, ``more`` those of the submission."""
    target = target_of_kind(kind, **(said or {}))
    submission = Submission(
        job="fraud.score",
        entry="s3://a/score.py",
        archive="s3://a/suite.zip",
        environment="s3://a/env.tar.gz",
        arguments=("--day", "2026-11-20"),
        release=release_of(release),
        release_label=release,
        run_id="night",
        size=target.size,
        **more,
    )
    return request_of(submission, target, "prod")


def conf_of(request: Request) -> dict[str, str]:
    """The Spark properties of a request, those of the classification spark-defaults among them."""
    body = request.body
    if isinstance(body, list):
        words = body
    elif "Steps" in body:
        words = body["Steps"][0]["HadoopJarStep"]["Args"]
    else:
        (driver,) = body["jobDriver"].values()
        words = driver["sparkSubmitParameters"].split(" ")
    said = dict(word.split("=", 1) for flag, word in pairwise(words) if flag == "--conf")
    overrides = body.get("configurationOverrides", {}) if isinstance(body, dict) else {}
    for classification in overrides.get("applicationConfiguration", []):
        said |= classification["properties"]
    return said


@pytest.mark.parametrize("kind", _PLACES)
def test_properties_from_outside_are_sent_and_jars_come_after_deltas(kind: str) -> None:
    options = "-XX:+UseG1GC -Dnote='a b'"
    more = (
        ("spark.ui.retainedJobs", "50"),
        ("spark.jars", "s3://a/more.jar"),
        ("spark.driver.extraJavaOptions", options),
    )
    conf = conf_of(requested(kind, more_conf=more, said={"delta_jars": ["hdfs:///d.jar"]} if kind == "yarn" else None))
    assert conf["spark.ui.retainedJobs"] == "50"
    assert conf["spark.jars"].endswith(".jar,s3://a/more.jar")
    assert conf["spark.driver.extraJavaOptions"] == options


@pytest.mark.parametrize("kind", ["emr-serverless", "emr-eks"])
def test_a_value_with_blanks_stands_where_the_service_does_not_split_it(kind: str) -> None:
    body = requested(kind, more_conf=(("spark.x", "a b"),)).body
    assert isinstance(body, dict)
    assert body["configurationOverrides"]["applicationConfiguration"] == [
        {"classification": "spark-defaults", "properties": {"spark.x": "a b"}}
    ]
    assert "spark.x" not in json.dumps(body["jobDriver"])


@pytest.mark.parametrize("kind", _PLACES)
def test_memory_for_python_is_asked_for_beside_the_heap(kind: str) -> None:
    conf = conf_of(requested(kind))
    assert (conf["spark.executor.memory"], conf["spark.executor.memoryOverhead"]) == ("8g", "3892m")
    assert (conf["spark.driver.memory"], conf["spark.driver.memoryOverhead"]) == ("6g", "1895m")
    assert conf["spark.dynamicAllocation.maxExecutors"] == "20"


def test_the_service_retries_only_where_the_target_says_so() -> None:
    serverless, eks = (requested(kind, said={"max_attempts": 3}).body for kind in ("emr-serverless", "emr-eks"))
    assert isinstance(serverless, dict)
    assert isinstance(eks, dict)
    assert serverless["retryPolicy"] == {"maxAttempts": 3}
    assert eks["retryPolicyConfiguration"] == {"maxAttempts": 3}
    for kind in _ON_EMR:
        assert "retry" not in json.dumps(requested(kind).body).lower()


def test_flex_execution_is_asked_for_where_the_target_says_so() -> None:
    assert requested("emr-serverless", said={"flex_execution": True}).body["flexExecution"] == {"enabled": True}
    assert "flexExecution" not in requested("emr-serverless").body


def test_logs_go_to_s3_and_cloudwatch_without_being_asked_for() -> None:
    both = ["STDOUT", "STDERR"]
    serverless, eks, step = (requested(kind).body for kind in ("emr-serverless", "emr-eks", "emr-step"))
    assert serverless["configurationOverrides"]["monitoringConfiguration"] == {
        "s3MonitoringConfiguration": {"logUri": "s3://example-artifacts/lakejobs/logs/"},
        "cloudWatchLoggingConfiguration": {
            "enabled": True,
            "logGroupName": "/lakejobs/prod",
            "logStreamNamePrefix": "fraud.score",
            "logTypes": {"SPARK_DRIVER": both, "SPARK_EXECUTOR": both},
        },
    }
    assert eks["configurationOverrides"]["monitoringConfiguration"] == {
        "persistentAppUI": "ENABLED",
        "s3MonitoringConfiguration": {"logUri": "s3://example-artifacts/lakejobs/logs/"},
        "cloudWatchMonitoringConfiguration": {"logGroupName": "/lakejobs/prod", "logStreamNamePrefix": "fraud.score"},
    }
    assert step["Steps"][0]["StepMonitoringConfiguration"] == {
        "S3MonitoringConfiguration": {"LogUri": "s3://example-artifacts/lakejobs/logs/"}
    }


def test_logs_go_where_the_target_says_or_nowhere() -> None:
    said = {"logs": {"s3": "s3://example-logs/x/", "cloudwatch": "off"}}
    assert requested("emr-serverless", said=said).body["configurationOverrides"] == {
        "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": "s3://example-logs/x/"}}
    }
    off = {"logs": {"s3": "off", "cloudwatch": "off"}}
    assert "configurationOverrides" not in requested("emr-serverless", said=off).body
    assert "Monitoring" not in json.dumps(requested("emr-step", said={"logs": {"s3": "off"}}).body)


@pytest.mark.parametrize("kind", ["emr-step", "emr-eks"])
def test_event_logs_go_below_the_logs_on_s3_when_the_target_asks_for_them(kind: str) -> None:
    logs = {"s3": "s3://example-logs/x/", "events": True}
    conf = conf_of(requested(kind, said={"logs": logs}))
    assert {key: value for key, value in conf.items() if "eventLog" in key} == {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": "s3://example-logs/x/spark-events",
        "spark.eventLog.rolling.enabled": "true",
    }
    default = conf_of(requested(kind, said={"logs": {"events": True}}))
    assert default["spark.eventLog.dir"] == "s3://example-artifacts/lakejobs/logs/spark-events"


def test_event_logs_are_the_platforms_own_where_nobody_asks_for_them() -> None:
    assert [kind for kind in _PLACES if any("eventLog" in key for key in conf_of(requested(kind)))] == []


def test_on_eks_the_services_history_server_gives_way_to_ones_own() -> None:
    own, usual = (requested("emr-eks", said={"logs": {"events": events}}).body for events in (True, False))
    shown = [one["configurationOverrides"]["monitoringConfiguration"]["persistentAppUI"] for one in (own, usual)]
    assert shown == ["DISABLED", "ENABLED"]


@pytest.mark.parametrize(("architecture", "word"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_pods_choose_nodes_of_the_processor_that_the_archive_is_for(architecture: str, word: str) -> None:
    key = "spark.kubernetes.node.selector.kubernetes.io/arch"
    assert conf_of(requested("emr-eks", said={"architecture": architecture}))[key] == word
    assert key not in conf_of(requested("emr-serverless"))


@pytest.mark.parametrize("kind", _PLACES)
def test_glue_is_named_on_emr_where_tables_are_registered_and_nowhere_else(kind: str) -> None:
    factory = "spark.hadoop.hive.metastore.client.factory.class"
    registers = conf_of(requested(kind, registers=True))
    assert (registers.get(factory, "").rpartition(".")[2] == "AWSGlueDataCatalogHiveClientFactory") == (kind != "yarn")
    assert (registers.get("spark.sql.catalogImplementation") == "hive") == (kind != "yarn")
    assert factory not in conf_of(requested(kind))


@pytest.mark.parametrize("kind", _PLACES)
def test_yarn_is_asked_for_one_attempt_and_nobody_else_is(kind: str) -> None:
    conf = conf_of(requested(kind))
    assert conf.get("spark.yarn.maxAppAttempts") == ("1" if kind in ("emr-step", "yarn") else None)


@pytest.mark.parametrize(
    ("spark", "coordinates"),
    [
        ("3.5.6", "io.delta:delta-spark_2.12:3.3.2"),
        ("3.5.1", "io.delta:delta-spark_2.12:3.3.2"),
        ("4.1.1", "io.delta:delta-spark_4.1_2.13:4.2.0"),
    ],
)
def test_plain_yarn_fetches_the_delta_of_its_spark(spark: str, coordinates: str) -> None:
    submission = Submission("a.b", "", "", None, (), release_of_spark(spark), "", "night")
    assert delta_package(submission) == coordinates


def test_plain_yarn_has_its_master_and_no_path_of_emr() -> None:
    fetched = requested("yarn", release="emr-7.13.0").body
    assert isinstance(fetched, list)
    assert fetched[:5] == ["spark-submit", "--master", "yarn", "--packages", "io.delta:delta-spark_2.12:3.3.2"]
    assert fetched[fetched.index("--py-files") + 1] == "s3://a/suite.zip"
    jars = ["hdfs:///jars/delta-spark.jar", "hdfs:///jars/delta-storage.jar"]
    named = requested("yarn", said={"delta_jars": jars}).body
    assert isinstance(named, list)
    assert "--packages" not in named
    # The first jar brings Delta's Python half.
    assert named[named.index("--py-files") + 1] == f"s3://a/suite.zip,{jars[0]}"
    assert f"spark.jars={','.join(jars)}" in named
    assert "/usr/share/aws" not in json.dumps([fetched, named])


@pytest.mark.parametrize(
    ("kind", "method"),
    [("emr-step", "add_job_flow_steps"), ("emr-serverless", "start_job_run"), ("emr-eks", "start_job_run")],
)
def test_boto3_sends_what_is_printed_as_json(kind: str, method: str) -> None:
    request = requested(kind)
    body = json.loads(json.dumps(request.body))
    answer = {"applicationId": "00example", "jobRunId": "1", "arn": f"arn:aws:emr-serverless:::/{'x' * 60}"}
    client = get_session().create_client(
        request.service, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    with Stubber(client) as stub:
        stub.add_response(method, answer if kind == "emr-serverless" else {}, body)
        getattr(client, method)(**body)
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("kind", ["emr-serverless", "emr-eks"])
def test_the_aws_cli_is_given_the_request_as_it_is(kind: str) -> None:
    request = requested(kind, more_conf=(("spark.x", "it's $HOME"),))
    words = shlex.split(command_of(request, target_of_kind(kind)))
    assert words[:6] == ["aws", request.service, "start-job-run", "--region", "eu-west-1", "--cli-input-json"]
    assert json.loads(words[6]) == request.body


def test_the_aws_cli_is_given_steps_in_its_own_shape() -> None:
    request = requested("emr-step")
    assert isinstance(request.body, dict)
    words = shlex.split(command_of(request, target_of_kind("emr-step")))
    assert words[:7] == ["aws", "emr", "add-steps", "--region", "eu-west-1", "--cluster-id", "j-EXAMPLE"]
    assert words[9:] == ["--execution-role-arn", _EMR["role_arn"]]
    (step,) = json.loads(words[8])
    assert step == {
        "Type": "CUSTOM_JAR",
        "Name": "fraud.score",
        "ActionOnFailure": "CONTINUE",
        "Jar": "command-runner.jar",
        "Args": request.body["Steps"][0]["HadoopJarStep"]["Args"],
        "LogUri": "s3://example-artifacts/lakejobs/logs/",
    }
