"""``make demo``: runs every job on the bundled samples, in the order of the graph, and names the reports to open."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import LakejobsError
from common.job.graph import Graph
from deploy.control.order import Order, shared_flags, steps_of
from deploy.control.run import SAMPLES, run_sequence
from deploy.package.build import REPOSITORY


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.laptop.demo [SELECTOR ...] [--lake FOLDER]``; the exit code."""
    parser = argparse.ArgumentParser(prog="deploy.laptop.demo", description=__doc__)
    parser.add_argument("selectors", nargs="*", default=["*"], help="what to run, as `lakejobs run` takes it: all jobs")
    parser.add_argument("--lake", type=Path, default=REPOSITORY / "lake", help="where the lake of the demo is made")
    options = parser.parse_args(argv)
    shared = ["--env", "local", "--lake", str(options.lake)]
    try:
        graph = Graph.of_suite()
        order = Order(options.selectors or ["*"], shared, rehearsal=True)
        steps, _ = steps_of(order, graph, samples=str(SAMPLES))
        code = run_sequence(steps, graph, shared_flags(shared))
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if code == 0:
        print(f"\nOpen {options.lake / 'reports' / 'index.html'} in a browser.")
    return code


if __name__ == "__main__":
    sys.exit(main())
