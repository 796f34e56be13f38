"""Runs jobs as processes of their own, a few at once, each after those whose tables it reads."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_POLL_SECONDS = 0.25
_STOP_SECONDS = 30
_LAST_WORDS = 15


@dataclass(frozen=True)
class Phase:
    """One job run: the job's name, its arguments beside environment and lake, and jobs to wait for.

    It waits for the former phase of its family anyway; ``after`` names jobs of other families.
    """

    job: str
    arguments: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    @property
    def family(self) -> str:
        """What stands before the dot."""
        return self.job.partition(".")[0]


@dataclass(frozen=True)
class PhaseResult:
    """What one phase cost.

    Seconds are wall time, the start counted from that of the first phase; the memory is the most that its process tree
    (driver, JVM, Python workers) held at once.
    """

    job: str
    exit_code: int
    started_s: float
    wall_seconds: float
    peak_memory_mb: int


@dataclass(frozen=True)
class Results:
    """All phases in the order of their ends, their wall time together, and the most that all held at one moment."""

    phases: tuple[PhaseResult, ...]
    wall_seconds: float
    peak_memory_mb: int


class PhaseFailedError(Exception):
    """A phase left with another exit code than 0; the phases beside it were stopped."""

    def __init__(self, result: PhaseResult, last_words: str) -> None:
        super().__init__(f"{result.job} left with exit code {result.exit_code}")
        self.result = result
        self.last_words = last_words


class Watch:
    """Told of each start and end, and now and then of what is running; says nothing unless overridden."""

    def started(self, phase: Phase, at_s: float) -> None:
        """A phase has begun."""

    def ended(self, result: PhaseResult, said: str) -> None:
        """A phase is over; ``said`` is what it wrote to standard output."""

    def running(self, jobs: Sequence[str], at_s: float) -> None:
        """Called a few times a second."""


@dataclass
class _Running:
    phase: Phase
    process: subprocess.Popen[bytes]
    logs: Path
    started_s: float
    peak_bytes: int = 0

    def sample(self) -> int:
        """Bytes held by its process tree at this moment."""
        held = 0
        try:
            tree = psutil.Process(self.process.pid)
            members = [tree, *tree.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for member in members:
            try:
                held += member.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        self.peak_bytes = max(self.peak_bytes, held)
        return held

    def result(self, now_s: float) -> PhaseResult:
        code, wall_s = self.process.returncode, round(now_s - self.started_s, 1)
        return PhaseResult(self.phase.job, code, self.started_s, wall_s, self.peak_bytes // 2**20)

    def said(self) -> str:
        return (self.logs / f"{self.phase.job}.out").read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        lines = (self.logs / f"{self.phase.job}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-_LAST_WORDS:])


@dataclass
class _Schedule:
    """What waits, runs and is done; ``at_once`` phases run side by side, earlier ones of the list first."""

    phases: Sequence[Phase]
    command_of: Callable[[Phase], Sequence[str]]
    logs: Path
    at_once: int
    watch: Watch
    begun: float = field(default_factory=time.monotonic)
    waiting: list[Phase] = field(default_factory=list)
    running: list[_Running] = field(default_factory=list)
    done: dict[str, PhaseResult] = field(default_factory=dict)
    peak_bytes: int = 0

    def now_s(self) -> float:
        return round(time.monotonic() - self.begun, 1)

    def is_ready(self, phase: Phase) -> bool:
        before = self.phases[: self.phases.index(phase)]
        needed = {one.job for one in before if one.family == phase.family}
        needed |= {one.job for one in self.phases if one.job in phase.after}
        return needed <= set(self.done)

    def start_what_is_ready(self) -> None:
        for phase in list(self.waiting):
            if len(self.running) < self.at_once and self.is_ready(phase):
                self.waiting.remove(phase)
                at_s = self.now_s()
                with (
                    (self.logs / f"{phase.job}.out").open("wb") as out,
                    (self.logs / f"{phase.job}.log").open("wb") as log,
                ):
                    process = subprocess.Popen(self.command_of(phase), stdout=out, stderr=log)
                self.running.append(_Running(phase, process, self.logs, at_s))
                self.watch.started(phase, at_s)

    def take_what_ended(self) -> None:
        for one in [one for one in self.running if one.process.poll() is not None]:
            self.running.remove(one)
            result = one.result(self.now_s())
            if result.exit_code != 0:
                raise PhaseFailedError(result, one.last_words())
            self.done[result.job] = result
            self.watch.ended(result, one.said())

    def stop_all(self) -> None:
        """SIGTERM first, so that leases are given back."""
        for one in self.running:
            one.process.terminate()
        for one in self.running:
            try:
                one.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                one.process.kill()
                one.process.wait()


def run_phases(
    phases: Sequence[Phase],
    command_of: Callable[[Phase], Sequence[str]],
    *,
    logs: Path,
    at_once: int,
    watch: Watch | None = None,
) -> Results:
    """Run all phases to their ends.

    Standard output and standard error of each go to ``<job>.out`` and ``<job>.log`` in the folder ``logs``.
    Raises PhaseFailedError when one fails, ValueError when phases wait for one another.
    """
    logs.mkdir(parents=True, exist_ok=True)
    schedule = _Schedule(phases, command_of, logs, at_once, watch or Watch(), waiting=list(phases))
    try:
        while schedule.waiting or schedule.running:
            schedule.start_what_is_ready()
            if not schedule.running:
                raise ValueError(f"These wait for one another: {', '.join(one.job for one in schedule.waiting)}")
            schedule.watch.running([one.phase.job for one in schedule.running], schedule.now_s())
            schedule.peak_bytes = max(schedule.peak_bytes, sum(one.sample() for one in schedule.running))
            time.sleep(_POLL_SECONDS)
            schedule.take_what_ended()
    finally:
        schedule.stop_all()
    return Results(tuple(schedule.done.values()), schedule.now_s(), schedule.peak_bytes // 2**20)
