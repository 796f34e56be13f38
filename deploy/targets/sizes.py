"""How large driver and executors are, what of it is left for Python, and what each place can hold.

All memory is counted in MiB, as Spark does; one GB here is 1,024 of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from common.config.params import Params
from common.errors import UsageError
from deploy.targets.instances import Instance

# Spark's own reserve for what the JVM needs beside its heap; the services add it where nothing larger is said.
_JVM_SHARE, _JVM_LEAST_MB = 0.1, 384
# A Python worker with pandas, Arrow and one model loaded; there is one for each core of an executor.
_WORKER_MB = 768
# The driver's Python: pandas for reports, Great Expectations, boto3.
_DRIVER_PYTHON_MB = 1_280

# EMR Serverless starts with so many executors when nothing else is said.
SERVERLESS_INITIAL_EXECUTORS = 3
# vCPU -> (least, most, step) GB of a worker, overhead included: "Supported worker configurations" of its user guide.
_SERVERLESS_PAIRS = {1: (2, 8, 1), 2: (4, 16, 1), 4: (8, 30, 1), 8: (16, 60, 4), 16: (32, 120, 8)}
_FLAGS = {"driver": "--driver", "executor": "--executor"}


@dataclass(frozen=True)
class Worker:
    """One process of Spark with its Python: ``role`` is driver or executor, ``python_processes`` how many share."""

    role: str
    cores: int
    heap_gb: int
    overhead_mb: int
    python_processes: int

    @property
    def total_mb(self) -> int:
        """Heap and overhead: what the platform has to give."""
        return self.heap_gb * 1_024 + self.overhead_mb

    @property
    def python_mb(self) -> int:
        """What the overhead leaves for Python when the JVM has taken its share."""
        return max(0, self.overhead_mb - jvm_overhead_mb(self.heap_gb))

    @property
    def article(self) -> str:
        """``A driver``, ``An executor``."""
        return f"{'An' if self.role[0] in 'aeiou' else 'A'} {self.role}"

    @property
    def named(self) -> str:
        """``An executor of 4 cores``."""
        return f"{self.article} of {_counted(self.cores, 'core')}"

    @property
    def text(self) -> str:
        """``4 cores, 8 GB heap + 3,892 MB overhead; Python has 3,072 MB: 768 MB for each of 4 workers``."""
        each = f": {self.python_mb // self.python_processes:,} MB for each of {self.python_processes} workers"
        shared = each if self.python_processes > 1 else ""
        return (
            f"{_counted(self.cores, 'core')}, {self.heap_gb} GB heap + {self.overhead_mb:,} MB overhead; "
            f"Python has {self.python_mb:,} MB{shared}"
        )


class Size(Params):
    """Cores, memory and executors of a run. ``max_executors`` is always sent: EMR Serverless knows no bound of its own.

    An overhead that is not given is the JVM's share, 10 % of the heap and at least 384 MB, and 768 MB for each core of
    an executor, 1,280 MB for the driver: Python lives there, outside of the heap.
    """

    driver_cores: int = Field(2, ge=1, le=256, description="Cores of the driver.")
    driver_memory_gb: int = Field(6, ge=1, le=2_048, description="Heap of the driver, GB.")
    driver_overhead_mb: int | None = Field(None, ge=384, le=2_097_152, description="Memory beside it, MB.")
    executor_cores: int = Field(4, ge=1, le=256, description="Cores of an executor.")
    executor_memory_gb: int = Field(8, ge=1, le=2_048, description="Heap of an executor, GB.")
    executor_overhead_mb: int | None = Field(None, ge=384, le=2_097_152, description="Memory beside it, MB.")
    initial_executors: int | None = Field(None, ge=0, le=10_000, description="Executors at the start.")
    max_executors: int = Field(20, ge=1, le=10_000, description="Executors at most.")

    @property
    def driver(self) -> Worker:
        """The driver, its overhead filled in."""
        least = jvm_overhead_mb(self.driver_memory_gb) + _DRIVER_PYTHON_MB
        return Worker("driver", self.driver_cores, self.driver_memory_gb, self.driver_overhead_mb or least, 1)

    @property
    def executor(self) -> Worker:
        """An executor, its overhead filled in."""
        cores, heap = self.executor_cores, self.executor_memory_gb
        least = jvm_overhead_mb(heap) + cores * _WORKER_MB
        return Worker("executor", cores, heap, self.executor_overhead_mb or least, cores)

    @property
    def workers(self) -> tuple[Worker, Worker]:
        """Driver and executor."""
        return self.driver, self.executor

    def conf(self) -> dict[str, str]:
        """The Spark properties that say this, on every platform."""
        said = {"spark.dynamicAllocation.enabled": "true"}
        for worker in self.workers:
            said |= {
                f"spark.{worker.role}.cores": str(worker.cores),
                f"spark.{worker.role}.memory": f"{worker.heap_gb}g",
                f"spark.{worker.role}.memoryOverhead": f"{worker.overhead_mb}m",
            }
        if self.initial_executors is not None:
            said["spark.dynamicAllocation.initialExecutors"] = str(self.initial_executors)
        return {**said, "spark.dynamicAllocation.maxExecutors": str(self.max_executors)}


class ServerlessSize(Size):
    """The same, and the disk of each worker; 20 GB of it are free of charge."""

    disk_gb: int = Field(20, ge=20, le=200, description="Disk of each worker, GB.")

    def conf(self) -> dict[str, str]:
        """The Spark properties that say this, with those of the service."""
        disks = {f"spark.emr-serverless.{worker.role}.disk": f"{self.disk_gb}g" for worker in self.workers}
        return {**super().conf(), **disks}


def jvm_overhead_mb(heap_gb: int) -> int:
    """10 % of the heap, at least 384 MB."""
    return max(_JVM_LEAST_MB, math.ceil(heap_gb * 1_024 * _JVM_SHARE))


def check_executors(size: Size, starts_with: int = 0) -> None:
    """Raises UsageError TGT-004 when a run would start with more executors than it may have.

    ``starts_with``: what the platform starts when nothing is said.
    """
    if size.initial_executors is None and size.max_executors < starts_with:
        raise _refused(
            f"At most {_counted(size.max_executors, 'executor')} is fewer than EMR Serverless starts with.",
            f"It starts {starts_with}, and Spark refuses a start above the bound.",
            f"Give --max-executors {starts_with} or more, or --initial-executors {size.max_executors}.",
        )
    if size.initial_executors is not None and size.initial_executors > size.max_executors:
        raise _refused(
            f"A start with {size.initial_executors} executors is above the bound of {size.max_executors}.",
            "Spark refuses it.",
            f"Give --initial-executors {size.max_executors} or fewer.",
        )


def check_serverless(size: Size) -> None:
    """Raises UsageError TGT-004 for sizes that are none of the fixed pairs of EMR Serverless, overhead counted."""
    check_executors(size, SERVERLESS_INITIAL_EXECUTORS)
    for worker in size.workers:
        if worker.cores not in _SERVERLESS_PAIRS:
            raise _refused(
                f"EMR Serverless has no worker of {_counted(worker.cores, 'core')}.",
                "A worker has 1, 2, 4, 8 or 16 vCPU.",
                f"Give {_FLAGS[worker.role]}-cores one of them.",
            )
        least, most, step = _SERVERLESS_PAIRS[worker.cores]
        if worker.overhead_mb < jvm_overhead_mb(worker.heap_gb):
            raise _refused(
                f"An overhead of {worker.overhead_mb:,} MB is too small for a heap of {worker.heap_gb} GB.",
                "10 % of the heap, and at least 384 MB, is what the JVM itself takes.",
                f"Give {_FLAGS[worker.role]}-overhead-mb {jvm_overhead_mb(worker.heap_gb)} or more.",
            )
        if worker.total_mb <= (least - 1) * 1_024:
            raise _refused(
                f"{worker.named} on EMR Serverless has at least {least} GB.",
                f"{worker.heap_gb} GB heap + {worker.overhead_mb:,} MB overhead are {_gb(worker.total_mb)} GB.",
                f"Give a larger {_FLAGS[worker.role]}-memory-gb, or fewer cores.",
            )
        if worker.total_mb > most * 1_024:
            room = _largest_heap_gb(size, worker, most * 1_024)
            raise _refused(
                f"{worker.named} on EMR Serverless cannot have {_gb(worker.total_mb)} GB.",
                f"That is {worker.heap_gb} GB heap + {worker.overhead_mb:,} MB overhead; {worker.cores} vCPU come with "
                f"{least} to {most} GB in steps of {step}.",
                _smaller(worker, room),
            )


def serverless_worker_gb(worker: Worker) -> int:
    """The memory in GB that EMR Serverless gives to a worker: the next step of its pair."""
    least, _, step = _SERVERLESS_PAIRS[worker.cores]
    return max(least, math.ceil(worker.total_mb / 1_024 / step) * step)


def check_node(size: Size, node: Instance, owner: str) -> None:
    """Raises UsageError TGT-004 for a driver or executor that no ``node`` can hold; ``owner``: YARN, or a pod."""
    check_executors(size)
    for worker in size.workers:
        if worker.cores > node.cores:
            raise _refused(
                f"{worker.named} does not fit {node.name}.",
                f"{owner} has {_counted(node.cores, 'core')} there.",
                f"Give {_FLAGS[worker.role]}-cores {node.cores} or fewer, or declare the larger instance_type.",
            )
        if worker.total_mb > node.memory_mb:
            room = _largest_heap_gb(size, worker, node.memory_mb)
            raise _refused(
                f"{worker.article} of {_gb(worker.total_mb)} GB does not fit {node.name}.",
                f"That is {worker.heap_gb} GB heap + {worker.overhead_mb:,} MB overhead = {worker.total_mb:,} MB; "
                f"{owner} has {node.memory_mb:,} MB there.",
                f"{_smaller(worker, room)} Or declare the larger instance_type.",
            )


def _largest_heap_gb(size: Size, worker: Worker, room_mb: int) -> int:
    """The largest heap with which the worker fits; 0 when none does."""

    def fitting() -> Iterator[int]:
        for heap in range(worker.heap_gb, 0, -1):
            tried = size.model_copy(update={f"{worker.role}_memory_gb": heap})
            if (tried.driver if worker.role == "driver" else tried.executor).total_mb <= room_mb:
                yield heap

    return next(fitting(), 0)


def _smaller(worker: Worker, room_gb: int) -> str:
    flag = _FLAGS[worker.role]
    if room_gb:
        return f"Give {flag}-memory-gb {room_gb} or less."
    return f"Give a smaller {flag}-memory-gb and {flag}-overhead-mb."


def _gb(megabytes: int) -> str:
    return f"{megabytes / 1_024:.1f}".removesuffix(".0")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _refused(message: str, cause: str, remedy: str) -> UsageError:
    return UsageError("TGT-004", message, cause=cause, remedy=remedy)
