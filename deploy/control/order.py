"""What somebody asked `lakejobs run` for: selectors and flags, as runs in the order of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from common.errors import UsageError
from common.job.declaration import Job
from common.job.graph import Graph
from common.run.flags import parse_flags
from deploy.control.sequence import Step

DAYS = ("--day", "--from", "--to")
INGEST = ("--input", "--source")
CHANGED = "--changed"
SWITCHES = ("--plan", "--debug", CHANGED)
VALUES = ("--env", "--lake", "--set", "--conf-file", "--output", *DAYS, *INGEST)

Flags = list[tuple[str, str]]


@dataclass
class Order:
    """A parsed command: selectors, flags for all jobs and for single ones, and how days and flags are found."""

    selectors: list[str]
    shared: list[str] = field(default_factory=list)
    own: dict[str, list[str]] = field(default_factory=dict)
    each_day: bool = False
    rehearsal: bool = False

    @property
    def is_single(self) -> bool:
        """One plain job, which runs just as its entry file would."""
        one = self.selectors[0] if len(self.selectors) == 1 else "*"
        is_plain = not one.startswith("+") and not one.endswith(("+", "*"))
        return is_plain and not (self.each_day or self.rehearsal or self.own)


def parse_order(arguments: Sequence[str]) -> Order:
    """The words of ``lakejobs run``. Raises UsageError PKG-001 when no job is named."""
    words = list(arguments)
    cut = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    if not cut:
        raise UsageError(
            "PKG-001", "`lakejobs run` needs the name of a job first.", remedy="`lakejobs jobs` lists the jobs."
        )
    order = Order(words[:cut])
    target = order.shared
    rest = iter(words[cut:])
    for word in rest:
        if word == "--for":
            target = order.own.setdefault(next(rest, ""), [])
        elif word == "--each-day":
            order.each_day = True
        elif word == "--rehearsal":
            order.rehearsal = True
        else:
            target.append(word)
    return order


def shared_flags(words: Sequence[str]) -> Flags:
    """Flags for several jobs as pairs of flag and value (empty for a switch).

    Raises UsageError PKG-010 for a flag, or a parameter, that is one job's.
    """
    found: Flags = []
    rest = iter(words)
    for word in rest:
        flag, equals, value = word.partition("=")
        if flag == "-o":
            flag = "--output"
        if flag in SWITCHES:
            found.append((flag, ""))
        elif flag in VALUES:
            found.append((flag, value if equals else next(rest, "")))
        else:
            raise UsageError(
                "PKG-010",
                f"'{flag}' is not a flag for several jobs at once.",
                remedy="Give flags of one job after --for FAMILY.JOB.",
            )
        if flag == "--set" and not found[-1][1].startswith("lake."):
            raise UsageError(
                "PKG-010",
                f"Which job is --set {found[-1][1]} for?",
                remedy="Give a job's parameters after --for FAMILY.JOB; only lake.NAME holds for all jobs.",
            )
    return found


def steps_of(order: Order, graph: Graph, *, samples: str) -> tuple[list[Step], dict[str, str]]:
    """The runs of an order, and the jobs that it leaves out, with the reason: no ``--input``, or no days that it takes.

    Days go to the jobs that work by day (the last one to those that work as of a day), ``--input`` and ``--source`` to
    ingests. With ``each_day`` all jobs run for one day, then for the next; jobs without days run once, on the first.
    ``--changed`` goes to the jobs that take it, and each finds its own days when its turn comes.
    Raises UsageError PKG-001, PKG-010, CLI-003 to CLI-005.
    """
    names = graph.selected(order.selectors, with_feeders=order.rehearsal)
    strangers = [name for name in order.own if name not in names]
    if strangers:
        raise UsageError("PKG-010", f"--for {strangers[0]}: this job is not among those to run.")
    flags = shared_flags(order.shared)
    lake = dict(flags).get("--lake", "lake")
    steps: list[Step] = []
    left_out: dict[str, str] = {}
    for number, day in enumerate(_days(flags, graph, names) if order.each_day else [""]):
        for name in names:
            job = graph.nodes[name].job
            words = _rehearsal(job, lake, samples) if order.rehearsal else []
            words += _fitting(job, flags, day, is_rehearsed=order.rehearsal)
            own = order.own.get(name, [])
            if (CHANGED, "") in flags and job.takes_changed and not _has_days(own):
                words.append(CHANGED)
            words += own
            if job.ingests and "--input" not in words:
                left_out[name] = f"no files are given for it (--for {name} --input PATH --source NAME)"
            elif (CHANGED, "") in flags and job.days_are_chosen and not _has_days(words):
                left_out[name] = f"{job.days_are_chosen} (--for {name} --from D --to D)"
            elif job.by_day or number == 0:
                steps.append(Step(name, tuple(words), day if job.by_day else ""))
    return steps, left_out


def _days(flags: Flags, graph: Graph, names: Sequence[str]) -> list[str]:
    if (CHANGED, "") in flags:
        raise UsageError(
            "CLI-005",
            "--each-day goes through days that are given, --changed finds them.",
            remedy="Give one of the two.",
        )
    given = [word for pair in flags if pair[0] in DAYS for word in pair]
    by_day = [graph.nodes[name].job for name in names if graph.nodes[name].job.by_day]
    jobs = [job for job in by_day if not job.ingests]
    days = parse_flags(jobs[0], given).days if jobs else None
    if days is None:
        raise UsageError("CLI-005", "--each-day needs jobs that work by day.", remedy="Leave --each-day out.")
    return [str(days.first + timedelta(days=number)) for number in range(len(days))]


def _fitting(job: Job, flags: Flags, day: str, *, is_rehearsed: bool) -> list[str]:
    """Of the shared flags those that a job takes."""
    days = {flag: value for flag, value in flags if flag in DAYS}
    words: list[str] = []
    for flag, value in flags:
        if flag not in (*DAYS, CHANGED, "--output") and (job.ingests or flag not in INGEST):
            words += [flag, value] if flag in VALUES else [flag]
    if not job.by_day or (is_rehearsed and not days):
        return words
    if day:
        return [*words, "--day", day]
    if job.as_of_day and "--to" in days:
        return [*words, "--day", days["--to"]]
    return [*words, *(word for pair in days.items() for word in pair)]


def _has_days(words: Sequence[str]) -> bool:
    return any(word.partition("=")[0] in DAYS for word in words)


def _rehearsal(job: Job, lake: str, samples: str) -> list[str]:
    return [word.replace("{lake}", lake).replace("{samples}", samples) for word in job.rehearsal]
