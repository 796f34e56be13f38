"""Paired measurements on one machine: CPU seconds of a whole process tree, ratios with an interval."""

from __future__ import annotations

import math
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psutil

_RESAMPLES = 10_000
_POLL_S = 0.1


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


class TreeWatch:
    """CPU seconds and memory of this process and everything below it (JVM, Python workers), including ended ones.

    Each look keeps the seconds of every process by itself. The seconds that a parent has of its ended children would
    not do: PySpark's daemon ignores the end of its workers, and theirs are lost. What a process did after the last
    look before its end is not counted.
    """

    def __init__(self) -> None:
        self._cpu_s: dict[tuple[int, float], float] = {}
        self.peak_rss_mb = 0.0

    def look(self) -> None:
        """Bring the seconds and the peak up to date."""
        rss = 0
        own = psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            try:
                times, memory = process.cpu_times(), process.memory_info()
            except psutil.NoSuchProcess:
                continue
            self._cpu_s[process.pid, process.create_time()] = times.user + times.system
            rss += memory.rss
        self.peak_rss_mb = max(self.peak_rss_mb, rss / 1e6)

    @property
    def cpu_s(self) -> float:
        """User and system seconds of all processes that were ever seen."""
        return sum(self._cpu_s.values())


def timed(run: Callable[[], object]) -> Reading:
    """One reading of ``run``."""
    watch = TreeWatch()
    watch.look()
    done = threading.Event()

    def look_often() -> None:
        while not done.wait(_POLL_S):
            watch.look()

    watcher = threading.Thread(target=look_often, daemon=True)
    # The watcher's own reading of /proc costs a little; it is the same for every side.
    cpu_s, begun = watch.cpu_s, time.perf_counter()
    watcher.start()
    run()
    wall_s = time.perf_counter() - begun
    done.set()
    watcher.join()
    watch.look()
    return Reading(watch.cpu_s - cpu_s, wall_s, watch.peak_rss_mb)


def interleaved(
    sides: dict[str, Callable[[], object]],
    *,
    pairs: int,
    warm_ups: int = 1,
    before: Mapping[str, Callable[[], object]] | None = None,
) -> dict[str, list[Reading]]:
    """Readings of each side, run A B A B ...; every other round is reversed, so that no side always follows another.

    ``before`` holds for a side what is run before each of its readings and not counted.
    """
    for _ in range(warm_ups):
        for run in sides.values():
            run()
    readings: dict[str, list[Reading]] = {name: [] for name in sides}
    for number in range(pairs):
        names = list(sides) if number % 2 == 0 else list(reversed(sides))
        for name in names:
            if before and name in before:
                before[name]()
            readings[name].append(timed(sides[name]))
    return readings


def ratio(above: Sequence[float], below: Sequence[float], *, seed: int = 20261120) -> Ratio:
    """The paired ratio above / below. With a single pair the interval is unbounded: no goal is met."""
    pairs = np.asarray(above, dtype=float) / np.asarray(below, dtype=float)
    if len(pairs) < 2:
        return Ratio(float(pairs[0]), 0.0, math.inf)
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
