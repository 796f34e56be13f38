"""``lakejobs run`` for one job or several in the order of the graph, and ``lakejobs retry`` for what was left."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.errors import InputMissingError
from common.job.catalogue import load_job
from common.job.graph import Graph
from common.run.context import Services
from common.run.flags import parse_flags
from common.run.launch import run_job
from common.run.settings import settings_of
from deploy.control.order import DAYS, INGEST, VALUES, Flags, parse_order, shared_flags, steps_of
from deploy.control.sequence import Outcome, Step, Watch, run_steps, say, summary
from deploy.package.build import REPOSITORY
from deploy.package.entries import entry_of

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore
    from deploy.control.sequence import Outcomes

SAMPLES = REPOSITORY / "samples"
# What the last sequence of a lake has left, below its root.
_LEFT = "runs/_sequences/left.json"


class Talk(Watch):
    """Says which run begins, with its arguments; each run prints its own closing table."""

    def started(self, step: Step, number: int, of: int) -> None:
        """See Watch."""
        say(f"\n[{number} of {of}] {step.job} {shlex.join(step.arguments)}")

    def ended(self, outcome: Outcome) -> None:
        """See Watch."""


def run(arguments: Sequence[str], services: Services | None = None) -> int:
    """``lakejobs run SELECTOR... [flags]``; the exit code is that of the first run that failed.

    Raises UsageError PKG-001, PKG-010, CLI-003 to CLI-005.
    """
    order = parse_order(arguments)
    if order.is_single:
        return run_job(entry_of(order.selectors[0]).load(), order.shared, services=services)
    graph = Graph.of_suite()
    steps, left_out = steps_of(order, graph, samples=str(SAMPLES))
    for name, why in left_out.items():
        say(f"{name} does not run: {why}.")
    return run_sequence(steps, graph, shared_flags(order.shared), services)


def retry(arguments: Sequence[str], services: Services | None = None) -> int:
    """``lakejobs retry --lake ROOT``: run what the last sequence left.

    Raises InputMissingError PKG-014 when it has left nothing, UsageError PKG-010.
    """
    flags = shared_flags(arguments)
    stored = objects_of(flags, services).get(_LEFT)
    left = json.loads(stored.body) if stored is not None else []
    if not left:
        raise InputMissingError(
            "PKG-014", "There is nothing to retry in this lake.", remedy="Start a sequence with `lakejobs run`."
        )
    steps = [Step(one["job"], tuple(one["arguments"]), one["day"]) for one in left]
    return run_sequence(steps, Graph.of_suite(), flags, services)


def run_sequence(
    steps: Sequence[Step], graph: Graph, flags: Flags, services: Services | None = None, watch: Watch | None = None
) -> int:
    """Run steps, print what became of each, and keep what is left for ``lakejobs retry``; the exit code."""
    as_json = dict(flags).get("--output") == "json"
    found = run_steps(steps, graph, services=services, as_json=as_json, watch=watch or Talk())
    if as_json:
        print(json.dumps([record for one in found.all for record in one.records], indent=2))
    is_plan = ("--plan", "") in flags
    if not is_plan:
        _keep(found, objects_of(flags, services))
    say(f"\n{summary(found)}")
    if found.left and not is_plan:
        words = ["lakejobs", "retry", *(word for pair in flags if pair[0] in ("--env", "--lake") for word in pair)]
        say(f"\n{len(found.left)} of {len(found.all)} runs are left. To go on: {shlex.join(words)}")
    return found.exit_code


def _keep(found: Outcomes, objects: ObjectStore) -> None:
    left = [{"job": step.job, "arguments": list(step.arguments), "day": step.day} for step in found.left]
    if left:
        objects.write(_LEFT, json.dumps(left, indent=1).encode())
    else:
        objects.delete(_LEFT)


def objects_of(flags: Flags, services: Services | None = None) -> ObjectStore:
    """The objects of the lake that shared flags name, as any job would resolve them."""
    known = services or Services()
    job = load_job("maintenance", "maintain")
    kept = [pair for pair in flags if pair[0] in VALUES and pair[0] not in (*DAYS, *INGEST, "--output")]
    resolved = settings_of(job, parse_flags(job, [word for pair in kept for word in pair]), known)
    return known.objects(resolved.lake.root, resolved.lake)
