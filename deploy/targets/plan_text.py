"""A plan for a person: where the run goes, what it reads and writes, how large it is; then the request."""

from __future__ import annotations

import json

from common.job.declaration import Job
from common.job.references import attribute
from common.report.wording import plural
from common.run.console.summary import aligned
from deploy.targets.job_check import Checked
from deploy.targets.plan_price import price_text
from deploy.targets.requests import Request, event_logs, log_group, s3_logs
from deploy.targets.sending import command_of
from deploy.targets.sizes import SERVERLESS_INITIAL_EXECUTORS, serverless_worker_gb
from deploy.targets.submission import Submission
from deploy.targets.target import ClusterTarget, EksTarget, EmrTarget, ServerlessTarget, StepTarget, Target


def plan_text(
    job: Job,
    target_name: str,
    target: Target,
    submission: Submission,
    checked: Checked,
    request: Request,
    *,
    is_proposed: bool,
) -> str:
    """The plan as text, the request at its end."""
    rows = [("target", f"{target_name} ({target.kind}{f' {target.identifier}' if target.identifier else ''})")]
    rows += _identity(submission, target, is_proposed=is_proposed)
    rows += [
        ("release", _release(submission, target)),
        ("processor", target.architecture),
        ("build", submission.archive.rpartition("/")[0]),
        ("lake", checked.settings.root if checked.settings else "as the --conf-file says"),
        *_days(job, checked),
        *[("reads", _table(one.table, optional=one.optional, external=one.external)) for one in job.inputs],
        *[("writes", _table(reference)) for reference in job.writes],
        *([("works on", "all tables below the lake root")] if job.maintains_all else []),
        *([("looks at", "the place where it runs, and at no table")] if job.examines else []),
        *_sizes(submission, target),
        *([("price", price)] if (price := price_text(target)) else []),
        *_logs(target, target_name),
    ]
    body = json.dumps(request.body, indent=2) if isinstance(request.body, dict) else command_of(request, target)
    title = f"{request.service} {request.operation}" if request.service else "Command"
    how = "`lakejobs submit` with the same words sends it; so does the line that `-o shell` prints.\n\n"
    if isinstance(target, ClusterTarget):
        how = "The line that `-o shell` prints starts a cluster for it, which ends with it.\n\n"
    return f"Plan of {job.name}: nothing is sent.\n{aligned(rows)}\n{how if request.service else ''}{title}:\n{body}\n"


def _identity(submission: Submission, target: Target, *, is_proposed: bool) -> list[tuple[str, str]]:
    proposed = " (proposed; --run-id names the work, and --attempt 2 repeats it)" if is_proposed else ""
    rows = [("run id", f"{submission.run_id}, attempt {submission.attempt}{proposed}")]
    if isinstance(target, ServerlessTarget | EksTarget):
        rows.append(("token", f"{submission.client_token(target.identifier)}: sent again, it starts no second run"))
    elif isinstance(target, StepTarget):
        rows.append(("token", "none: a step that is sent twice runs twice"))
    elif isinstance(target, ClusterTarget):
        rows.append(("token", "none: a request that is sent twice starts two clusters"))
    return rows


def _release(submission: Submission, target: Target) -> str:
    label = f"{submission.release_label}: " if isinstance(target, EmrTarget) else ""
    return f"{label}Spark {submission.release.spark}, Delta {submission.release.delta}"


def _days(job: Job, checked: Checked) -> list[tuple[str, str]]:
    days = checked.flags.days
    if days is not None:
        return [("days", f"{days.first} to {days.last} ({len(days)})")]
    if checked.flags.changed:
        return [("days", "those that were touched, found when the run starts")]
    return [("input", str(checked.flags.input))] if job.ingests and checked.flags.input else []


def _table(reference: str, *, optional: bool = False, external: bool = False) -> str:
    table = attribute(reference)
    facts = [word for word, holds in (("optional", optional), ("external", external)) if holds]
    said = f" ({', '.join(facts)})" if facts else ""
    return f"{table.name}{said} at {table.relative_path}"


def _sizes(submission: Submission, target: Target) -> list[tuple[str, str]]:
    size, rows = submission.size, []
    for worker in size.workers:
        text = worker.text
        if isinstance(target, ServerlessTarget):
            text += f"; billed as {worker.cores} vCPU, {serverless_worker_gb(worker)} GB, {target.size.disk_gb} GB disk"
        rows.append((worker.role, text))
    at_start = size.initial_executors
    if at_start is None and isinstance(target, ServerlessTarget):
        at_start = SERVERLESS_INITIAL_EXECUTORS
    starts = f", {at_start} at the start" if at_start is not None else ""
    rows.append(("executors", f"at most {size.max_executors}{starts}"))
    if isinstance(target, ClusterTarget):
        rows.append(("nodes", f"{target.core_nodes} on-demand, at most {target.max_units} with those on spot"))
    if isinstance(target, ServerlessTarget):
        rows.append(("timeout", plural(target.timeout_minutes, "minute")))
    if isinstance(target, ServerlessTarget | EksTarget) and target.max_attempts > 1:
        rows.append(("attempts", f"{target.max_attempts} by the service itself, after any failure"))
    return rows


def _logs(target: Target, target_name: str) -> list[tuple[str, str]]:
    if not isinstance(target, EmrTarget):
        return [("logs", "yarn logs -applicationId ...")]
    said = getattr(target, "logs", None)
    rows = [("logs", s3_logs(target, said.s3 if said else None) or "none on S3")]
    if isinstance(target, ServerlessTarget | EksTarget | ClusterTarget):
        rows.append(
            (
                "",
                f"CloudWatch {log_group(target, target_name)}"
                if log_group(target, target_name)
                else "none in CloudWatch",
            )
        )
    elif isinstance(target, StepTarget):
        rows.append(("", "CloudWatch: as the cluster's MonitoringConfiguration says, a step cannot"))
    if folder := event_logs(target):
        rows.append(("event logs", folder))
    return rows
