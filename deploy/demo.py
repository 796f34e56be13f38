"""``make demo``: runs the main jobs on the bundled samples, each as its own process, and names the reports."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
SAMPLES = REPOSITORY / "samples"


@dataclass(frozen=True)
class Phase:
    """One job run of the demo: the job's name and its arguments beside environment and lake."""

    job: str
    arguments: tuple[str, ...]

    @property
    def entry_file(self) -> Path:
        """The job's entry file in the checkout."""
        family, _, verb = self.job.partition(".")
        return REPOSITORY / "jobs" / family / f"{verb}.py"


@dataclass(frozen=True)
class PhaseResult:
    """What one phase cost: wall seconds and the peak memory of its process tree (driver, JVM, Python workers) in MB."""

    job: str
    exit_code: int
    wall_seconds: float
    peak_memory_mb: int


# Stands for the lake's folder in the arguments of a phase.
LAKE = "{lake}"
WEB_DAYS = ("--from", "2015-05-17", "--to", "2015-05-20")

PHASES = (
    Phase(
        "clickstream.ingest",
        (
            *("--source", "apache_combined", "--input", str(SAMPLES / "clickstream"), *WEB_DAYS),
            *("--set", "site_hosts=[semicomplete.com, www.semicomplete.com]"),
        ),
    ),
    Phase("clickstream.sessionise", WEB_DAYS),
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
        "forecast.ingest",
        ("--source", "online_retail_uci", "--input", str(SAMPLES / "forecast" / "online_retail_uci")),
    ),
    Phase("forecast.history", ("--from", "2010-12-01", "--to", "2011-12-09", "--set", "max_series=150")),
    Phase("forecast.backtest", ("--day", "2011-12-09")),
    Phase("forecast.predict", ("--day", "2011-12-09")),
    Phase(
        "forecast.replenish",
        ("--day", "2011-12-09", "--set", "lead_time_periods=2", "--set", "service_level=0.95"),
    ),
)


def _tree_memory_bytes(process: psutil.Process) -> int:
    total = 0
    for member in [process, *process.children(recursive=True)]:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def run_phase(phase: Phase, lake: Path) -> PhaseResult:
    """Runs one phase to its end; its talk goes to this process's own terminal."""
    arguments = [argument.replace(LAKE, str(lake)) for argument in phase.arguments]
    command = [sys.executable, str(phase.entry_file), "--env", "local", "--lake", str(lake), *arguments]
    started = time.monotonic()
    running = subprocess.Popen(command)
    peak_bytes = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak_bytes
        watched = psutil.Process(running.pid)
        while not done.wait(0.25):
            try:
                peak_bytes = max(peak_bytes, _tree_memory_bytes(watched))
            except psutil.NoSuchProcess:
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    exit_code = running.wait()
    done.set()
    watcher.join()
    return PhaseResult(phase.job, exit_code, round(time.monotonic() - started, 1), peak_bytes // 2**20)


def _summary(results: Sequence[PhaseResult]) -> str:
    width = max(len(result.job) for result in results)
    lines = [f"  {'phase'.ljust(width)}  seconds  peak MB"]
    lines += [
        f"  {result.job.ljust(width)}  {result.wall_seconds:7.1f}  {result.peak_memory_mb:7d}" for result in results
    ]
    lines.append(f"  {'in all'.ljust(width)}  {sum(result.wall_seconds for result in results):7.1f}")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.demo [--lake FOLDER] [--only FAMILY ...]``."""
    parser = argparse.ArgumentParser(prog="deploy.demo", description=__doc__)
    parser.add_argument("--lake", type=Path, default=REPOSITORY / "lake", help="where the demo's lake is made")
    parser.add_argument("--only", nargs="*", metavar="FAMILY", help="run these families alone")
    arguments = parser.parse_args(argv)
    phases = [phase for phase in PHASES if not arguments.only or phase.job.partition(".")[0] in arguments.only]
    results: list[PhaseResult] = []
    for phase in phases:
        print(f"\n==> {phase.job} {' '.join(phase.arguments)}", flush=True)
        results.append(run_phase(phase, arguments.lake))
        if results[-1].exit_code != 0:
            print(f"\ndemo: {phase.job} left with exit code {results[-1].exit_code}", file=sys.stderr)
            return results[-1].exit_code
    costs = [asdict(result) for result in results]
    (arguments.lake / "demo.json").write_text(json.dumps(costs, indent=2) + "\n", encoding="utf-8")
    print(f"\n{_summary(results)}\n\nOpen {arguments.lake / 'reports' / 'index.html'} in a browser.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
