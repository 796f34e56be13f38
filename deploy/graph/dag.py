"""The graph as a DAG file for Airflow: one operator of the Amazon provider for each job, the graph between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from common.errors import TransientError, UsageError, WriteConflictError
from common.run.record.record import record_path
from deploy.graph.asl_job import ATTEMPTS, FIRST_WAIT_SECONDS
from deploy.graph.dag_text import HEAD
from deploy.graph.expressions import pieces_of
from deploy.graph.work import RUN_ID, Work, Works
from deploy.targets.requests import ATTEMPT_TAG
from deploy.targets.target import EksTarget, EmrTarget, ServerlessTarget, StepTarget

_OPERATORS = {
    "emr-serverless": "EmrServerlessStartJobOperator",
    "emr-eks": "EmrContainerOperator",
    "emr-step": "EmrAddStepsOperator",
}
# Fields that the operators do not fill in by themselves.
_MORE_TEMPLATES = {
    "emr-serverless": ("client_request_token",),
    "emr-eks": ("client_request_token", "tags"),
    "emr-step": (),
}
_DONE = "done"
_JINJA_MARKS = re.compile(r"\{[{%#]|\n\Z")
# A run may be queued before its own time begins: at most six hours, by the scheduler of an application.
_QUEUE_MINUTES = 390
_STEP_SECONDS, _STEP_WEEK = 30, 7 * 24 * 60 * 60


def dag_file(works: Works, name: str, schedule: str, start: date) -> str:
    """The text of a DAG file. Its runs take the day from their data interval, or from ``day`` of their conf.

    With days that are given there is no schedule. Raises UsageError TGT-012 for a target that no operator starts.
    """
    plan = works.all[0].plan
    kind = plan.target.kind
    if kind not in _OPERATORS:
        raise UsageError(
            "TGT-012",
            f"No operator of Airflow's Amazon provider starts jobs on {kind}.",
            remedy=f"Export to a target of kind {', '.join(_OPERATORS)}.",
        )
    operator = _OPERATORS[kind]
    more = "".join(f', "{one}"' for one in _MORE_TEMPLATES[kind])
    first = f"datetime({start.year}, {start.month}, {start.day}, tzinfo=timezone.utc)"
    head = HEAD.format(
        description=f"Jobs of lakejobs on {plan.target_name}, in the order of their graph.",
        operator=operator,
        operator_import=f"from airflow.providers.amazon.aws.operators.emr import {operator}",
        name=name,
        retried=(WriteConflictError.exit_code, TransientError.exit_code),
        records=_literal({work.name: place for work in works.all if (place := _record_place(work))}, ""),
        template_fields=f"(*{operator}.template_fields{more or ','})",
        schedule=f'CronDataIntervalTimetable({schedule!r}, timezone="UTC")' if works.day else "None",
        start=first,
        catchup=bool(works.day),
    )
    lines = [line for work in works.all for line in _task(work, works.day)]
    return head + "\n".join([*lines, *_order(works)]) + "\n"


def edges_of(works: Works) -> dict[str, tuple[list[str], list[str]]]:
    """Job -> the jobs without which it cannot run, and others that it waits for, however they end.

    Of the first, those are left out that another one of them needs: its failure reaches the job through that one.
    """
    by_name = {work.name: work for work in works.all}
    edges = {}
    for work in works.all:
        far = {one for near in work.needs for one in by_name[near].needs}
        needed = [one for one in work.needs if one not in far]
        edges[work.name] = (needed, [one for one in work.after if one not in work.needs])
    return edges


def _variable(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _order(works: Works) -> list[str]:
    lines = []
    for name, (needed, waited) in edges_of(works).items():
        variable = _variable(name)
        if waited:
            lines.append(f'    {variable}_waits = EmptyOperator(task_id="{name}.waits", trigger_rule="all_done")')
            lines.append(f"    {_listed(waited)} >> {variable}_waits >> {variable}")
        if needed:
            lines.append(f"    {_listed(needed)} >> {variable}")
    # A failed job of which only such waiting follows would not fail the run of the DAG.
    lines.append(f'    {_DONE} = EmptyOperator(task_id="{_DONE}")')
    lines.append(f"    {_listed([work.name for work in works.all])} >> {_DONE}")
    return lines


def _listed(names: list[str]) -> str:
    return f"[{', '.join(map(_variable, names))}]"


def _task(work: Work, day: str) -> list[str]:
    known = {RUN_ID: "run_of(dag_run)", **({day: "day_of(dag_run)"} if day else {})}
    arguments = _arguments(work)
    token = arguments.pop("client_request_token", None)
    written = {key: _templated(value, known) for key, value in arguments.items()}
    if token is not None:
        written["client_request_token"] = f"{{{{ token_of(ti, dag_run, {work.plan.target.identifier!r}) }}}}"
    lines = [f"    {_variable(work.name)} = Job(", f"        task_id={work.name!r},"]
    lines += [f"        {key}={_literal(value, '        ')}," for key, value in written.items()]
    lines += [f"        retries={ATTEMPTS - 1},", f"        retry_delay=timedelta(seconds={FIRST_WAIT_SECONDS}),"]
    return [*lines, "    )"]


def _arguments(work: Work) -> dict[str, Any]:
    """The request of the plan as the arguments of its operator."""
    target, body = work.plan.target, work.plan.request.body
    if not isinstance(body, dict) or not isinstance(target, EmrTarget):
        raise TypeError(f"no operator for {target.kind}")
    rest = dict(body)
    found: dict[str, Any] = {"deferrable": True}
    if target.region:
        found["region_name"] = target.region
    if isinstance(target, StepTarget):
        found |= {
            "job_flow_id": rest.pop("JobFlowId"),
            "steps": rest.pop("Steps"),
            "waiter_delay": _STEP_SECONDS,
            "waiter_max_attempts": _STEP_WEEK // _STEP_SECONDS,
        }
        if "ExecutionRoleArn" in rest:
            found["execution_role_arn"] = rest.pop("ExecutionRoleArn")
        return _whole(found, rest)
    if ATTEMPT_TAG in rest["tags"]:
        rest["tags"] = {**rest["tags"], ATTEMPT_TAG: _TRY}
    found |= {
        "name": rest.pop("name"),
        "execution_role_arn": rest.pop("executionRoleArn"),
        "job_driver": rest.pop("jobDriver"),
        "configuration_overrides": rest.pop("configurationOverrides", {}),
        "client_request_token": rest.pop("clientToken"),
    }
    if isinstance(target, EksTarget):
        found |= {
            "virtual_cluster_id": rest.pop("virtualClusterId"),
            "release_label": rest.pop("releaseLabel"),
            "tags": rest.pop("tags"),
        }
        if "retryPolicyConfiguration" in rest:
            found["job_retry_max_attempts"] = rest.pop("retryPolicyConfiguration")["maxAttempts"]
    elif isinstance(target, ServerlessTarget):
        found |= {
            "application_id": rest.pop("applicationId"),
            # The operator hands all of it to StartJobRun.
            "config": rest,
            # It cancels the run when it has waited long enough: later than the service itself would.
            "waiter_delay": 60,
            "waiter_max_attempts": target.timeout_minutes * target.max_attempts + _QUEUE_MINUTES,
        }
        rest = {}
    return _whole(found, rest)


def _whole(found: dict[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    if rest:
        raise TypeError(f"no argument for {', '.join(rest)}")
    return found


class _Template(str):
    """A text that is a template already."""

    __slots__ = ()


_TRY = _Template("{{ ti.try_number }}")


def _templated(value: Any, known: Mapping[str, str]) -> Any:
    """A value in which the marks of ``known`` are filled in by Jinja, and nothing else is."""
    if isinstance(value, dict):
        return {key: _templated(one, known) for key, one in value.items()}
    if isinstance(value, list):
        return [_templated(one, known) for one in value]
    if not isinstance(value, str) or isinstance(value, _Template):
        return value
    pieces = pieces_of(value, known)
    return "".join(f"{{{{ {text} }}}}" if is_expression else _plain(text) for text, is_expression in pieces)


def _plain(text: str) -> str:
    """The text, quoted where Jinja would read something into it."""
    if not _JINJA_MARKS.search(text) and not text.endswith("{"):
        return text
    return f"{{{{ {text!a} }}}}"


def _literal(value: Any, indent: str) -> str:
    """Python's own spelling, a line for each member."""
    inner = f"{indent}    "
    if isinstance(value, dict) and value:
        members = [f"{inner}{str(key)!r}: {_literal(one, inner)},\n" for key, one in value.items()]
        return f"{{\n{''.join(members)}{indent}}}"
    if isinstance(value, list) and value:
        return f"[\n{''.join(f'{inner}{_literal(one, inner)},{chr(10)}' for one in value)}{indent}]"
    return repr(str(value) if isinstance(value, str) else value)


def _record_place(work: Work) -> tuple[str, str] | None:
    """Bucket and key of the job's run record; None where the lake is not on S3, or is not known here."""
    settings = work.plan.checked.settings
    scheme, _, rest = (settings.root if settings else "").rstrip("/").partition("://")
    if scheme not in ("s3", "s3a"):
        return None
    bucket, _, prefix = rest.partition("/")
    return bucket, f"{prefix}/{record_path(work.job, 'RUN_ID')}".lstrip("/")
