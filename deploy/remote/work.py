"""The work that ``lakejobs submit`` is asked for: plans of jobs in the order of the graph, or a request from a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common.causes import cause_of
from common.errors import UsageError
from common.job.graph import Graph
from deploy.control.order import parse_order, steps_of
from deploy.control.run import SAMPLES
from deploy.remote.flags import command_for
from deploy.remote.run import job_of_entry, value_of
from deploy.remote.steps import entry_and_arguments
from deploy.targets.plan import Plan, make_plan
from deploy.targets.plan_flags import PlanFlags, parse_plan_flags
from deploy.targets.request_check import check_request
from deploy.targets.requests import ATTEMPT_TAG, RUN_ID_TAG, request_of
from deploy.targets.target import Target
from deploy.targets.target_file import target_of

# What a request of each service holds, and the operation that takes it.
_SHAPES = {
    "emr": ("AddJobFlowSteps", "JobFlowId"),
    "emr-serverless": ("StartJobRun", "applicationId"),
    "emr-containers": ("StartJobRun", "virtualClusterId"),
}


@dataclass(frozen=True)
class Work:
    """One run to send. ``attempt`` is None where the service's earlier attempts decide; ``body_of`` makes its request.

    ``manifest`` is that of the build, where it is known; ``arguments`` are the job's, ``warnings`` what the plan could
    not check.
    """

    job: str
    run_id: str
    attempt: int | None
    target_name: str
    file: Path | None
    target: Target
    body_of: Callable[[int], Mapping[str, Any]]
    arguments: tuple[str, ...] = ()
    manifest: Path | None = None
    warnings: tuple[str, ...] = ()
    overrides: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def command(self, verb: str) -> str:
        """The command that goes on with this run."""
        return command_for(verb, self.run_id, self.target_name, self.file, self.overrides)

    @property
    def lake(self) -> str:
        """The lake root of the job's own flags; a --conf-file may say another one, which is not looked into here."""
        return value_of("--lake", self.arguments) or self.target.lake or ""


def planned(
    jobs: Sequence[str], flags: Sequence[str], arguments: Sequence[str], say: Callable[[str], None]
) -> list[Work]:
    """The work of one job, or of several in the order of the graph. Raises all that ``lakejobs plan`` refuses."""
    if not jobs:
        return [_planned([*flags, "--", *arguments])]
    order = parse_order([*jobs, *arguments])
    if order.is_single:
        return [_planned([*jobs, *flags, "--", *arguments])]
    if order.each_day and value_of("--run-id", flags):
        raise UsageError(
            "CLI-008", "Each day is work of its own.", remedy="Leave --run-id out: one is proposed for each."
        )
    steps, left_out = steps_of(order, Graph.of_suite(), samples=str(SAMPLES))
    for name, why in left_out.items():
        say(f"{name} is not sent: {why}.")
    return [_planned([step.job, *flags, "--", *step.arguments]) for step in steps]


def _planned(words: Sequence[str]) -> Work:
    flags = parse_plan_flags(words)
    return work_of(flags, make_plan(flags))


def work_of(flags: PlanFlags, plan: Plan) -> Work:
    """The work of a plan that was made of these flags, for a target that takes requests."""
    said = plan.submission.attempt if flags.attempt or plan.checked.flags.attempt else None
    return Work(
        job=plan.job.name,
        run_id=plan.submission.run_id,
        attempt=said,
        target_name=flags.target,
        file=flags.file,
        target=plan.target,
        body_of=lambda attempt: _body(plan, attempt),
        arguments=plan.submission.arguments,
        manifest=flags.manifest,
        warnings=plan.warnings,
        overrides=flags.overrides,
    )


def _body(plan: Plan, attempt: int) -> Mapping[str, Any]:
    body = request_of(replace(plan.submission, attempt=attempt), plan.target, plan.target_name).body
    if isinstance(body, list):
        raise TypeError("plain YARN takes no request")
    return body


def from_file(path: Path, target_name: str, file: Path | None) -> Work:
    """The request that ``lakejobs plan -o json`` printed into a file, to be sent exactly as it is.

    Raises UsageError SUB-004 for a file that is none, or that is for another place than the target, PKG-011.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _no_plan(path, cause_of(error)) from error
    fitting = [name for name, (_, key) in _SHAPES.items() if isinstance(body, dict) and key in body]
    if len(fitting) != 1:
        raise _no_plan(path, "It holds a command line." if isinstance(body, list) else "It is not a request.")
    service = fitting[0]
    operation, place = _SHAPES[service]
    check_request(service, operation, body)
    target = target_of(target_name, file, {})
    if body[place] != target.identifier:
        raise UsageError(
            "SUB-004",
            f"The request in {path} is not for the target {target_name}.",
            cause=f"Its {place} is {body[place]}.",
            remedy="Give the target that it was planned for.",
        )
    entry, arguments = _entry(body, path)
    tags = body.get("tags") or {}
    run_id = tags.get(RUN_ID_TAG) or value_of("--run-id", arguments)
    if not run_id:
        raise _no_plan(path, "It has no run id.")
    # A step carries no number: what was sent before decides, as for a plan made now.
    attempt = int(tags.get(ATTEMPT_TAG) or 1) if service != "emr" else None
    return Work(
        job_of_entry(entry), run_id, attempt, target_name, file, target, lambda _attempt: body, tuple(arguments)
    )


def _entry(body: Mapping[str, Any], path: Path) -> tuple[str, Sequence[str]]:
    if "Steps" in body:
        if len(body["Steps"]) != 1:
            raise _no_plan(path, "It holds several steps.")
        return entry_and_arguments(body["Steps"][0]["HadoopJarStep"].get("Args", ()))
    driver = body["jobDriver"].get("sparkSubmit") or body["jobDriver"].get("sparkSubmitJobDriver") or {}
    return driver.get("entryPoint", ""), driver.get("entryPointArguments", ())


def _no_plan(path: Path, cause: str) -> UsageError:
    return UsageError(
        "SUB-004",
        f"{path} holds no request that can be sent.",
        cause=cause,
        remedy="Save one: lakejobs plan JOB --target NAME -o json -- FLAGS > FILE.",
    )
