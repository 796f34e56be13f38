"""``python -m benchmarks.demo``: what ``make demo`` costs by job, once everything is downloaded."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import load_note
from benchmarks.results import Claim, Section, command_of, conclude

_GOAL_S = 300


def measure(data: Path) -> None:
    """Run the whole demo and keep the section; ``data`` is not needed, the samples are bundled."""
    _ = data
    main(["--keep"])


def run(runs: int) -> Section:
    """The demo ``runs`` times, each on an empty lake; the section shows the last one."""
    note = load_note()
    for number in range(runs):
        print(f"-- run {number + 1} of {runs}", flush=True)
        seconds, total_s = _demo()
    table = [["job", "seconds"], *([job, f"{job_s:.1f}"] for job, job_s in seconds.items())]
    table.append(["in all, with the start of Python", f"{total_s:.1f}"])
    return Section(
        "demo",
        "The demo",
        claims=[
            Claim(
                "`make demo` on two cores, second run, wall time",
                "≤ 5 min",
                f"{total_s / 60:.1f} min",
                total_s <= _GOAL_S if (os.cpu_count() or 1) <= 2 else None,
            )
        ],
        tables={"Every job in the order of the graph, in one Spark session": table},
        notes=[
            note,
            f"Run {runs} of {runs} is shown, on an empty lake; nothing is left to download and the files it reads are"
            " in the page cache. One run only: no interval.",
        ],
        command=command_of("demo", runs=runs),
    )


def _demo() -> tuple[dict[str, float], float]:
    """One run on its own temporary lake: the seconds of each job and in total."""
    with tempfile.TemporaryDirectory(prefix="lakejobs-demo-") as folder:
        times = Path(folder) / "times.json"
        command = [sys.executable, "-m", "deploy.laptop.demo", "--lake", f"{folder}/lake", "--times", str(times)]
        begun = time.monotonic()
        if subprocess.run(command, check=False).returncode:
            raise SystemExit("the demo failed: no figures")
        total_s = time.monotonic() - begun
        seconds: dict[str, float] = json.loads(times.read_text(encoding="utf-8"))
    return seconds, total_s


def main(argv: list[str] | None = None) -> None:
    """Command line: how often."""
    parser = argparse.ArgumentParser(prog="benchmarks.demo", description=__doc__)
    parser.add_argument("--runs", type=int, default=2, help="how often; the last run is shown")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    section = run(arguments.runs)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
