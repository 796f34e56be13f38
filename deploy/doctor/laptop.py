"""What can be asked of a target without Spark: each question a line, none that fails hides the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from common.errors import LakejobsError
from common.job.declaration import Job
from common.lake.storage.caller import caller, region_of_process
from common.run.findings import WRONG, Finding, looked
from deploy.doctor.places import bucket_findings, log_group_finding
from deploy.remote.artefacts_there import check_artefacts
from deploy.remote.preflight import UNASKED, check_place
from deploy.remote.role import check_role
from deploy.remote.run import value_of
from deploy.remote.work import Work, work_of
from deploy.targets.plan import Plan, make_plan, release_of_target
from deploy.targets.plan_flags import PlanFlags
from deploy.targets.target import EmrTarget, Target
from deploy.targets.target_file import target_of

_NOT_CHECKED = "Not checked: "


@dataclass
class Laptop:
    """The lines; the target and the plan, if there are any; the run that could be sent, which plain YARN has not."""

    findings: list[Finding] = field(default_factory=list)
    target: Target | None = None
    plan: Plan | None = None
    work: Work | None = None


def examine(job: Job, flags: PlanFlags) -> Laptop:
    """All lines about the target of the flags and a run of the job there."""
    found = Laptop()
    found.findings.append(looked("target", lambda: _target(flags, found)))
    target = found.target
    if target is None:
        return found
    found.findings.append(looked("release", lambda: _release(target)))
    account = [_credentials(target)] if isinstance(target, EmrTarget) else []
    found.findings += account
    found.findings += _plan(job, flags, found)
    if isinstance(target, EmrTarget):
        lake = value_of("--lake", flags.arguments) or target.lake or ""
        if any(one.status == WRONG for one in account):
            checks = ("place", "artefacts", "buckets", "role", "log group")
            found.findings += [Finding.unchecked(check, "there are no credentials to ask with") for check in checks]
        else:
            found.findings += _of_account(target, flags, job, lake, found.work)
    return found


def _of_account(target: EmrTarget, flags: PlanFlags, job: Job, lake: str, work: Work | None) -> Iterable[Finding]:
    yield asked(
        "place",
        lambda: check_place(target),
        f"{target.identifier} takes runs" if target.identifier else "a cluster is started for its steps",
    )
    if work is None:
        yield Finding.unchecked("artefacts", "there is no plan that names them")
    else:
        body = work.body_of(work.attempt or 1)
        there = f"in {target.artifacts}, with the sums of the manifest"
        yield asked("artefacts", lambda: check_artefacts(target, body, work.manifest), there)
    yield from bucket_findings(target, lake, asked)
    yield asked(
        "role",
        lambda: check_role(target, [(job.name, lake)]),
        f"{getattr(target, 'role_arn', '')}: IAM's simulator denies nothing",
    )
    yield from log_group_finding(target, flags.target, asked)


def asked(check: str, ask: Callable[[], list[str]], well: str) -> Finding:
    """The line for a question to AWS, whose answer is what could not be asked; ``well`` is what is so otherwise."""
    try:
        unseen = ask()
    except LakejobsError as error:
        if error.code in UNASKED:
            return Finding.unchecked(check, f"{error.code}: {error.message}", error.remedy)
        return Finding.of_error(check, error)
    return Finding.unchecked(check, "; ".join(unseen)) if unseen else Finding.ok(check, well)


def _target(flags: PlanFlags, found: Laptop) -> str:
    target = found.target = target_of(flags.target, flags.file, flags.overrides)
    where = f", {target.region or region_of_process() or 'no region'}" if isinstance(target, EmrTarget) else ""
    return f"{target.kind} {target.identifier}{where}, lake {target.lake or 'as the flags say'}"


def _release(target: Target) -> Finding:
    release = release_of_target(target)
    if release.warning:
        return Finding.wrong("release", release.warning, "A newer lakejobs may know it.", stops=False)
    return Finding.ok("release", f"{release.label}: Spark {release.spark}, Delta {release.delta}")


def _credentials(target: EmrTarget) -> Finding:
    found = caller(target.region or region_of_process() or "us-east-1")
    if found.arn:
        return Finding.ok("credentials", f"{found.arn}, from boto3's provider {found.provider}")
    if not found.provider or found.is_unknown:
        said = f"boto3 has them from {found.provider}." if found.provider else "boto3 finds none."
        return Finding.wrong(
            "credentials", f"{said} {found.problem}".strip(), "Log in: `aws sso login`, or AWS_PROFILE."
        )
    return Finding.unchecked("credentials", found.problem, "Check the network and the region.")


def _plan(job: Job, flags: PlanFlags, found: Laptop) -> list[Finding]:
    warnings: list[str] = []

    def look() -> str:
        plan = make_plan(flags)
        warnings.extend(one for one in plan.warnings if one.startswith(_NOT_CHECKED))
        if isinstance(plan.target, EmrTarget):
            found.work = work_of(flags, plan)
        found.plan = plan
        return f"a run of {job.name} can be made, {plan.submission.size.max_executors} executors at most"

    line = looked("plan", look)
    return [line, *(Finding.unchecked("plan", text.removeprefix(_NOT_CHECKED)) for text in warnings)]
