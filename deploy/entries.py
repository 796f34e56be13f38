"""Finds the job entry files by reading them, without importing them: the modules of jobs/<family>/ that define JOB."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from pathlib import Path

from common.errors import UsageError

JOBS_FOLDER = Path(__file__).resolve().parent.parent / "jobs"


@dataclass(frozen=True)
class Entry:
    """One job entry file: ``name`` is ``<family>.<job>``, ``module`` its dotted module, ``path`` the file."""

    name: str
    module: str
    path: Path
    summary: str

    @property
    def relative_path(self) -> str:
        """Where the file lies below the folder that holds ``jobs``, with forward slashes."""
        return self.module.replace(".", "/") + ".py"


def _declared_job(tree: ast.Module) -> ast.expr | None:
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == "JOB" for target in targets):
            return value
    return None


def _text_argument(call: ast.expr, name: str) -> str:
    if not isinstance(call, ast.Call):
        return ""
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, str):
            return keyword.value.value
    return ""


def find_entries(jobs_folder: Path = JOBS_FOLDER) -> list[Entry]:
    """All entries below ``jobs_folder``, sorted by name, which is ``<family>.<file stem>``."""
    entries = []
    for path in sorted(jobs_folder.glob("*/*.py")):
        source = path.read_text(encoding="utf-8")
        if "JOB" not in source:
            continue
        call = _declared_job(ast.parse(source, filename=str(path)))
        if call is None:
            continue
        name = f"{path.parent.name}.{path.stem}"
        entries.append(Entry(name, f"jobs.{name}", path, _text_argument(call, "summary")))
    return entries


def entry_of(name: str, jobs_folder: Path = JOBS_FOLDER) -> Entry:
    """The entry of that name. Raises UsageError PKG-001 for a name that no entry file bears."""
    entries = {entry.name: entry for entry in find_entries(jobs_folder)}
    if name in entries:
        return entries[name]
    near = difflib.get_close_matches(name, entries, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise UsageError(
        "PKG-001", f"There is no job '{name}'.{hint}", remedy=f"Known jobs: {', '.join(entries) or 'none yet'}."
    )
