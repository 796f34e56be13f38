"""Several jobs in the order of the graph, in one Spark session: each with its own record, lease and exit code."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from common.clock import monotonic_seconds
from common.job.graph import Graph
from common.run.launch import run_job

if TYPE_CHECKING:
    from common.job.declaration import Job
    from common.run.context import Services

DONE, FAILED, LEFT = "done", "failed", "left"
_STOPPED = (130, 143)


@dataclass(frozen=True)
class Step:
    """One run to do: the job, its arguments, and the day as text where a backfill goes day by day."""

    job: str
    arguments: tuple[str, ...]
    day: str = ""

    @property
    def title(self) -> str:
        """Job and day."""
        return f"{self.job} {self.day}".strip()


@dataclass
class Outcome:
    """What became of a step: ``done``, ``failed`` with its exit code, or ``left`` because another one failed.

    ``records`` are those of its runs, several or none with ``--changed``.
    """

    step: Step
    status: str
    exit_code: int = 0
    seconds: float = 0.0
    because: str = ""
    records: list[Any] = field(default_factory=list)


@dataclass
class Watch:
    """Hears of each step; says nothing unless overridden."""

    def started(self, step: Step, number: int, of: int) -> None:
        """A step begins."""

    def ended(self, outcome: Outcome) -> None:
        """A step is over, or was left."""


@dataclass
class Outcomes:
    """What became of each step of a sequence, in its order."""

    all: list[Outcome] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """That of the first step that failed; 0 when all are done."""
        return next((one.exit_code for one in self.all if one.status == FAILED), 0)

    @property
    def left(self) -> list[Step]:
        """What is still to do: failed steps and those that wait for them."""
        return [one.step for one in self.all if one.status != DONE]


def run_steps(
    steps: Sequence[Step],
    graph: Graph,
    *,
    services: Services | None = None,
    as_json: bool = False,
    watch: Watch | None = None,
    run: Callable[..., int] = run_job,
) -> Outcomes:
    """Run steps one after the other. What needs a failed one is left, nothing else; a signal leaves all the rest.

    With ``as_json`` the records of each step are kept in its outcome instead of being printed.
    """
    hears = watch or Watch()
    done = Outcomes()
    blocked: dict[str, str] = {}
    for number, step in enumerate(steps, start=1):
        reason = blocked.get("*") or blocked.get(step.job, "")
        if reason:
            outcome = Outcome(step, LEFT, because=reason)
        else:
            hears.started(step, number, len(steps))
            outcome = _ran(step, graph.nodes[step.job].job, services, as_json, run)
        if outcome.status == FAILED:
            why = f"{step.title} failed with exit code {outcome.exit_code}"
            blocked |= dict.fromkeys([step.job, *graph.needing(step.job)], why)
            if outcome.exit_code in _STOPPED:
                blocked["*"] = "the run was stopped"
        done.all.append(outcome)
        hears.ended(outcome)
    return done


def _ran(step: Step, job: Job, services: Services | None, as_json: bool, run: Callable[..., int]) -> Outcome:
    begun = monotonic_seconds()
    heard = io.StringIO()
    arguments = [*step.arguments, *(["-o", "json"] if as_json else [])]
    if as_json:
        with redirect_stdout(heard):
            code = run(job, arguments, services=services)
    else:
        code = run(job, arguments, services=services)
    printed = json.loads(heard.getvalue()) if as_json and heard.getvalue() else []
    records = printed if isinstance(printed, list) else [printed]
    seconds = round(monotonic_seconds() - begun, 1)
    return Outcome(step, FAILED if code else DONE, code, seconds, records=records)


def summary(sequence: Outcomes) -> str:
    """One line per step, and what is left."""
    width = max((len(one.step.title) for one in sequence.all), default=0)
    lines = []
    for one in sequence.all:
        words = {DONE: "done", FAILED: f"failed, exit code {one.exit_code}", LEFT: f"left: {one.because}"}[one.status]
        seconds = f"{one.seconds:7.1f} s" if one.status != LEFT else " " * 9
        lines.append(f"  {one.step.title:<{width}}  {seconds}  {words}")
    return "\n".join(lines)


def say(text: str) -> None:
    """Talk goes to standard error: standard output belongs to records."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
