"""What a run has taken so far: CPU and memory of the driver, time and memory of executors. Cheap, and never in the way.

The driver's numbers are those of the operating system, for its Python and its JVM; the executors' those of Spark's own
status store, which the Spark UI shows. What nobody says is None.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from common.spark.internals import driver_process, executor_lives, stage_times

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PATIENCE_SECONDS = 5.0
_PROC = Path("/proc")

Resources = dict[str, float | int | None]


@dataclass(frozen=True)
class Meter:
    """Measures from ``started`` on: several jobs may follow one another in a process and in a session."""

    started: datetime
    cpu_before: float | None

    @classmethod
    def begin(cls, started: datetime) -> Meter:
        """A meter that counts the CPU from now on."""
        return cls(started, _cpu_seconds())

    def read(self, spark: SparkSession | None, ended: datetime) -> Resources:
        """Seconds, MB and numbers since the start, by the names of the run record's ``resources``.

        ``driver_peak_memory_mb`` is the highest of the whole process. ``task_seconds`` and ``task_cpu_seconds`` are
        those of stages that the status store still holds, None when it may have dropped some; the CPU of Python
        workers is not in it. A JVM that does not answer within five seconds is left alone.
        """
        cpu, before = _cpu_seconds(), self.cpu_before
        found: Resources = {
            "driver_cpu_seconds": None if cpu is None else round(max(0.0, cpu - (before or 0.0)), 3),
            "driver_peak_memory_mb": _peak_mb(),
            **dict.fromkeys(("executors", "executor_seconds", "executor_core_seconds", "executor_peak_heap_mb")),
            **dict.fromkeys(("task_seconds", "task_cpu_seconds")),
        }
        if spark is not None:
            asked: Resources = {}
            thread = threading.Thread(
                target=_ask, args=(spark, self.started, ended, asked), name="lakejobs-resources", daemon=True
            )
            thread.start()
            thread.join(timeout=_PATIENCE_SECONDS)
            found |= dict(asked)
        return found


def _ask(spark: SparkSession, started: datetime, ended: datetime, found: Resources) -> None:
    """In a thread of its own, because each thread has its own connection to the JVM."""
    begin, end = started.timestamp(), ended.timestamp()
    with suppress(Exception):
        lives = executor_lives(spark)
        if lives is not None:
            spans = [(max(begin, one.added), min(end, one.removed or end), one) for one in lives]
            there = [(max(0.0, last - first), one) for first, last, one in spans if last > first]
            heaps = [one.peak_heap_bytes for _, one in there if one.peak_heap_bytes]
            found |= {
                "executors": len(there),
                "executor_seconds": round(sum(seconds for seconds, _ in there), 3),
                "executor_core_seconds": round(sum(seconds * one.cores for seconds, one in there), 3),
                "executor_peak_heap_mb": max(heaps) // 1_048_576 if heaps else None,
            }
    with suppress(Exception):
        times = stage_times(spark, since=begin)
        if times is not None:
            found |= {"task_seconds": round(times[0], 3), "task_cpu_seconds": round(times[1], 3)}


def _cpu_seconds() -> float | None:
    """CPU of the driver's Python and of its JVM; None where the system does not say."""
    found = _process_cpu(os.getpid())
    jvm = driver_process()
    of_jvm = _process_cpu(jvm) if jvm else 0.0
    return None if found is None or of_jvm is None else found + of_jvm


def _process_cpu(pid: int) -> float | None:
    try:
        # The name in parentheses may hold blanks; user and system time are the fields 14 and 15 (proc(5)).
        fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _peak_mb() -> int | None:
    pids = [os.getpid(), *([pid] if (pid := driver_process()) else [])]
    peaks = [_peak_kb(pid) for pid in pids]
    known = [peak for peak in peaks if peak is not None]
    return sum(known) // 1_024 if len(known) == len(pids) else None


def _peak_kb(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        for line in (_PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return None
