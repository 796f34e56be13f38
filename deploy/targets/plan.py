"""``lakejobs plan``: what a run would be on a target, and the exact request for it. Nothing is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.clock import utc_now
from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError, UsageError
from common.job.declaration import Job
from common.releases import Release, release_of, release_of_spark
from common.run.flags import Flags, parse_flags
from common.spark.session import disagreements, needed_conf, refuse_or_warn
from deploy.package.entries import entry_of
from deploy.targets.artefacts import artefact_folder, entry_file, environment_of, read_manifest
from deploy.targets.event_logs import check_event_log_folder
from deploy.targets.instances import Instance, processor_of, under_kubernetes, under_yarn
from deploy.targets.job_check import Checked, check_job, check_uploaded
from deploy.targets.plan_flags import PlanFlags, parse_plan_flags
from deploy.targets.plan_text import plan_text
from deploy.targets.requests import Request, request_of
from deploy.targets.sending import command_of
from deploy.targets.sizes import check_executors, check_node, check_serverless
from deploy.targets.spark_conf import check_conf
from deploy.targets.submission import Submission, proposed_run_id
from deploy.targets.target import (
    INSTANCE_TYPES,
    ClusterTarget,
    EksTarget,
    EmrTarget,
    ServerlessTarget,
    StepTarget,
    Target,
    YarnTarget,
)
from deploy.targets.target_file import target_of

_READABLE = ("s3://", "s3a://", "/", "file:")


@dataclass(frozen=True)
class Plan:
    """A run that could be sent: what it is, the request, and what could not be checked or is doubtful."""

    job: Job
    target_name: str
    target: Target
    submission: Submission
    checked: Checked
    request: Request
    is_proposed: bool
    warnings: tuple[str, ...]


def make_plan(flags: PlanFlags) -> Plan:
    """The plan that a command line asks for.

    Raises UsageError and InputMissingError for everything that the service would refuse, that the platform would change
    on its way, or that the run would refuse at its start.
    """
    entry = entry_of(flags.job)
    job = entry.load()
    target = target_of(flags.target, flags.file, flags.overrides)
    arguments = _with_target(target, flags.arguments)
    checked = check_job(job, arguments, target.kind)
    _check_size(target)
    release = release_of_target(target)
    conf = {**target.conf, **flags.conf}
    check_conf(conf, target.size.max_executors)
    if checked.settings is not None:
        refuse_or_warn(disagreements(conf, needed_conf(checked.settings, release, local=False)))
    run_id = _run_id(flags, checked.flags)
    proposed = proposed_run_id(job.name, arguments, checked.flags.days, utc_now())
    attempt = _attempt(job, flags, checked.flags)
    manifest, folder = read_manifest(flags.manifest), ""
    folder = artefact_folder(manifest, target.artifacts)
    environment = None
    if not target.node_python:
        environment = f"{folder}/{environment_of(manifest, release.lock, target.architecture)}"
    # The job counts attempts itself, by its records: those of the service's own retries too.
    named = () if checked.flags.run_id else ("--run-id", run_id or proposed)
    submission = Submission(
        job=job.name,
        entry=f"{folder}/{entry_file(manifest, job.name)}",
        archive=f"{folder}/{manifest['archive']}",
        environment=environment,
        arguments=(*named, *arguments),
        release=release,
        release_label=target.release if isinstance(target, EmrTarget) else release.label,
        run_id=run_id or proposed,
        attempt=attempt,
        size=target.size,
        node_python=target.node_python or "",
        days=checked.flags.days,
        registers=checked.settings is not None and checked.settings.register_tables,
        more_conf=tuple(conf.items()),
    )
    request = request_of(submission, target, flags.target)
    unseen = [*checked.unseen, *_uploaded(folder, flags.manifest, checked.settings)]
    unseen += check_event_log_folder(target, checked.settings or LakeSettings())
    doubts = [release.warning] if release.warning else []
    warnings = (*doubts, *(f"Not checked: {sentence}" for sentence in unseen))
    return Plan(job, flags.target, target, submission, checked, request, run_id is None, warnings)


def _with_target(target: Target, arguments: Sequence[str]) -> tuple[str, ...]:
    """The job's flags, with the environment and the lake of the target where they do not say them."""
    said = {word.partition("=")[0] for word in arguments}
    has_root = "--lake" in said or any("lake.root" in word for word in arguments)
    before = [] if target.env is None or "--env" in said else ["--env", target.env]
    before += [] if target.lake is None or has_root else ["--lake", target.lake]
    return (*before, *arguments)


def _check_size(target: Target) -> None:
    """Raises UsageError TGT-003 and TGT-004 for sizes and processors that the target cannot have."""
    if isinstance(target, ServerlessTarget):
        check_serverless(target.size)
        return
    if isinstance(target, ClusterTarget):
        primary, _, nodes = target.node_types
        for one in (primary, *nodes):
            _check_processor(one, target.architecture)
        for one in nodes:
            check_node(target.size, under_yarn(one), "YARN")
        return
    node = _node(target)
    if node is None:
        check_executors(target.size)
    else:
        check_node(target.size, node, "A pod" if isinstance(target, EksTarget) else "YARN")


def _node(target: Target) -> Instance | None:
    declared = getattr(target, "instance_type", None)
    if declared:
        _check_processor(declared, target.architecture)
    if isinstance(target, EksTarget):
        return under_kubernetes(declared) if declared else None
    if isinstance(target, StepTarget | YarnTarget):
        usual = None
        if isinstance(target, StepTarget) and not (target.node_cores and target.node_memory_mb):
            usual = under_yarn(declared or INSTANCE_TYPES[target.architecture])
        cores = target.node_cores or (usual.cores if usual else None)
        memory = target.node_memory_mb or (usual.memory_mb if usual else None)
        if cores or memory:
            unbounded = sys.maxsize
            return Instance(usual.name if usual else "a node", cores or unbounded, memory or unbounded)
    return None


def _check_processor(declared: str, architecture: str) -> None:
    processor = processor_of(declared)
    if processor != architecture:
        raise UsageError(
            "TGT-003",
            f"The instance type {declared} is {processor}, the architecture of the target {architecture}.",
            remedy=f"Set architecture: {processor}, or another instance_type.",
        )


def release_of_target(target: Target) -> Release:
    """The release that a target says it has. Raises UsageError REL-001, REL-002."""
    if isinstance(target, YarnTarget):
        return release_of_spark(target.spark_version)
    release = release_of(target.release) if isinstance(target, EmrTarget) else release_of("")
    if isinstance(target, ClusterTarget) and target.release != release.label:
        raise UsageError(
            "REL-001",
            f"'{target.release}' is an image of EMR on EKS, not the release of a cluster.",
            remedy=f"Write release: {release.label}.",
        )
    return release


def _run_id(flags: PlanFlags, job_flags: Flags) -> str | None:
    """The name of the work, if it was given one, before or after ``--``. Raises UsageError CLI-008 for two names."""
    if flags.run_id and job_flags.run_id and flags.run_id != job_flags.run_id:
        raise UsageError("CLI-008", "Two run ids are given.", remedy="Give --run-id once, before or after --.")
    return flags.run_id or job_flags.run_id


def _attempt(job: Job, flags: PlanFlags, job_flags: Flags) -> int:
    """The number of the attempt. The run's own rules for ids and attempts hold: UsageError CLI-008."""
    words = [
        *(["--run-id", flags.run_id] if flags.run_id else []),
        *(["--attempt", flags.attempt] if flags.attempt else []),
    ]
    own = parse_flags(job, [*words, "--help"])
    if own.attempt and job_flags.attempt and own.attempt != job_flags.attempt:
        raise UsageError("CLI-008", "Two attempts are given.", remedy="Give --attempt once, before or after --.")
    return own.attempt or job_flags.attempt or 1


def _uploaded(folder: str, manifest: Path, settings: LakeSettings | None) -> list[str]:
    if not folder.startswith(_READABLE):
        return [f"the build in {folder} could not be looked at from here."]
    return check_uploaded(folder, manifest, settings or LakeSettings())


def main(argv: Sequence[str] | None = None) -> int:
    """Command line of ``lakejobs plan``; the exit code."""
    try:
        flags = parse_plan_flags(sys.argv[1:] if argv is None else argv)
        plan = make_plan(flags)
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for sentence in plan.warnings:
        print(sentence, file=sys.stderr)
    if flags.output == "json":
        print(json.dumps(plan.request.body, indent=2))
    elif flags.output == "shell":
        print(command_of(plan.request, plan.target))
    else:
        print(
            plan_text(
                plan.job,
                plan.target_name,
                plan.target,
                plan.submission,
                plan.checked,
                plan.request,
                is_proposed=plan.is_proposed,
            ),
            end="",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
