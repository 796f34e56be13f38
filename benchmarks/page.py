"""Runs the measurements and renders docs/benchmarks.md from their last results."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.results import VERDICTS, kept

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
# Each module has ``measure(data: Path) -> None``, which keeps its own section with benchmarks.results.keep.
MEASUREMENTS: tuple[str, ...] = (
    "sessionise",
    "row_rules",
    "agents",
    "fraud_handbook",
    "fraud_features",
    "fraud_scoring",
    "forecast_sets",
    "forecast_coverage",
    "forecast_regressors",
    "forecast_reconciled",
    "forecast_cold",
    "forecast_temporal",
    "forecast_speed",
    "forecast_m5",
    "demo",
)

_INTRODUCTION = """# Benchmarks

Figures of the last `make bench` (`DATA=folder` points to data that cannot be shipped; `ARGS="NAME ..."` runs some).
That command rewrites this page: change the code under `benchmarks/`, not the page. `make bench ARGS=--render` sets
up the environment for the commands below.

Protocol: everything compared runs in one command on one machine, interleaved A B A B, after a warm-up of each side, and
only after both sides were shown to give the same rows. Ratios are medians of paired runs with a bootstrap
90 % interval; CPU seconds cover the whole process tree (driver, JVM, Python workers). A goal is met only if
the whole interval is on the right side. Losses are printed too.

"The suite" is this repository's code; "a / b" is a's cost over b's, so below 1 a is cheaper. "printed" marks a figure
without a goal. Each section says how busy the machine was at the start.
"""


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    header, *body = rows
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return [*lines, *("| " + " | ".join(str(cell) for cell in row) + " |" for row in body)]


def _verdict(claim: Mapping[str, Any]) -> str:
    word = VERDICTS[claim["met"]]
    return f"**{word}**" if claim["met"] is False else word


def _section(result: Mapping[str, Any]) -> list[str]:
    others = dict(result["machine"])
    machine = ", ".join([f"{others.pop('cores')} cores", *(f"{name} {value}" for name, value in others.items())])
    lines = [f"## {result['title']}", "", f"Measured {result['measured_at'][:10]} on {machine}."]
    if result.get("command"):
        lines[-1] += f" Again: `{result['command']}`."
    lines.append("")
    if result["claims"]:
        rows = [(c["what"], c["goal"], c["measured"], _verdict(c)) for c in result["claims"]]
        lines += [*_table([("figure", "goal", "measured", ""), *rows]), ""]
    for caption, rows in result["tables"].items():
        lines += [f"**{caption}**", "", *_table(rows), ""]
    lines += [f"- {note}" for note in result["notes"]]
    return [*lines, ""]


def render(results: Sequence[Mapping[str, Any]]) -> str:
    """The page as Markdown."""
    lines = [_INTRODUCTION]
    for result in results:
        lines += _section(result)
    return "\n".join(lines).rstrip() + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m benchmarks [NAME ...]``; with ``--render`` the page is only rendered."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MEASUREMENTS], help="measurements to run (default: all)")
    parser.add_argument(
        "--data", type=Path, default=Path(os.environ.get("DATA", "data")), help="folder of benchmark data"
    )
    parser.add_argument("--render", action="store_true", help="only render the page from the last results")
    arguments = parser.parse_args(argv)
    if not arguments.render:
        for name in arguments.names or MEASUREMENTS:
            print(f"== {name}", flush=True)
            importlib.import_module(f"benchmarks.{name}").measure(arguments.data)
    PAGE.write_text(render(kept()), encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
