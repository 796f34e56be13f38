"""``lakejobs graph --format emr-steps``: a cluster for a day's steps, rehearsed on one that ends as EMR's do."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from botocore.stub import Stubber
from small_cluster import Account

import deploy.graph.emr_steps
from deploy.cli import main

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_TARGET = {
    "kind": "emr-cluster",
    "artifacts": "s3://code/lakejobs",
    "lake": "s3://shop/prod",
    "env": "prod",
    "region": "eu-west-1",
    "service_role": "emr-service",
    "instance_profile": "emr-nodes",
    "role_arn": "arn:aws:iam::111122223333:role/run",
    "security_configuration": "encrypted",
    "subnets": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "core_nodes": 2,
    "max_units": 12,
}
_KEY = ["--set", "lake.pseudonym_key=secret://aws/lakejobs/key"]
_DAY = ["--day", "2026-11-20"]
_FORECASTS = [
    "forecast.history",
    "forecast.backtest",
    "forecast.predict",
    "forecast.reconcile",
    "forecast.replay",
    "forecast.replenish",
    "forecast.page",
]

Export = Callable[..., Any]


@pytest.fixture
def export(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    """Exports jobs; the request, the line of a shell, or what was said with another exit code."""

    def run(
        *selectors: str,
        flags: Sequence[str] = (),
        words: Sequence[str] = _DAY,
        code: int = 0,
        command: str = "graph",
        **changes: Any,
    ) -> Any:
        target = {key: value for key, value in {**_TARGET, **changes}.items() if value is not None}
        (tmp_path / "targets.yaml").write_text(json.dumps({"night": target}))
        line = [command, *selectors, *(["--format", "emr-steps"] if command == "graph" else []), "--target", "night"]
        line += ["--targets", str(tmp_path / "targets.yaml"), "--manifest", str(built / "dist" / "manifest.json")]
        assert main([*line, *flags, "--", *_KEY, *words]) == code
        printed = capsys.readouterr()
        if code:
            return printed.err
        return json.loads(printed.out) if "shell" not in flags else printed.out

    return run


def test_a_days_jobs_are_steps_in_the_order_of_the_graph_and_the_cluster_ends_with_them(export: Export) -> None:
    account = Account()
    cluster = account.run_job_flow(export("forecast.*"))
    assert account.ran == [(job, "2026-11-20") for job in _FORECASTS]
    assert (cluster.state, cluster.reason) == ("TERMINATED", "ALL_STEPS_COMPLETED")


def test_after_a_failed_step_nothing_runs_the_cluster_is_gone_and_the_rest_goes_on_a_new_one(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = Account({"forecast.backtest": [75]})
    cluster = account.run_job_flow(export("forecast.*"))
    assert list(cluster.states.values()) == ["COMPLETED", "FAILED", *["CANCELLED"] * (len(_FORECASTS) - 2)]
    assert (cluster.state, cluster.reason) == ("TERMINATED_WITH_ERRORS", "STEP_FAILURE")
    monkeypatch.setattr(
        deploy.graph.emr_steps,
        "record_of",
        lambda job, run_id, _words, _target: (account.records.get((job, run_id)), ""),
    )
    again = account.run_job_flow(export("forecast.*", flags=["--rest"]))
    assert [job for job, _ in account.ran] == [*_FORECASTS[:2], *_FORECASTS[1:]]
    assert (again.state, again.reason) == ("TERMINATED", "ALL_STEPS_COMPLETED")
    assert "The run records say that all are done" in export("forecast.*", flags=["--rest"], code=2)


def test_what_cannot_be_looked_up_runs_again(export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy.graph.emr_steps, "record_of", lambda *_: (None, "The record could not be read."))
    assert len(export("forecast.*", flags=["--rest"])["Steps"]) == len(_FORECASTS)


def test_days_follow_each_other(export: Export) -> None:
    account = Account()
    days = ["--from", "2026-11-01", "--to", "2026-11-02"]
    jobs = ["forecast.history", "forecast.predict"]
    account.run_job_flow(export(*jobs, flags=["--each-day"], words=days))
    assert account.ran == [(job, day) for day in ("2026-11-01", "2026-11-02") for job in jobs]
    assert len(account.records) == 4


def test_the_cluster_is_what_the_target_says(export: Export) -> None:
    request = export(
        "forecast.history",
        tags={"team": "shop"},
        idle_seconds=600,
        log_key_arn=f"arn:aws:kms:eu-west-1:111122223333:key/{'1' * 8}",
    )
    assert request["ReleaseLabel"] == "emr-spark-8.1.0"
    assert request["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert request["AutoTerminationPolicy"] == {"IdleTimeout": 600}
    assert request["StepConcurrencyLevel"] == 1
    assert request["StepExecutionRoleArn"] == "arn:aws:iam::111122223333:role/run"
    assert request["LogUri"] == "s3://code/lakejobs/logs/"
    assert request["LogEncryptionKmsKeyId"].endswith("key/11111111")
    assert request["MonitoringConfiguration"]["CloudWatchLogConfiguration"]["LogGroupName"] == "/lakejobs/night"
    assert {"Key": "team", "Value": "shop"} in request["Tags"]
    limits = request["ManagedScalingPolicy"]["ComputeLimits"]
    assert [limits[f"{one}CapacityUnits"] for one in ("Minimum", "MaximumCore", "MaximumOnDemand", "Maximum")] == [
        2,
        2,
        2,
        12,
    ]
    fleets = {one["InstanceFleetType"]: one for one in request["Instances"]["InstanceFleets"]}
    assert fleets["CORE"]["TargetOnDemandCapacity"] == 2
    spot = fleets["TASK"]["LaunchSpecifications"]["SpotSpecification"]
    assert spot["AllocationStrategy"] == "price-capacity-optimized"
    types = [one["InstanceType"] for one in fleets["TASK"]["InstanceTypeConfigs"]]
    assert types == ["m6i.2xlarge", "m5.2xlarge", "r6i.2xlarge", "r5.2xlarge"]


def test_types_of_ones_own_are_taken_alone(export: Export) -> None:
    request = export("forecast.history", instance_type="r7i.4xlarge", task_types=["r6i.4xlarge"], max_units=2)
    fleets = request["Instances"]["InstanceFleets"]
    # There is no room above the core nodes, so there are no task nodes.
    assert [one["Name"] for one in fleets] == ["primary", "core"]
    request = export("forecast.history", instance_type="r7i.4xlarge")
    task = request["Instances"]["InstanceFleets"][2]
    assert [one["InstanceType"] for one in task["InstanceTypeConfigs"]] == ["r7i.4xlarge"]


def test_boto3_takes_the_request_as_it_is(export: Export) -> None:
    body = export("*")
    client = get_session().create_client(
        "emr", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    with Stubber(client) as stub:
        stub.add_response("run_job_flow", {"JobFlowId": "j-1"}, body)
        client.run_job_flow(**body)
        stub.assert_no_pending_responses()


def test_the_aws_cli_has_the_same_request_in_flags(export: Export) -> None:
    body = export("forecast.*")
    words = shlex.split(export("forecast.*", flags=["-o", "shell"]))
    # It has no run-job-flow.
    assert words[:5] == ["aws", "emr", "create-cluster", "--region", "eu-west-1"]
    assert "--auto-terminate" in words
    given = dict(pairwise(words))
    assert json.loads(given["--instance-fleets"]) == body["Instances"]["InstanceFleets"]
    assert json.loads(given["--ec2-attributes"]) == {
        "InstanceProfile": "emr-nodes",
        "SubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
    assert [step["Args"] for step in json.loads(given["--steps"])] == [
        step["HadoopJarStep"]["Args"] for step in body["Steps"]
    ]
    assert {step["ActionOnFailure"] for step in json.loads(given["--steps"])} == {"TERMINATE_CLUSTER"}


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"max_units": None}, "PKG-013", "max_units"),
        ({"max_units": 1}, "TGT-003", "core_nodes"),
        ({"max_units": 0}, "TGT-003", "max_units"),
        ({"core_nodes": 0}, "TGT-003", "core_nodes"),
        ({"idle_seconds": 0}, "TGT-003", "idle_seconds"),
        ({"idle_seconds": "off"}, "TGT-003", "idle_seconds"),
        ({"keeps_running": True}, "TGT-002", "keeps_running"),
        ({"cluster_id": "j-1ABCDEFGHIJKL"}, "TGT-002", "cluster_id"),
        ({"security_configuration": None}, "PKG-013", "security_configuration"),
        ({"subnets": []}, "TGT-003", "subnets"),
        ({"subnets": ["vpc-0123456789"]}, "TGT-003", "vpc-0123456789"),
        ({"primary_group": "sg-0123456789"}, "TGT-003", "all three"),
        ({"release": "emr-9.1.0"}, "REL-001", "emr-9.1.0"),
        ({"release": "emr-spark-8.1.0-latest"}, "REL-001", "EKS"),
        ({"instance_type": "m7g.2xlarge"}, "TGT-003", "aarch64"),
        ({"task_types": ["m5.large"]}, "TGT-004", "m5.large"),
        ({"lake": "hdfs:///lake"}, "LAK-001", "when the cluster ends"),
    ],
)
def test_a_cluster_without_bounds_or_that_cannot_be_is_refused(
    export: Export, changes: dict[str, Any], code: str, word: str
) -> None:
    said = export("forecast.history", code=2, **changes)
    assert code in said
    assert word in said


def test_what_is_missing_is_not_said_to_have_flags_that_do_not_exist(export: Export) -> None:
    assert "--max-units" not in export("forecast.history", code=2, max_units=None)


def test_orders_that_make_no_request_are_refused(export: Export) -> None:
    assert "CLI-005" in export("forecast.history", words=(), code=2)
    assert "CLI-002" in export("forecast.history", flags=["--max-concurrency", "2"], code=2)
    days = ["--from", "2026-01-01", "--to", "2026-09-30"]
    assert "CLI-008" in export("forecast.history", flags=["--each-day", "--run-id", "mine"], words=days, code=2)
    assert "it has 273 steps" in export("forecast.history", flags=["--each-day"], words=days, code=2)
    there = dict.fromkeys(["service_role", "instance_profile", "security_configuration", "subnets"])
    there |= {"core_nodes": None, "max_units": None, "kind": "emr-step", "cluster_id": "j-1ABCDEFGHIJKL"}
    assert "TGT-012" in export("forecast.history", code=2, **there)
    long = ["--set", f"lake.pseudonym_key=secret://aws/{'k' * 10_000}"]
    assert "PKG-011" in export("forecast.history", words=[*_DAY, *long], code=2)


def test_one_job_is_planned_as_a_cluster_of_its_own_and_submit_says_why_it_sends_none(export: Export) -> None:
    request = export("forecast.history", command="plan", flags=["-o", "json"])
    assert [step["Name"] for step in request["Steps"]] == ["forecast.history-2026-11-20"]
    said = export("forecast.history", command="submit", code=2)
    assert "SUB-001" in said
    assert "-o shell" in said
