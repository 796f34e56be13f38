"""The graph of jobs: which job's tables another one reads. It follows from the declarations and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from common.errors import JobFailedError, UsageError
from common.job.catalogue import families, job_names, load_job
from common.job.declaration import Job
from common.job.references import attribute
from common.words import did_you_mean


@dataclass(frozen=True)
class Read:
    """What a job reads: a table, or files, and the job that writes it (empty: none of the suite)."""

    table: str
    writer: str
    optional: bool
    external: bool
    is_files: bool = False


@dataclass(frozen=True)
class Node:
    """One job with what it reads and the names of the tables it writes, its own tables left out of the reads."""

    job: Job
    reads: tuple[Read, ...]
    writes: tuple[str, ...]

    @property
    def before(self) -> tuple[str, ...]:
        """The jobs that lead to this one directly, sorted."""
        return tuple(sorted({read.writer for read in self.reads if read.writer}))


@dataclass(frozen=True)
class Graph:
    """All jobs by name, each after those whose tables it reads."""

    nodes: Mapping[str, Node]

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> Graph:
        """The graph of some jobs.

        Raises JobFailedError GRF-001 when two jobs write one table, GRF-002 when jobs wait for each other.
        """
        declared = sorted(jobs, key=lambda job: job.name)
        written = {job.name: tuple(str(attribute(one).name) for one in job.writes) for job in declared}
        writers: dict[str, str] = {}
        for name, tables in written.items():
            for table in tables:
                if table in writers:
                    raise JobFailedError(
                        "GRF-001",
                        f"{writers[table]} and {name} both write {table}.",
                        remedy="One table has one writer: correct the declarations.",
                    )
                writers[table] = name
        nodes = {job.name: Node(job, _reads(job, writers), written[job.name]) for job in declared}
        for feeder in declared:
            for fed in feeder.feeds:
                node = nodes.get(fed)
                if node is not None:
                    files = Read("its files", feeder.name, optional=True, external=False, is_files=True)
                    nodes[fed] = Node(node.job, (*node.reads, files), node.writes)
        return cls({name: nodes[name] for name in _order(nodes)})

    @classmethod
    def of_suite(cls) -> Graph:
        """The graph of every job of the installed suite."""
        return cls.of(load_job(family, name) for family in families() for name in job_names(family))

    @cached_property
    def after(self) -> dict[str, tuple[str, ...]]:
        """For each job those that read its tables directly, sorted."""
        following: dict[str, set[str]] = {name: set() for name in self.nodes}
        for name, node in self.nodes.items():
            for before in node.before:
                if before in following:
                    following[before].add(name)
        return {name: tuple(sorted(found)) for name, found in following.items()}

    def leading_to(self, name: str, *, with_feeders: bool = False) -> set[str]:
        """All jobs that lead to ``name``, itself left out; those that only make files for an ingest when asked for."""
        steps = {
            one: sorted({read.writer for read in node.reads if read.writer and (with_feeders or not read.is_files)})
            for one, node in self.nodes.items()
        }
        return self._reached(name, steps)

    def following(self, name: str) -> set[str]:
        """All jobs that follow from ``name``, itself left out."""
        return self._reached(name, self.after)

    def needing(self, name: str) -> set[str]:
        """All jobs that cannot run without what ``name`` writes, itself left out: an optional input is no need."""
        steps: dict[str, list[str]] = {one: [] for one in self.nodes}
        for one, node in self.nodes.items():
            for read in node.reads:
                if read.writer in steps and not read.optional:
                    steps[read.writer].append(one)
        return self._reached(name, steps)

    def _reached(self, name: str, steps: Mapping[str, Sequence[str]]) -> set[str]:
        found: set[str] = set()
        waiting = list(steps[name])
        while waiting:
            one = waiting.pop()
            if one in self.nodes and one not in found:
                found.add(one)
                waiting += steps[one]
        return found

    def selected(self, selectors: Sequence[str], *, with_feeders: bool = False) -> list[str]:
        """The jobs that selectors name, in the order of the graph, each once.

        ``family.job``; ``+job`` with all that lead to it; ``job+`` with all that follow; ``+job+`` both; ``family.*``;
        ``*``. Raises UsageError PKG-001 for a job or family that there is not.
        """
        wanted: set[str] = set()
        for selector in selectors:
            name = selector.removeprefix("+").removesuffix("+")
            found = self._named(name)
            for one in found:
                wanted.add(one)
                wanted |= self.leading_to(one, with_feeders=with_feeders) if selector.startswith("+") else set()
                wanted |= self.following(one) if selector.endswith("+") else set()
        return [name for name in self.nodes if name in wanted]

    def _named(self, name: str) -> list[str]:
        if name == "*":
            return list(self.nodes)
        if name.endswith(".*"):
            found = [one for one in self.nodes if one.startswith(name[:-1])]
            if found:
                return found
        elif name in self.nodes:
            return [name]
        known = sorted(self.nodes)
        raise UsageError(
            "PKG-001",
            f"There is no job '{name}'.{did_you_mean(name, known)}",
            remedy=f"Known jobs: {', '.join(known)}.",
        )


def _reads(job: Job, writers: Mapping[str, str]) -> tuple[Read, ...]:
    reads = []
    for one in job.inputs:
        table = str(attribute(one.table).name)
        writer = writers.get(table, "")
        if writer != job.name:
            reads.append(Read(table, writer, one.optional, one.external))
    return tuple(reads)


def _order(nodes: Mapping[str, Node]) -> list[str]:
    """The names, each after those that lead to it, otherwise by name.

    What examines the place comes first, what maintains all tables last.
    """
    sorter = TopologicalSorter({name: [one for one in node.before if one in nodes] for name, node in nodes.items()})
    try:
        sorter.prepare()
    except CycleError as circle:
        raise JobFailedError(
            "GRF-002",
            "Jobs wait for each other.",
            cause=" <- ".join(circle.args[1]),
            remedy="Correct the declarations of what they read and write.",
        ) from circle
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready += sorter.get_ready()
        ready.sort()
        order.append(ready.pop(0))
        sorter.done(order[-1])
    return sorted(order, key=lambda name: nodes[name].job.maintains_all - nodes[name].job.examines)
