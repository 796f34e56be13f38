"""The command that sends a request, word by word: what a person pastes into a shell."""

from __future__ import annotations

import json
import shlex
from typing import Any

from deploy.targets.requests import Request
from deploy.targets.target import EmrTarget, Target


def command_of(request: Request, target: Target) -> str:
    """One shell command: ``aws ...`` with the whole request in it, or the spark-submit line of plain YARN."""
    if isinstance(request.body, list):
        return shlex.join(request.body)
    region = ["--region", target.region] if isinstance(target, EmrTarget) and target.region else []
    if request.operation == "RunJobFlow":
        return shlex.join(["aws", "emr", "create-cluster", *region, *_create_cluster(request.body)])
    if request.service == "emr":
        return shlex.join(["aws", "emr", "add-steps", *region, *_add_steps(request.body)])
    return shlex.join(["aws", request.service, "start-job-run", *region, "--cli-input-json", json.dumps(request.body)])


def _add_steps(body: dict[str, Any]) -> list[str]:
    """The AWS CLI has no add-job-flow-steps; its add-steps has another shape of the same request."""
    words = ["--cluster-id", body["JobFlowId"], "--steps", json.dumps(_steps(body["Steps"]))]
    role = body.get("ExecutionRoleArn")
    return [*words, *(["--execution-role-arn", role] if role else [])]


def _create_cluster(body: dict[str, Any]) -> list[str]:
    """The AWS CLI has no run-job-flow either; its create-cluster spells the same request in flags."""
    instances = body["Instances"]
    attributes = {
        "InstanceProfile": body["JobFlowRole"],
        "SubnetIds": instances["Ec2SubnetIds"],
        **{key: value for key, value in instances.items() if key.endswith("SecurityGroup")},
    }
    flags: dict[str, Any] = {
        "--name": body["Name"],
        "--release-label": body["ReleaseLabel"],
        "--service-role": body["ServiceRole"],
        "--security-configuration": body["SecurityConfiguration"],
        "--ebs-root-volume-size": body["EbsRootVolumeSize"],
        "--step-concurrency-level": body["StepConcurrencyLevel"],
        "--log-uri": body.get("LogUri"),
        "--log-encryption-kms-key-id": body.get("LogEncryptionKmsKeyId"),
        "--step-execution-role-arn": body.get("StepExecutionRoleArn"),
        "--ec2-attributes": attributes,
        "--instance-fleets": instances["InstanceFleets"],
        "--configurations": body["Configurations"],
        "--managed-scaling-policy": body["ManagedScalingPolicy"],
        "--auto-termination-policy": body["AutoTerminationPolicy"],
        "--monitoring-configuration": body.get("MonitoringConfiguration"),
        "--steps": _steps(body["Steps"]),
    }
    words = ["--auto-terminate", "--no-termination-protected", "--unhealthy-node-replacement", "--visible-to-all-users"]
    words += ["--applications", *(f"Name={one['Name']}" for one in body["Applications"])]
    words += ["--tags", *(f"{one['Key']}={one['Value']}" for one in body["Tags"])]
    for flag, value in flags.items():
        if value is not None:
            words += [flag, json.dumps(value) if isinstance(value, dict | list) else str(value)]
    return words


def _steps(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    steps = []
    for step in given:
        shown = {
            "Type": "CUSTOM_JAR",
            "Name": step["Name"],
            "ActionOnFailure": step["ActionOnFailure"],
            "Jar": step["HadoopJarStep"]["Jar"],
            "Args": step["HadoopJarStep"]["Args"],
        }
        if "StepMonitoringConfiguration" in step:
            shown["LogUri"] = step["StepMonitoringConfiguration"]["S3MonitoringConfiguration"]["LogUri"]
        steps.append(shown)
    return steps
