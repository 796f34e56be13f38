"""Finds the job entry files by reading them, without importing them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import UsageError
from common.job.catalogue import load_job, runs_a_job
from common.words import did_you_mean

if TYPE_CHECKING:
    from common.job.declaration import Job

JOBS_FOLDER = Path(__file__).resolve().parents[2] / "jobs"


@dataclass(frozen=True)
class Entry:
    """One job entry file: ``name`` is ``<family>.<job>``, ``module`` its dotted module, ``path`` the file."""

    name: str
    module: str
    path: Path
    summary: str

    @property
    def relative_path(self) -> str:
        """Where the file is below the folder that holds ``jobs``, with forward slashes."""
        return self.module.replace(".", "/") + ".py"

    def load(self) -> Job:
        """The job that the entry file declares."""
        family, _, verb = self.name.partition(".")
        return load_job(family, verb)


def _summary(source: str) -> str:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Job":
            for keyword in node.keywords:
                if keyword.arg == "summary" and isinstance(keyword.value, ast.Constant):
                    return str(keyword.value.value)
    return ""


def find_entries(jobs_folder: Path = JOBS_FOLDER) -> list[Entry]:
    """All entries below ``jobs_folder``, sorted by name, which is ``<family>.<file stem>``."""
    entries = []
    for path in sorted(jobs_folder.glob("*/*.py")):
        source = path.read_text(encoding="utf-8")
        if runs_a_job(source):
            name = f"{path.parent.name}.{path.stem}"
            entries.append(Entry(name, f"jobs.{name}", path, _summary(source)))
    return entries


def entry_of(name: str, jobs_folder: Path = JOBS_FOLDER) -> Entry:
    """The entry of that name. Raises UsageError PKG-001 for a name that no entry file bears."""
    entries = {entry.name: entry for entry in find_entries(jobs_folder)}
    if name in entries:
        return entries[name]
    raise UsageError(
        "PKG-001",
        f"There is no job '{name}'.{did_you_mean(name, entries)}",
        remedy=f"Known jobs: {', '.join(entries) or 'none yet'}.",
    )
