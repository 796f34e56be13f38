"""What a run that has ended has used: as its service billed it, or what can be known of that.

EMR Serverless bills what ``billedResourceUtilization`` says, for each of its own attempts. A step has no bill of its
own: it used its part of the cluster's instances while it ran. Pods on EKS are billed by what they ask for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from common.errors import InputMissingError, TransientError
from deploy.cost.sizes_sent import conf_of, fixed_executors
from deploy.remote.run import SentRun
from deploy.targets.clients import ask
from deploy.targets.sizes import Size

_BILLED = ("vCPUHour", "memoryGBHour", "storageGBHour")
_SPOT = "SPOT"


@dataclass(frozen=True)
class Used:
    """``hours`` from start to end by the service; ``executors`` on average; ``instances``: (type, is spot) -> hours.

    What is None is not known. ``notes`` are sentences on how far the numbers go.
    """

    place: str
    started: datetime | None
    ended: datetime | None
    hours: float
    executors: float | None
    vcpu_hours: float | None = None
    memory_gb_hours: float | None = None
    storage_gb_hours: float | None = None
    instances: Mapping[tuple[str, bool], float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def used_on_serverless(run: SentRun, client: Any, application_id: str, size: Size) -> Used:
    """What EMR Serverless bills for a run, all attempts of the service together.

    Raises TransientError CST-004 while the service has not said it yet.
    """
    earlier = [
        ask(client, "get_job_run", applicationId=application_id, jobRunId=run.id, attempt=number)["jobRun"]
        for number in range(1, run.service_attempt)
    ]
    answers = [*earlier, run.answer]
    began = [one["startedAt"] for one in answers if one.get("startedAt")]
    if not all(one.get("billedResourceUtilization") for one in answers if one.get("startedAt")):
        raise TransientError(
            "CST-004",
            f"EMR Serverless has not yet said what it bills for {run.id}.",
            cause="billedResourceUtilization is missing; it follows the end of a run after some minutes.",
            remedy="Run the same command again later.",
        )
    billed = [one.get("billedResourceUtilization") or {} for one in answers]
    vcpu, memory, storage = (sum(float(one.get(name) or 0) for one in billed) for name in _BILLED)
    seconds = sum(float(one.get("totalExecutionDurationSeconds") or 0) for one in answers)
    hours = seconds / 3_600 or _hours(min(began, default=None), run.ended)
    executors = max(0.0, vcpu / hours - size.driver_cores) / size.executor_cores if hours else 0.0
    notes = ["Billed by EMR Serverless: a minute at least for each worker; idle pre-initialised workers not counted."]
    if earlier:
        notes.append(f"The service has made {len(answers)} attempts of its own: their sum.")
    if not began:
        notes.append("The run never started.")
    return Used(
        "emr-serverless", min(began, default=None), run.ended, hours, executors, vcpu, memory, storage, {}, (*notes,)
    )


def used_on_eks(run: SentRun, size: Size, average: float | None) -> Used:
    """What the pods of a run on EKS asked for, from its submission to its end."""
    hours, fixed = _hours(run.created, run.ended), fixed_executors(conf_of(run))
    known = average if average is not None else fixed
    executors = float(size.max_executors if known is None else known)
    notes = ["What the pods asked for, from the submission to the end; waiting for nodes counts."]
    if known is None:
        notes.append(
            f"How many executors ran is not known: {size.max_executors}, the most that may run, are taken. The sum is "
            "an upper bound; --executors N says the average."
        )
    memory = (size.driver.total_mb + executors * size.executor.total_mb) / 1_024
    cores = size.driver_cores + executors * size.executor_cores
    return Used(
        *("emr-eks", run.created, run.ended, hours, executors),
        vcpu_hours=cores * hours,
        memory_gb_hours=memory * hours,
        notes=(*notes,),
    )


def used_on_cluster(run: SentRun, client: Any, cluster_id: str, average: float | None) -> Used:
    """A step's part of the hours of its cluster's instances: where steps ran side by side, they share by time.

    Raises InputMissingError CST-006 when EMR does not list the instances any more.
    """
    started, ended = _span(run.answer)
    if started is None or ended is None or ended <= started:
        return Used("emr-step", started, ended, 0.0, 0.0, notes=("The step never started.",))
    steps = [_span(one) for one in _all(client, "list_steps", "Steps", cluster_id) if one["Id"] != run.id]
    others = [(begin, end or ended) for begin, end in steps if begin and begin < ended and (end or ended) > started]
    hours: dict[tuple[str, bool], float] = {}
    for one in _all(client, "list_instances", "Instances", cluster_id):
        life = one["Status"]["Timeline"]
        there = (life.get("CreationDateTime") or started, life.get("EndDateTime") or ended)
        share = _share((started, ended), there, others)
        if share:
            key = (str(one["InstanceType"]), one.get("Market") == _SPOT)
            hours[key] = hours.get(key, 0.0) + share
    notes = ["The instances of the cluster while the step ran; its start and its idle time are not the step's."]
    if others:
        notes.append(f"{len(others)} other steps ran at some of that time: instances are shared equally then.")
    if not hours:
        raise InputMissingError(
            "CST-006",
            f"What the step {run.id} has cost is not known.",
            cause=f"EMR lists no instance of {cluster_id} that was there while it ran: it forgets old ones.",
            remedy="Ask within some weeks of a run; what was asked before is in ops.costs.",
        )
    return Used("emr-step", started, ended, _hours(started, ended), average, instances=hours, notes=(*notes,))


Span = tuple[datetime, datetime]


def _share(step: Span, there: Span, others: Sequence[Span]) -> float:
    """Hours of an instance that are a step's, shared equally with those that run at the same time."""
    begin, end = max(step[0], there[0]), min(step[1], there[1])
    cuts = sorted({begin, end, *(moment for span in others for moment in span if begin < moment < end)})
    return sum(
        _hours(left, right) / (1 + sum(1 for other in others if other[0] <= left and other[1] >= right))
        for left, right in pairwise(cuts)
        if end > begin
    )


def _span(step: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    life = step["Status"].get("Timeline", {})
    return life.get("StartDateTime"), life.get("EndDateTime")


def _all(client: Any, operation: str, key: str, cluster_id: str) -> Iterator[Mapping[str, Any]]:
    answer = ask(client, operation, ClusterId=cluster_id)
    yield from answer.get(key, ())
    while answer.get("Marker"):
        answer = ask(client, operation, ClusterId=cluster_id, Marker=answer["Marker"])
        yield from answer.get(key, ())


def _hours(started: datetime | None, ended: datetime | None) -> float:
    return max(0.0, (ended - started).total_seconds() / 3_600) if started and ended else 0.0
