"""``lakejobs graph``: the jobs and the tables between them, as a tree, as JSON or as a Mermaid diagram."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence

from common.errors import LakejobsError
from common.job.graph import Graph, Read
from common.run.console.log import uses_colour
from deploy.graph.export import is_export
from deploy.graph.export import main as export

# One colour a family, in the order of their names.
_COLOURS = ("36", "32", "35", "33", "34", "31")


def main(argv: Sequence[str]) -> int:
    """Command line: ``lakejobs graph [JOB] [-o json] [--format ...]``; the exit code."""
    if is_export(argv):
        return export(argv)
    parser = argparse.ArgumentParser(prog="lakejobs graph", description="Show which job's tables another one reads.")
    parser.add_argument("job", nargs="?", default="", help="show this job alone, with all that lead to it")
    parser.add_argument("--format", choices=("tree", "json", "mermaid"), default="tree", help="default: tree")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="-o json: as --format json")
    options = parser.parse_args(argv)
    try:
        graph = Graph.of_suite()
        names = graph.selected([f"+{options.job}"], with_feeders=True) if options.job else list(graph.nodes)
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.output == "json" or options.format == "json":
        print(json.dumps(as_json(graph, names), indent=2))
    elif options.format == "mermaid":
        print(as_mermaid(graph, names))
    else:
        print(as_tree(graph, names, colour=uses_colour(sys.stdout)))
    return 0


def as_json(graph: Graph, names: Sequence[str]) -> list[dict[str, object]]:
    """One object per job, in the order in which they run: ``job, summary, after, reads, writes``."""
    return [
        {
            "job": name,
            "summary": graph.nodes[name].job.summary,
            "after": list(graph.nodes[name].before),
            "reads": [vars(read) for read in graph.nodes[name].reads],
            "writes": list(graph.nodes[name].writes),
        }
        for name in names
    ]


def as_tree(graph: Graph, names: Sequence[str], *, colour: bool) -> str:
    """The jobs in the order in which they run; below each what it reads, with the job that writes it, and writes."""
    families = sorted({name.partition(".")[0] for name in graph.nodes})
    lines: list[str] = []
    for name in names:
        node = graph.nodes[name]
        code = _COLOURS[families.index(name.partition(".")[0]) % len(_COLOURS)]
        lines.append(f"\x1b[1;{code}m{name}\x1b[0m" if colour else name)
        entries = [f"reads  {_described(read)}" for read in node.reads]
        entries += [f"writes {table}" for table in node.writes]
        entries += [f"writes files for {ingest}" for ingest in node.job.feeds]
        entries += ["works on all tables of the lake"] if node.job.maintains_all else []
        entries += ["looks at the place where it runs, and at no table"] if node.job.examines else []
        for number, entry in enumerate(entries):
            lines.append(f"{'└─' if number == len(entries) - 1 else '├─'} {entry}")
    return "\n".join(lines)


def _described(read: Read) -> str:
    facts = ["optional"] if read.optional else []
    facts += [f"from {read.writer}"] if read.writer else ["external"] if read.external else ["written by no job"]
    return f"{read.table} ({', '.join(facts)})"


def as_mermaid(graph: Graph, names: Sequence[str]) -> str:
    """A Mermaid flowchart: a box per job in its family's frame, an arrow per table (dotted: optional)."""
    lines = ["flowchart LR"]
    for family in sorted({name.partition(".")[0] for name in names}):
        lines.append(f"  subgraph {family}")
        lines += [f"    {_id(name)}[{name}]" for name in names if name.startswith(f"{family}.")]
        lines.append("  end")
    external: set[str] = set()
    for name in names:
        for read in graph.nodes[name].reads:
            if read.writer and read.writer not in names:
                continue
            source = _id(read.writer) if read.writer else _id(read.table)
            if not read.writer and read.table not in external:
                external.add(read.table)
                lines.append(f"  {source}[({read.table})]")
            arrow = "-.->" if read.optional else "-->"
            lines.append(f"  {source} {arrow}|{read.table}| {_id(name)}")
    return "\n".join(lines)


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name)
