"""The states of one job in a state machine of Step Functions.

No service says with which exit code a job ended, so the run record does: it is read before the job (done is done), and
after a failure, where 5 and 75 ask for another attempt.
"""

from __future__ import annotations

import json
from typing import Any

from common.errors import TransientError, UsageError, WriteConflictError
from common.run.record.record import STATUS_DONE, record_path
from deploy.graph.expressions import expression, joined, with_expressions
from deploy.graph.work import RUN_ID, Work

ATTEMPTS = 3
"""How often an execution sends a job whose run record allows it."""

FIRST_WAIT_SECONDS = 300

_INTEGRATIONS = {
    "emr-serverless": ("emr-serverless:startJobRun.sync", "EMRServerless"),
    "emr-containers": ("emr-containers:startJobRun.sync", "EMRContainers"),
    "emr": ("elasticmapreduce:addStep.sync", "EMR"),
}
# What a request that was not taken comes back with. A step has no token: only what surely was not taken is sent again.
_NOT_TAKEN = ("ThrottlingException", "TooManyRequestsException")
_BROKEN = ("InternalServerException", "ServiceUnavailableException")
_INPUT = expression("$states.input")
_LISTS = ("failed", "left")


def job_states(work: Work, run_id: str, day: str, after: dict[str, Any]) -> dict[str, Any]:
    """The states of a job; the first bears its name. ``run_id`` is the expression of its run id.

    ``day`` is the text in the request that ``$day`` stands for; ``after`` is ``Next`` or ``End`` of the last ones.
    Input and output are ``failed`` and ``left``, lists of jobs. Raises UsageError TGT-012 for a lake that is not on S3.
    """
    name = work.name
    # A variable of an outer scope cannot be assigned in a branch or an item: each job has variables of its own.
    record, attempt, sent = variables_of(work)
    known = {RUN_ID: f"({run_id})", **({day: "$day"} if day else {})}
    look, found = _look(work, known), expression("$parse($states.result.Body)")
    first: dict[str, Any] = {"Type": "Pass", "Next": f"{name} look"}
    if work.needs:
        missing = " or ".join(f"{json.dumps(one)} in $states.input.{kind}" for one in work.needs for kind in _LISTS)
        choice = {"Condition": expression(missing), "Next": f"{name} left"}
        first = {"Type": "Choice", "Choices": [choice], "Default": f"{name} look"}
    return {
        name: first,
        f"{name} look": {
            **look,
            "Assign": {
                record: found,
                attempt: expression("$parse($states.result.Body).attempt + 1"),
                sent: 1,
            },
            "Catch": [
                {
                    "ErrorEquals": ["S3.NoSuchKeyException"],
                    "Assign": {record: {"status": "none"}, attempt: 1, sent: 1},
                    "Output": _INPUT,
                    "Next": f"{name} ask",
                },
                {"ErrorEquals": ["States.ALL"], "Output": _INPUT, "Next": f"{name} failed"},
            ],
            "Next": f"{name} ask",
        },
        f"{name} ask": {
            "Type": "Choice",
            "Choices": [
                {"Condition": expression(f"${record}.status = {json.dumps(STATUS_DONE)}"), "Next": f"{name} done"}
            ],
            "Default": f"{name} run",
        },
        f"{name} run": _run(work, run_id, known),
        f"{name} read": {
            **look,
            "Assign": {record: found},
            "Catch": [{"ErrorEquals": ["States.ALL"], "Output": _INPUT, "Next": f"{name} failed"}],
            "Next": f"{name} decide",
        },
        f"{name} decide": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": expression(
                        f"${record}.attempt >= ${attempt} and ${record}.exit_code in "
                        f"[{WriteConflictError.exit_code}, {TransientError.exit_code}] and ${sent} < {ATTEMPTS}"
                    ),
                    "Next": f"{name} wait",
                }
            ],
            "Default": f"{name} failed",
        },
        f"{name} wait": {
            "Type": "Wait",
            "Seconds": expression(f"${sent} * {FIRST_WAIT_SECONDS}"),
            "Assign": {attempt: expression(f"${record}.attempt + 1"), sent: expression(f"${sent} + 1")},
            "Next": f"{name} run",
        },
        f"{name} failed": _marked("failed", name, after),
        **({f"{name} left": _marked("left", name, after)} if work.needs else {}),
        f"{name} done": {"Type": "Pass", **after},
    }


def variables_of(work: Work) -> tuple[str, str, str]:
    """The names of a job's variables: its record as last read, the next attempt, how often this execution sent it."""
    own = work.name.replace(".", "_")
    return f"record_{own}", f"attempt_{own}", f"sent_{own}"


def _marked(kind: str, name: str, after: dict[str, Any]) -> dict[str, Any]:
    lists = {one: expression(f"$states.input.{one}") for one in _LISTS}
    return {
        "Type": "Pass",
        "Output": {**lists, kind: expression(f"[$states.input.{kind}, {json.dumps(name)}]")},
        **after,
    }


def _look(work: Work, known: dict[str, str]) -> dict[str, Any]:
    settings = work.plan.checked.settings
    root = (settings.root if settings else "").rstrip("/")
    scheme, _, rest = root.partition("://")
    if scheme not in ("s3", "s3a"):
        raise UsageError(
            "TGT-012",
            f"The run records of {work.name} cannot be read by Step Functions.",
            cause="They lie below the lake root, which is not on S3." if root else "The lake root is not known here.",
            remedy="Say lake: s3://bucket/prefix at the target.",
        )
    bucket, _, prefix = rest.partition("/")
    key = f"{prefix}/{record_path(work.job, RUN_ID)}".lstrip("/")
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:getObject",
        "Arguments": {"Bucket": bucket, "Key": joined(key, known)},
        "Output": _INPUT,
    }


def _run(work: Work, run_id: str, known: dict[str, str]) -> dict[str, Any]:
    request = work.plan.request
    if not isinstance(request.body, dict) or request.operation not in ("StartJobRun", "AddJobFlowSteps"):
        raise UsageError(
            "TGT-012",
            f"Step Functions starts nothing on {work.plan.target.kind}.",
            remedy="Export to a target of kind emr-serverless, emr-eks or emr-step.",
        )
    resource, service = _INTEGRATIONS[request.service]
    body = dict(request.body)
    errors: tuple[str, ...] = _NOT_TAKEN
    if "clientToken" in body:
        # Sent twice by one execution it is one run; another attempt, a redrive and another execution are others, never
        # the old answer. A SHA-256 has 64 digits, as many as a token may have.
        where = json.dumps(f"{work.name}/{work.plan.target.identifier}/")
        execution = "$states.context.Execution.Name & $string($states.context.Execution.RedriveCount)"
        attempt = f"${variables_of(work)[1]}"
        drive = f'"/" & $string({attempt}) & "/" & {execution}'
        body["clientToken"] = ""
        body = with_expressions(body, known)
        body["clientToken"] = expression(f'$hash({where} & {run_id} & {drive}, "SHA-256")')
        if "lakejobs:attempt" in body.get("tags", {}):
            body["tags"] = {**body["tags"], "lakejobs:attempt": expression(f"$string({attempt})")}
        errors += _BROKEN
    else:
        body = _one_step(with_expressions(body, known))
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        # The integrations spell every field with a capital.
        "Arguments": _capitals(body),
        "Retry": [
            {
                "ErrorEquals": [f"{service}.{error}" for error in errors],
                "IntervalSeconds": 10,
                "BackoffRate": 2,
                "MaxAttempts": 5,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Output": _INPUT, "Next": f"{work.name} read"}],
        "Output": _INPUT,
        "Next": f"{work.name} done",
    }


def _one_step(body: dict[str, Any]) -> dict[str, Any]:
    """The request of addStep, which takes one step and no log prefix of its own: logs go where the cluster's do."""
    step = {key: value for key, value in body["Steps"][0].items() if key != "StepMonitoringConfiguration"}
    role = {"ExecutionRoleArn": body["ExecutionRoleArn"]} if "ExecutionRoleArn" in body else {}
    return {"ClusterId": body["JobFlowId"], **role, "Step": step}


# Maps whose keys are values of ours, not fields.
_FREE = ("Tags", "Properties", "LogTypes")


def _capitals(value: Any, *, is_free: bool = False) -> Any:
    if isinstance(value, list):
        return [_capitals(one) for one in value]
    if not isinstance(value, dict):
        return value
    spelled = {key if is_free else key[0].upper() + key[1:]: one for key, one in value.items()}
    return {key: _capitals(one, is_free=not is_free and key in _FREE) for key, one in spelled.items()}
