"""What a run costs before it runs: on a transient cluster, on EMR Serverless and on EMR on EKS, by the same size.

Sources: billing of EMR Serverless per worker and second, at least one minute, 20 GB of disk free; the fee of EMR on EC2
per instance, also on spot; the fee of EMR on EKS on what pods ask for, at least one minute, beside EC2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from common.errors import UsageError
from deploy.cost.prices import Prices
from deploy.targets.instances import Instance, processor_of, under_kubernetes, under_yarn
from deploy.targets.sizes import ServerlessSize, Size, check_node, check_serverless, serverless_worker_gb

PLACES = ("emr-step", "emr-serverless", "emr-eks")
FREE_DISK_GB = 20
HOURS_A_MONTH = 730
_LEAST_HOURS = 1 / 60


@dataclass(frozen=True)
class Work:
    """What is to be run: ``runs`` one after another, each of ``hours`` with ``executors`` on average (whole nodes).

    ``spot_share`` of the worker nodes is spot, never the primary node. ``startup_minutes`` are those of a cluster that
    is made for these runs, in which its nodes are paid for and do nothing yet. ``node_disk_gb`` is the disk of a node.
    """

    size: ServerlessSize
    hours: float
    executors: float
    runs: int = 1
    spot_share: float = 0.0
    instance_type: str = "m5.xlarge"
    startup_minutes: float = 5.0
    node_disk_gb: int = 100

    @property
    def architecture(self) -> str:
        """x86_64 or aarch64, as the instance type has it. Raises UsageError TGT-003 for an unknown type."""
        return processor_of(self.instance_type)


@dataclass(frozen=True)
class Estimate:
    """The price of the work in one place, USD: machines, EMR's fee, disks. ``refusal`` says why it does not fit."""

    place: str
    machines: float = 0.0
    fee: float = 0.0
    disk: float = 0.0
    basis: str = ""
    refusal: str = ""

    @property
    def total(self) -> float:
        """All parts together."""
        return self.machines + self.fee + self.disk


def estimates(work: Work, prices: Prices, only: str = "") -> list[Estimate]:
    """One estimate for each place, or for ``only`` one.

    Raises UsageError CST-002 for a price that is missing, CST-003 for odd numbers.
    """
    _check(work)
    found = []
    for place, price in zip(PLACES, (_steps, _serverless, _eks), strict=True):
        if only not in ("", place):
            continue
        try:
            found.append(price(work, prices))
        except UsageError as error:
            if error.code != "TGT-004":
                raise
            found.append(Estimate(place, refusal=f"{error.message} {error.remedy}"))
    return found


def cheapest(found: list[Estimate]) -> Estimate | None:
    """The cheapest place that fits."""
    return min((one for one in found if not one.refusal), key=lambda one: one.total, default=None)


def instances_cost(count: int, hours: float, ec2: float, fee: float, *, saved: float = 0.0) -> float:
    """USD for some instances: EC2 less the share that spot saves, and the fee, which spot does not change."""
    return count * hours * (ec2 * (1 - saved) + fee)


def _check(work: Work) -> None:
    wrong = [
        name
        for name, is_right in (
            ("--hours", math.isfinite(work.hours) and work.hours > 0),
            ("--executors", 0 < work.executors <= 10_000),
            ("--spot-share", 0 <= work.spot_share <= 1),
            ("--startup-minutes", math.isfinite(work.startup_minutes) and work.startup_minutes >= 0),
            ("--node-disk-gb", work.node_disk_gb >= 0),
        )
        if not is_right
    ]
    if work.executors > work.size.max_executors:
        wrong.append("--executors (above max_executors)")
    if wrong:
        raise UsageError(
            "CST-003",
            f"No price can be given: {', '.join(wrong)}.",
            remedy="Hours above 0, executors above 0 and up to max_executors, a spot share from 0 to 1.",
        )


def _serverless(work: Work, prices: Prices) -> Estimate:
    size, rates = work.size, prices.serverless
    check_serverless(size)
    hours = _billed_hours(work.hours) * work.runs
    cores = size.driver_cores + work.executors * size.executor_cores
    memory = serverless_worker_gb(size.driver) + work.executors * serverless_worker_gb(size.executor)
    disk = (1 + work.executors) * max(0, size.disk_gb - FREE_DISK_GB)
    return Estimate(
        "emr-serverless",
        machines=hours
        * (cores * rates.rate(f"vcpu_{work.architecture}") + memory * rates.rate(f"memory_{work.architecture}")),
        disk=hours * disk * rates.rate("disk"),
        basis=f"{cores:g} vCPU, {memory:g} GB, {disk:g} GB of disk beyond the free ones; spot does not apply",
    )


def _steps(work: Work, prices: Prices) -> Estimate:
    node = under_yarn(work.instance_type)
    check_node(work.size, node, "YARN")
    workers = _nodes(work.size, work.executors, node)
    hours = _billed_hours(work.hours * work.runs + work.startup_minutes / 60)
    ec2, fee = prices.ec2.rate(work.instance_type), prices.emr_fee.rate(work.instance_type)
    saved = work.spot_share * prices.spot.rate("discount")
    return Estimate(
        "emr-step",
        machines=hours * ec2 * (1 + workers * (1 - saved)),
        fee=hours * fee * (1 + workers),
        disk=_disks(1 + workers, hours, work, prices),
        basis=f"1 primary and {workers} worker {work.instance_type}, {work.startup_minutes:g} min to start the cluster",
    )


def _eks(work: Work, prices: Prices) -> Estimate:
    node, size = under_kubernetes(work.instance_type), work.size
    check_node(size, node, "A pod")
    workers = _nodes(size, work.executors, node)
    hours = _billed_hours(work.hours) * work.runs
    cores = size.driver_cores + work.executors * size.executor_cores
    memory = (size.driver.total_mb + work.executors * size.executor.total_mb) / 1_024
    saved = work.spot_share * prices.spot.rate("discount")
    return Estimate(
        "emr-eks",
        machines=hours * workers * prices.ec2.rate(work.instance_type) * (1 - saved),
        fee=hours * (cores * prices.eks_fee.rate("vcpu") + memory * prices.eks_fee.rate("memory")),
        disk=_disks(workers, hours, work, prices),
        basis=f"{workers} nodes {work.instance_type}, pods of {cores:g} vCPU and {memory:.1f} GB; EKS itself left out",
    )


def _billed_hours(hours: float) -> float:
    """To the second, and at least a minute."""
    return max(_LEAST_HOURS, math.ceil(round(hours * 3_600, 6)) / 3_600)


def _disks(nodes: int, hours: float, work: Work, prices: Prices) -> float:
    return nodes * hours * work.node_disk_gb * prices.disk.rate("gp3") / HOURS_A_MONTH


def _nodes(size: Size, average: float, node: Instance) -> int:
    """Nodes that hold the executors and the driver, each filled as far as cores and memory go."""
    executors = math.ceil(average)
    driver, executor = size.driver, size.executor
    each = min(node.cores // executor.cores, node.memory_mb // executor.total_mb)
    whole, rest = divmod(executors, each)
    left = (node.cores - rest * executor.cores, node.memory_mb - rest * executor.total_mb)
    is_beside = rest > 0 and driver.cores <= left[0] and driver.total_mb <= left[1]
    full = (node.cores - each * executor.cores, node.memory_mb - each * executor.total_mb)
    is_beside = is_beside or (whole > 0 and driver.cores <= full[0] and driver.total_mb <= full[1])
    return whole + (rest > 0) + (0 if is_beside else 1)
