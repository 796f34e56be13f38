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
    if request.service == "emr":
        return shlex.join(["aws", "emr", "add-steps", *region, *_add_steps(request.body)])
    return shlex.join(["aws", request.service, "start-job-run", *region, "--cli-input-json", json.dumps(request.body)])


def _add_steps(body: dict[str, Any]) -> list[str]:
    """The AWS CLI has no add-job-flow-steps; its add-steps has another shape of the same request."""
    steps = []
    for step in body["Steps"]:
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
    words = ["--cluster-id", body["JobFlowId"], "--steps", json.dumps(steps)]
    role = body.get("ExecutionRoleArn")
    return [*words, *(["--execution-role-arn", role] if role else [])]
