"""Paired measurements on one machine: CPU seconds of a whole process tree, ratios with an interval."""

from __future__ import annotations

import ctypes
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import psutil

_RESAMPLES = 10_000
_POLL_S = 0.1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Reading:
    """One run: CPU seconds of this process and all below it, wall seconds, and the peak of their memory."""

    cpu_s: float
    wall_s: float
    peak_rss_mb: float


@dataclass(frozen=True)
class Ratio:
    """The median of paired ratios a / b, and its bootstrap 90 % interval."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"

    def at_most(self, goal: float) -> bool:
        """Whether the whole interval lies on the right side of ``goal``."""
        return self.high <= goal

    def at_least(self, goal: float) -> bool:
        """Whether the whole interval lies on the right side of ``goal``."""
        return self.low >= goal


def adopt_orphans() -> None:
    """Make this process the parent of descendants whose own parent ends: otherwise their seconds would be lost.

    Spark's daemon of Python workers may end before a worker does (Linux: prctl, PR_SET_CHILD_SUBREAPER).
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


def tree_cpu_s() -> float:
    """User and system seconds of this process and everything below it (JVM, Python workers), the ended ones included.

    A process that ended is counted by the parent that waited for it; one that nobody waits for stays as a zombie.
    """
    total = 0.0
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _tree_rss_mb() -> float:
    total = 0
    own = psutil.Process()
    for process in [own, *own.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def timed(run: Callable[[], object]) -> Reading:
    """One reading of ``run``."""
    adopt_orphans()
    peak = [_tree_rss_mb()]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(_POLL_S):
            peak[0] = max(peak[0], _tree_rss_mb())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    # The watcher's own reading of /proc costs a little; it is the same for every side.
    cpu, wall = tree_cpu_s(), time.perf_counter()
    run()
    reading = Reading(tree_cpu_s() - cpu, time.perf_counter() - wall, peak[0])
    done.set()
    watcher.join()
    return Reading(reading.cpu_s, reading.wall_s, peak[0])


def interleaved(sides: dict[str, Callable[[], object]], *, pairs: int, warm_ups: int = 1) -> dict[str, list[Reading]]:
    """Readings of each side, run A B A B ...; every other round goes backwards, so that none always follows another."""
    for _ in range(warm_ups):
        for run in sides.values():
            run()
    readings: dict[str, list[Reading]] = {name: [] for name in sides}
    for number in range(pairs):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            readings[name].append(timed(sides[name]))
    return readings


def ratio(above: Sequence[float], below: Sequence[float], *, seed: int = 20261120) -> Ratio:
    """The paired ratio above / below."""
    pairs = np.asarray(above, dtype=float) / np.asarray(below, dtype=float)
    rng = np.random.default_rng(seed)
    medians = np.median(pairs[rng.integers(0, len(pairs), (_RESAMPLES, len(pairs)))], axis=1)
    low, high = np.quantile(medians, [0.05, 0.95])
    return Ratio(float(np.median(pairs)), float(low), float(high))


def cpu_ratio(above: Sequence[Reading], below: Sequence[Reading]) -> Ratio:
    """The paired ratio of CPU seconds."""
    return ratio([reading.cpu_s for reading in above], [reading.cpu_s for reading in below])


def wall_ratio(above: Sequence[Reading], below: Sequence[Reading]) -> Ratio:
    """The paired ratio of wall seconds."""
    return ratio([reading.wall_s for reading in above], [reading.wall_s for reading in below])


def median_cpu_s(readings: Sequence[Reading]) -> float:
    """The median of the CPU seconds."""
    return statistics.median(reading.cpu_s for reading in readings)


def median_wall_s(readings: Sequence[Reading]) -> float:
    """The median of the wall seconds."""
    return statistics.median(reading.wall_s for reading in readings)


def log_log_slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent with which costs grow with sizes (least squares)."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def load_note() -> str:
    """How busy the machine was when a measurement began; more than a core too many marks the run."""
    load = os.getloadavg()[0]
    busy = ", more than the cores: figures are upper bounds" if load > (os.cpu_count() or 1) + 0.5 else ""
    return f"Load average at the start {load:.1f}{busy}."
