"""What an exported graph consists of: the jobs of a selection, each with its plan on a target and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from common.errors import UsageError
from common.job.declaration import Job
from common.job.graph import Graph
from common.run.flags import parse_flags
from deploy.control.order import CHANGED, DAYS, parse_order, steps_of
from deploy.targets.plan import Plan, make_plan
from deploy.targets.plan_flags import parse_plan_flags

RUN_ID = "run-id-of-the-execution"
"""Stands in a planned request where a run id is known only when it is sent."""


@dataclass(frozen=True)
class Work:
    """One job to run: its plan, the jobs without which it cannot run, and all those that it waits for.

    Both name jobs of the same selection. ``needs`` are all of them, near and far; ``after`` leaves out those that
    another one of them waits for.
    """

    job: Job
    plan: Plan
    needs: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def name(self) -> str:
        """``fraud.score``."""
        return self.job.name


@dataclass(frozen=True)
class Works:
    """All that is to run, in the order of the graph.

    ``day`` stands in the requests for the day that is known only when they are sent; it is empty when days are given.
    ``left_out`` maps a job that does not run to the reason.
    """

    all: tuple[Work, ...]
    day: str
    left_out: Mapping[str, str]


def works_of(
    selectors: Sequence[str], target_words: Sequence[str], job_words: Sequence[str], *, is_sent_later: bool
) -> Works:
    """The work that a command line asks for; what is sent later has its run id, and without days its day, from there.

    Raises what ``make_plan`` and ``steps_of`` raise, and UsageError CLI-008 for a run id of what is sent later.
    """
    order = parse_order([*(selectors or ["*"]), *job_words])
    if order.rehearsal:
        raise UsageError("PKG-010", "--rehearsal is a flag of `lakejobs run`.", remedy="Leave it out.")
    if order.each_day and is_sent_later:
        raise UsageError(
            "CLI-005", "--each-day stands before --.", cause="Its days come later.", remedy="Give it after --format."
        )
    graph = Graph.of_suite()
    words = {word.partition("=")[0] for word in order.shared}
    day = unused_day([*target_words, *job_words]) if is_sent_later and not words & {*DAYS, CHANGED} else ""
    order = replace(order, shared=[*order.shared, *(["--day", day] if day else [])])
    steps, left_out = steps_of(order, graph, samples="")
    given = ["--run-id", RUN_ID] if is_sent_later else []
    names = [step.job for step in steps]
    works = []
    for step in steps:
        flags = parse_plan_flags([step.job, *target_words, "--", *step.arguments])
        if is_sent_later and _names_its_run(flags.run_id, flags.attempt, graph.nodes[step.job].job, step.arguments):
            raise UsageError(
                "CLI-008",
                "A run id is given.",
                cause="Each execution names its own work, and counts the attempts.",
                remedy="Leave --run-id and --attempt out.",
            )
        if order.each_day and _names_its_run(flags.run_id, flags.attempt, graph.nodes[step.job].job, step.arguments):
            raise UsageError(
                "CLI-008",
                "A run id is given.",
                cause="Each day is work of its own.",
                remedy="Leave --run-id and --attempt out: one is proposed for each.",
            )
        flags = parse_plan_flags([step.job, *target_words, *given, "--", *step.arguments])
        before = _before(step.job, names, graph)
        needs = tuple(one for one in before if step.job in graph.needing(one))
        far = {one for near in before for one in _before(near, names, graph)}
        works.append(Work(graph.nodes[step.job].job, make_plan(flags), needs, tuple(x for x in before if x not in far)))
    if not works:
        raise UsageError(
            "PKG-001",
            "No job is left to run.",
            cause=" ".join(f"{name}: {why}." for name, why in left_out.items()),
            remedy="Name jobs, or give an ingest its files with --for JOB --input PATH --source NAME.",
        )
    return Works(tuple(works), day, left_out)


def unused_day(words: Sequence[str]) -> str:
    """A day that stands in none of the words, so that it can be found again and replaced."""
    day = date(1971, 2, 3)
    while any(str(day) in word for word in words):
        day += timedelta(days=1)
    return str(day)


def _names_its_run(run_id: str | None, attempt: str | None, job: Job, words: Sequence[str]) -> bool:
    own = parse_flags(job, words)
    return bool(run_id or attempt or own.run_id or own.attempt)


def _before(name: str, names: Sequence[str], graph: Graph) -> list[str]:
    """All jobs of ``names`` that come before one: what leads to it, and all others before what maintains all."""
    if graph.nodes[name].job.maintains_all:
        return [one for one in names if not graph.nodes[one].job.maintains_all]
    leading = graph.leading_to(name, with_feeders=True)
    return [one for one in names if one in leading]
