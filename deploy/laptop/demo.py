"""``make demo``: runs the main jobs on the bundled samples, each as its own process, and names the reports."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.status import Status

from deploy.laptop.phases import Phase, PhaseFailedError, PhaseResult, Results, Watch, run_phases

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = REPOSITORY / "samples"

# Stands for the lake's folder in the arguments of a phase.
LAKE = "{lake}"
WEB_DAYS = ("--from", "2015-05-17", "--to", "2015-05-20")

# The earlier of those that are ready runs first: the longest chain leads.
PHASES = (
    Phase(
        "forecast.ingest",
        ("--source", "online_retail_uci", "--input", str(SAMPLES / "forecast" / "online_retail_uci")),
    ),
    Phase(
        "forecast.history",
        ("--from", "2010-12-01", "--to", "2011-12-09", "--set", "max_series=150"),
        # It leaves confirmed frauds out of demand, so whether their table is there must not depend on the machine.
        after=("fraud.ingest_labels",),
    ),
    Phase("forecast.backtest", ("--day", "2011-12-09")),
    Phase("forecast.predict", ("--day", "2011-12-09")),
    Phase(
        "forecast.replenish",
        ("--day", "2011-12-09", "--set", "lead_time_periods=2", "--set", "service_level=0.95"),
    ),
    Phase(
        "fraud.simulate",
        (
            *("--from", "2018-04-01", "--to", "2018-07-14"),
            *("--set", "customers=500", "--set", "terminals=1000", "--set", "radius=15"),
            *("--set", "customers_a_day=0.3", "--set", "terminals_a_day=0.2"),
        ),
    ),
    Phase("fraud.ingest", ("--source", "fraud_simulated", "--input", f"{LAKE}/landing/fraud/transactions")),
    Phase("fraud.ingest_labels", ("--source", "fraud_simulated_labels", "--input", f"{LAKE}/landing/fraud/labels")),
    Phase("fraud.features", ("--from", "2018-06-10", "--to", "2018-07-14")),
    Phase("fraud.train", ("--from", "2018-06-10", "--to", "2018-06-30")),
    Phase("fraud.evaluate", ("--from", "2018-07-08", "--to", "2018-07-14", "--set", "top_k=10")),
    Phase("fraud.score", ("--day", "2018-07-14", "--set", "alerts_per_day=10")),
    Phase(
        "clickstream.ingest",
        (
            *("--source", "apache_combined", "--input", str(SAMPLES / "clickstream"), *WEB_DAYS),
            *("--set", "site_hosts=[semicomplete.com, www.semicomplete.com]"),
        ),
    ),
    Phase("clickstream.sessionise", WEB_DAYS),
)


class _Terminal(Watch):
    """A line for each start, the closing table of each end, and below them what is running."""

    def __init__(self, console: Console, status: Status, lake: Path) -> None:
        self._console = console
        self._status = status
        self._lake = lake

    def started(self, phase: Phase, at_s: float) -> None:
        """Say what begins, with its arguments."""
        self._say(f"\n[{_clock(at_s)}] {phase.job} begins: {' '.join(_arguments_of(phase, self._lake))}")

    def ended(self, result: PhaseResult, said: str) -> None:
        """Show the job's own closing table."""
        at_s = result.started_s + result.wall_seconds
        self._say(f"\n[{_clock(at_s)}] {said.rstrip()}")

    def running(self, jobs: Sequence[str], at_s: float) -> None:
        """Keep the line at the bottom of a terminal alive; elsewhere nothing is shown."""
        self._status.update(f"{_clock(at_s)} running: {', '.join(jobs)}")

    def _say(self, text: str) -> None:
        # As it is: a path broken at the width of the terminal cannot be copied.
        self._console.print(text, markup=False, highlight=False, emoji=False, soft_wrap=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60:2d}:{int(seconds) % 60:02d}"


def _summary(results: Results) -> str:
    width = max(len(result.job) for result in results.phases)
    lines = [f"  {'phase'.ljust(width)}   from   to  seconds  peak MB"]
    lines += [
        f"  {result.job.ljust(width)}  {_clock(result.started_s)}  {_clock(result.started_s + result.wall_seconds)}"
        f"  {result.wall_seconds:7.1f}  {result.peak_memory_mb:7d}"
        for result in results.phases
    ]
    lines.append(f"  {'in all'.ljust(width)}               {results.wall_seconds:7.1f}  {results.peak_memory_mb:7d}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.laptop.demo [--lake FOLDER] [--only FAMILY ...] [--at-once NUMBER]``."""
    parser = argparse.ArgumentParser(prog="deploy.laptop.demo", description=__doc__)
    parser.add_argument("--lake", type=Path, default=REPOSITORY / "lake", help="where the demo's lake is made")
    parser.add_argument("--only", nargs="*", metavar="FAMILY", help="run these families alone")
    parser.add_argument("--at-once", type=int, default=2, metavar="NUMBER", help="jobs side by side, 2 unless told")
    arguments = parser.parse_args(argv)
    phases = [phase for phase in PHASES if not arguments.only or phase.family in arguments.only]
    if not phases or arguments.at_once < 1:
        parser.error("nothing to run")
    logs = arguments.lake / "demo"
    print(f"{len(phases)} jobs, at most {arguments.at_once} at once; their logs go to {logs}.")
    try:
        console = Console()
        with console.status("starting") as status:
            results = run_phases(
                phases,
                partial(_command, lake=arguments.lake),
                logs=logs,
                at_once=arguments.at_once,
                watch=_Terminal(console, status, arguments.lake),
            )
    except PhaseFailedError as failed:
        print(f"\ndemo: {failed}; its log ends with\n{failed.last_words}", file=sys.stderr)
        return failed.result.exit_code
    except KeyboardInterrupt:
        print("\ndemo: stopped", file=sys.stderr)
        return 130
    (arguments.lake / "demo.json").write_text(json.dumps(asdict(results), indent=2) + "\n", encoding="utf-8")
    print(f"\n{_summary(results)}\n\nOpen {arguments.lake / 'reports' / 'index.html'} in a browser.")
    return 0


def _command(phase: Phase, lake: Path) -> list[str]:
    family, _, verb = phase.job.partition(".")
    entry_file = REPOSITORY / "jobs" / family / f"{verb}.py"
    return [sys.executable, str(entry_file), "--env", "local", "--lake", str(lake), *_arguments_of(phase, lake)]


def _arguments_of(phase: Phase, lake: Path) -> list[str]:
    """The phase's arguments, with the lake's folder where they speak of it."""
    return [argument.replace(LAKE, str(lake)) for argument in phase.arguments]


if __name__ == "__main__":
    sys.exit(main())
