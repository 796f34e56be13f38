"""The last results of each measurement, kept as JSON beside the code that made them."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
# Whether a goal is met, in words; None: there is no goal.
VERDICTS = {True: "met", False: "not met", None: "printed"}


@dataclass(frozen=True)
class Claim:
    """One figure that was asked for: what, the goal in words, what was measured, and whether the goal is met.

    ``met`` is None for figures that are printed without a goal.
    """

    what: str
    goal: str
    measured: str
    met: bool | None = None


@dataclass(frozen=True)
class Section:
    """What one measurement leaves for the page.

    ``tables`` map a caption to rows, of which the first holds the column names. ``notes`` are the protocol and what was
    tried.
    """

    name: str
    title: str
    claims: Sequence[Claim] = ()
    tables: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    command: str = ""


def machine() -> dict[str, str]:
    """Cores, memory and versions of the measuring machine; nothing that identifies it."""
    from importlib.metadata import version

    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{memory_gib:.0f} GiB",
        "python": platform.python_version(),
        **{name: version(name) for name in ("pyspark", "delta-spark")},
    }


def keep(section: Section) -> Path:
    """Write a section's results; the page is rendered from these files."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{section.name}.json"
    result: dict[str, Any] = {
        **asdict(section),
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - a benchmark is an edge
        "machine": machine(),
    }
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def command_of(module: str, **sizes: object) -> str:
    """The command line that repeats the measurement at the same sizes."""
    flags = [f"--{name.replace('_', '-')} {value}" for name, value in sizes.items()]
    return " ".join([f".venv-bench/bin/python -m benchmarks.{module} --keep", *flags])


def conclude(section: Section, *, keep_it: bool) -> None:
    """Print a section's claims and tables; with ``keep_it`` leave it for the page as well."""
    for claim in section.claims:
        print(f"{claim.what}: goal {claim.goal}, measured {claim.measured}: {VERDICTS[claim.met]}")
    for caption, rows in section.tables.items():
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        print(f"\n{caption}")
        for first, *others in rows:
            numbers = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
            print("  ".join([first.ljust(widths[0]), *numbers]))
    if keep_it:
        keep(section)


def kept() -> list[dict[str, Any]]:
    """All kept results, in the order of their file names."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS.glob("*.json"))]
