"""``make demo``: runs every job on the bundled samples, in the order of the graph, and names the reports to open."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import LakejobsError
from common.job.graph import Graph
from deploy.control.order import Order, shared_flags, steps_of
from deploy.control.run import SAMPLES, Talk, run_sequence
from deploy.control.sequence import Outcome
from deploy.package.build import REPOSITORY


class _Times(Talk):
    """Keeps the seconds of each job."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def ended(self, outcome: Outcome) -> None:
        """See Watch."""
        self.seconds[outcome.step.job] = outcome.seconds


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.laptop.demo [SELECTOR ...] [--lake FOLDER]``; the exit code."""
    parser = argparse.ArgumentParser(prog="deploy.laptop.demo", description=__doc__)
    parser.add_argument("selectors", nargs="*", default=["*"], help="what to run, as `lakejobs run` takes it: all jobs")
    parser.add_argument("--lake", type=Path, default=REPOSITORY / "lake", help="where the lake of the demo is made")
    parser.add_argument("--times", type=Path, help="write the seconds of each job to this file, as JSON")
    options = parser.parse_args(argv)
    shared = ["--env", "local", "--lake", str(options.lake)]
    try:
        graph = Graph.of_suite()
        order = Order(options.selectors or ["*"], shared, rehearsal=True)
        steps, _ = steps_of(order, graph, samples=str(SAMPLES))
        times = _Times()
        code = run_sequence(steps, graph, shared_flags(shared), watch=times)
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.times:
        options.times.write_text(json.dumps(times.seconds, indent=1) + "\n", encoding="utf-8")
    if code == 0:
        print(f"\nOpen {options.lake / 'reports' / 'index.html'} in a browser.")
    return code


if __name__ == "__main__":
    sys.exit(main())
