"""The service behind a target, and a run found there by its run id: all that another laptop needs."""

from __future__ import annotations

from common.errors import UsageError
from deploy.remote.run import SentRun, Service
from deploy.remote.starting import Eks, Serverless
from deploy.remote.steps import Steps
from deploy.targets.clients import client
from deploy.targets.target import ClusterTarget, EksTarget, EmrTarget, ServerlessTarget, StepTarget, Target


def service_of(target: Target) -> Service:
    """The service that runs a target's jobs. Raises UsageError SUB-001 for plain YARN and a cluster to be started."""
    if isinstance(target, EmrTarget):
        region = target.region
        if isinstance(target, ServerlessTarget):
            return Serverless(client(Serverless.name, region), target.identifier)
        if isinstance(target, EksTarget):
            return Eks(client(Eks.name, region), target.identifier)
        if isinstance(target, StepTarget):
            once = client(Steps.name, region, attempts=1)
            return Steps(client(Steps.name, region), once, target.identifier, region)
    if isinstance(target, ClusterTarget):
        raise UsageError(
            "SUB-001",
            "A cluster that is started for its steps is not sent to, nor watched, by run id.",
            remedy="Run the line that `lakejobs plan -o shell` or `lakejobs graph --format emr-steps -o shell` prints; "
            "`aws emr list-steps` shows its steps.",
        )
    raise UsageError(
        "SUB-001",
        "Runs on plain YARN are sent and watched on a node of the cluster.",
        remedy="Send the line that `lakejobs plan -o shell` prints; `yarn application -list` shows the run.",
    )


def attempts_of(service: Service, run_id: str, job: str = "") -> list[SentRun]:
    """The attempts under a run id, the earliest first.

    Raises UsageError SUB-002 when several jobs share the run id and ``job`` does not say which one is meant.
    """
    found = [run for run in service.find(run_id) if not job or run.job == job]
    jobs = sorted({run.job for run in found})
    if len(jobs) > 1:
        raise UsageError(
            "SUB-002", f"{len(jobs)} jobs have the run id {run_id}.", remedy=f"Add --job, one of {', '.join(jobs)}."
        )
    return found


def found_run(service: Service, run_id: str, job: str = "", attempt: int | None = None) -> SentRun:
    """The latest attempt under a run id, or the one of that number. Raises UsageError SUB-002 when there is none."""
    found = attempts_of(service, run_id, job)
    wanted = [run for run in found if attempt is None or run.attempt == attempt]
    if not wanted:
        known = ", ".join(str(run.attempt) for run in found)
        raise UsageError(
            "SUB-002",
            f"{service.name} {service.place} has no run with the run id {run_id}"
            f"{f' and the attempt {attempt}' if found else ''}.",
            cause=f"Its attempts: {known}." if found else "",
            remedy="Check the run id and the target; `lakejobs submit` prints both. Services forget old runs.",
        )
    return wanted[-1]
