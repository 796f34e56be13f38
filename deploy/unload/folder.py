"""The folder that an unload fills: a half run is seen by its note, and a rerun replaces it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.errors import UsageError

NOTE = "_unload.json"
_OURS = re.compile(
    r"_unload\.json(\.new)?|manifest\.json|load\.sql|import-table\.json|(data/part-\d{5}\.parquet)|"
    r"(items/part-\d{5}\.json\.gz)"
)


class Folder:
    """A folder of one unload of one table. ``state`` in its note is ``writing`` until all is written, then ``done``."""

    def __init__(self, path: Path, table: str, to: str) -> None:
        self.path = path
        self._identity = {"table": table, "to": to}

    def begin(self) -> None:
        """Make the folder ready, without what an earlier unload has left there.

        Raises UsageError UNL-002 when something else is in it, an unload of another table among that.
        """
        if self.path.exists() and not self.path.is_dir():
            raise self._refused(f"{self.path} is a file.")
        found = sorted(self.path.rglob("*")) if self.path.exists() else []
        files = [one for one in found if not one.is_dir() or one.is_symlink()]
        strangers = [one for one in files if not _OURS.fullmatch(one.relative_to(self.path).as_posix())]
        if strangers:
            raise self._refused(f"It holds {len(strangers)} other files, {strangers[0].name} among them.")
        if files:
            self._check_note()
        self.path.mkdir(parents=True, exist_ok=True)
        # The note first, so that a run which ends here is seen for what it is.
        self._note({"state": "writing"})
        for one in files:
            if one.name != NOTE:
                one.unlink()

    def end(self, facts: Mapping[str, Any]) -> None:
        """Say that all is written, with what was."""
        self._note({"state": "done", **facts})

    def file(self, name: str) -> Path:
        """The path of a file of the folder, its own folder made."""
        path = self.path / name
        path.parent.mkdir(exist_ok=True)
        return path

    def _note(self, facts: Mapping[str, Any]) -> None:
        beside = self.path / f"{NOTE}.new"
        beside.write_text(json.dumps({**self._identity, **facts}, indent=2) + "\n", encoding="utf-8")
        beside.replace(self.path / NOTE)

    def _check_note(self) -> None:
        try:
            note = json.loads((self.path / NOTE).read_text(encoding="utf-8"))
            known = {name: note[name] for name in self._identity}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._refused(f"It has no {NOTE} that says of what it is an unload.") from error
        if known != self._identity:
            raise self._refused("It holds an unload of another table, or for another place.")

    def _refused(self, cause: str) -> UsageError:
        return UsageError(
            "UNL-002",
            f"{self.path} is not a folder for this unload.",
            cause=cause,
            remedy="Give an --output folder that is empty or not there, or the one of the same unload.",
        )
