"""The price of what a run has used, and what the same work would have cost in the other places."""

from __future__ import annotations

from dataclasses import dataclass

from common.errors import UsageError
from deploy.cost.estimate import HOURS_A_MONTH, PLACES, Estimate, Work, estimates
from deploy.cost.prices import Prices
from deploy.cost.used import Used
from deploy.targets.instances import under_kubernetes
from deploy.targets.sizes import ServerlessSize


@dataclass(frozen=True)
class Elsewhere:
    """How the places that are compared would look: see ``deploy.cost.estimate.Work``."""

    instance_type: str
    spot_share: float = 0.0
    startup_minutes: float = 5.0
    node_disk_gb: int = 100


def spent(used: Used, prices: Prices, architecture: str, other: Elsewhere) -> Estimate:
    """What a run has cost where it ran, by what it used. Raises UsageError CST-002 for a price that is missing."""
    if used.place == "emr-serverless":
        rates = prices.serverless
        vcpu, memory, storage = used.vcpu_hours or 0.0, used.memory_gb_hours or 0.0, used.storage_gb_hours or 0.0
        return Estimate(
            used.place,
            machines=vcpu * rates.rate(f"vcpu_{architecture}") + memory * rates.rate(f"memory_{architecture}"),
            disk=storage * rates.rate("disk"),
            basis=f"billed: {vcpu:g} vCPU hours, {memory:g} GB hours, {storage:g} GB hours of disk ({architecture})",
        )
    if used.place == "emr-eks":
        return _pods(used, prices, other)
    saved = prices.spot.rate("discount")
    total = sum(used.instances.values())
    return Estimate(
        used.place,
        machines=sum(
            hours * prices.ec2.rate(kind) * (1 - saved if is_spot else 1)
            for (kind, is_spot), hours in used.instances.items()
        ),
        fee=sum(hours * prices.emr_fee.rate(kind) for (kind, _), hours in used.instances.items()),
        disk=total * other.node_disk_gb * prices.disk.rate("gp3") / HOURS_A_MONTH,
        basis=f"{_instances_text(used)}, {other.node_disk_gb} GB of disk each",
    )


def compared(
    used: Used, own: Estimate, size: ServerlessSize, prices: Prices, other: Elsewhere
) -> tuple[list[Estimate], str]:
    """All places, that of the run as it was measured; and why the others are missing."""
    if not used.hours:
        return [own], "The run used no time: nothing is compared."
    if used.executors is None:
        return [own], "How many executors ran is not known, so nothing is compared: --executors N says the average."
    # A driver alone is an executor's worth of nothing; the estimate asks for more than none.
    executors = max(used.executors, 1e-6)
    work = Work(
        size=size.model_copy(update={"max_executors": max(size.max_executors, int(executors) + 1)}),
        hours=used.hours,
        executors=executors,
        spot_share=other.spot_share,
        instance_type=other.instance_type,
        startup_minutes=other.startup_minutes,
        node_disk_gb=other.node_disk_gb,
    )
    return [own if place == own.place else _estimate(work, prices, place) for place in PLACES], ""


def _estimate(work: Work, prices: Prices, place: str) -> Estimate:
    """A price that only a comparison needs is no reason to leave out what the run has cost."""
    try:
        return estimates(work, prices, only=place)[0]
    except UsageError as error:
        if error.code != "CST-002":
            raise
        return Estimate(place, refusal=error.message)


def _pods(used: Used, prices: Prices, other: Elsewhere) -> Estimate:
    """The fee on what pods asked for, and their part of nodes: the larger of their parts of cores and of memory."""
    node, vcpu, memory = under_kubernetes(other.instance_type), used.vcpu_hours or 0.0, used.memory_gb_hours or 0.0
    nodes = max(vcpu / node.cores, memory * 1_024 / node.memory_mb)
    saved = other.spot_share * prices.spot.rate("discount")
    return Estimate(
        used.place,
        machines=nodes * prices.ec2.rate(other.instance_type) * (1 - saved),
        fee=vcpu * prices.eks_fee.rate("vcpu") + memory * prices.eks_fee.rate("memory"),
        disk=nodes * other.node_disk_gb * prices.disk.rate("gp3") / HOURS_A_MONTH,
        basis=f"asked for: {vcpu:.4g} vCPU hours, {memory:.4g} GB hours, as part of {nodes:.4g} hours of "
        f"{other.instance_type}; EKS itself left out",
    )


def _instances_text(used: Used) -> str:
    known = sorted(used.instances.items())
    texts = [f"{hours:.4g} h of {kind}{' on spot' if is_spot else ''}" for (kind, is_spot), hours in known]
    return ", ".join(texts) or "no instances"
