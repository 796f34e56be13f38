"""``python -m benchmarks.demo``: what ``make demo`` costs by phase, when everything is downloaded already."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import load_note
from benchmarks.results import Claim, Section, command_of, conclude

_GOAL_S = 600


def measure(data: Path) -> None:
    """Run the whole demo and keep the section; ``data`` is not needed, the samples are bundled."""
    _ = data
    main(["--keep"])


def run(families: Sequence[str], runs: int) -> Section:
    """The demo ``runs`` times, each on an empty lake; the last one is told."""
    note = load_note()
    for number in range(runs):
        print(f"-- run {number + 1} of {runs}", flush=True)
        told = _demo(families)
    total_s = told["wall_seconds"]
    table = [["phase", "from, s", "to, s", "seconds", "peak MB"]]
    for phase in told["phases"]:
        begun_s, wall_s = phase["started_s"], phase["wall_seconds"]
        row = [phase["job"], f"{begun_s:.1f}", f"{begun_s + wall_s:.1f}", f"{wall_s:.1f}"]
        table.append([*row, f"{phase['peak_memory_mb']:,}"])
    table.append(["in all", "0.0", f"{total_s:.1f}", f"{total_s:.1f}", f"{told['peak_memory_mb']:,}"])
    whole = not families
    return Section(
        "demo",
        "The demo",
        claims=[
            Claim(
                "`make demo` on two cores, second run, wall time",
                "≤ 10 min",
                f"{total_s / 60:.1f} min" if whole else f"{total_s / 60:.1f} min for {', '.join(families)} only",
                (os.cpu_count() or 1) <= 2 and total_s <= _GOAL_S if whole else None,
            )
        ],
        tables={"The phases in the order of their ends, each a process of its own, two at once": table},
        notes=[
            note,
            f"Run {runs} of {runs} is shown, on an empty lake; nothing is left to download and the files it reads are"
            " in the page cache. One run only: no interval.",
            "Peak MB is the largest sum of resident memory over the phase's process tree (driver, JVM, Python workers),"
            " polled four times a second; in the last line it is the largest of what all held at one moment.",
            "Two jobs share the two cores, so each takes longer than alone.",
        ],
        command=command_of("demo", runs=runs),
    )


def _demo(families: Sequence[str]) -> dict[str, Any]:
    """One run on a lake of its own, which is removed; what demo.json tells of it."""
    with tempfile.TemporaryDirectory(prefix="lakejobs-demo-") as folder:
        command = [sys.executable, "-m", "deploy.laptop.demo", "--lake", folder]
        command += ["--only", *families] if families else []
        if subprocess.run(command, check=False).returncode:
            raise SystemExit("the demo failed: no figures")
        told: dict[str, Any] = json.loads((Path(folder) / "demo.json").read_text(encoding="utf-8"))
    return told


def main(argv: list[str] | None = None) -> None:
    """Command line: the families to run, how often."""
    parser = argparse.ArgumentParser(prog="benchmarks.demo", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="FAMILY", help="these families alone: no verdict")
    parser.add_argument("--runs", type=int, default=2, help="how often; the last run is told")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    section = run(arguments.only, arguments.runs)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
