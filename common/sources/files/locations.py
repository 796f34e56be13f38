"""Where raw files are: listing them, and opening them from tasks."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from common.errors import InputMissingError, UsageError
from common.lake.storage.objects import ObjectStore
from common.lake.storage.open import is_for_drivers_only, object_store

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_GLOB = re.compile(r"[*?\[]")
_S3 = re.compile(r"^s3[an]?://")


@dataclass(frozen=True)
class FoundFile:
    """One file of a listing: the store's ``root``, its ``path`` below it, size and time of last change."""

    root: str
    path: str
    bytes: int
    modified: datetime

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    def full_path(self, settings: LakeSettings) -> str:
        """The path as Spark reads it."""
        root = _S3.sub(f"{settings.s3_scheme}://", self.root)
        return f"{root.rstrip('/')}/{self.path}"


def find_files(location: str, settings: LakeSettings, ignored: Sequence[str] = ()) -> list[FoundFile]:
    """The files under a folder, prefix, single file or pattern (``*``, ``?``, ``[]``), in the order of their paths.

    What is there under the very name is no pattern.

    Names that begin with ``_`` or ``.`` are ignored, and so are files below such a folder, nor names that match a
    pattern of ``ignored``. Raises InputMissingError SRC-007 when there are none, UsageError LAK-001 for a scheme that
    cannot be read.
    """
    found = list(each_file(location, settings, ignored))
    if not found:
        raise InputMissingError(
            "SRC-007",
            f"There is no input file at {location}.",
            cause="The location is empty, or has only hidden files and names in ignore_files.",
            remedy="Check --input, and check that the writer of the files has finished.",
        )
    return found


def each_file(location: str, settings: LakeSettings, ignored: Sequence[str] = ()) -> Iterator[FoundFile]:
    """The files of ``find_files``, listed as they are asked for: none is no error, and the first few cost little."""
    for file in _inputs(location, settings):
        if not any(fnmatch.fnmatchcase(file.name, pattern) for pattern in ignored):
            yield file


def _inputs(location: str, settings: LakeSettings) -> Iterator[FoundFile]:
    if is_for_drivers_only(location):
        raise UsageError(
            "LAK-001",
            f"Input files cannot be read from {location}.",
            cause="They are opened by the tasks, which have no client of HDFS.",
            remedy="Give s3://bucket/prefix, or a folder that every node sees.",
        )
    # A file or folder may itself be named like a pattern.
    is_literal = False
    for file in _literal(location, settings):
        is_literal = True
        yield file
    if not is_literal and _GLOB.search(location):
        root, pattern = _root_of(location)
        yield from _listed(root, pattern, settings, prefix=_GLOB.split(pattern)[0])


def _literal(location: str, settings: LakeSettings) -> Iterator[FoundFile]:
    """The files below a folder or prefix, or the file of that very name."""
    files = _listed(location.rstrip("/") or "/", "", settings)
    first = next(files, None)
    if first is not None:
        yield first
        yield from files
        return
    parent, _, last = location.rstrip("/").rpartition("/")
    parent = parent or ("/" if location.startswith("/") else ".")
    yield from (file for file in _listed(parent, "", settings, prefix=last) if file.path == last)


class FileOpener:
    """Opens found files from inside a task; one client for each root, made when it is first needed."""

    def __init__(self, settings: LakeSettings) -> None:
        self._settings = settings
        self._stores: dict[str, ObjectStore] = {}

    def open(self, file: FoundFile, *, offset: int = 0) -> BinaryIO:
        """A stream over the stored bytes from ``offset``. Raises FileNotFoundError."""
        if file.root not in self._stores:
            self._stores[file.root] = object_store(file.root, self._settings)
        return self._stores[file.root].open(file.path, offset=offset)


def _root_of(location: str) -> tuple[str, str]:
    """The part of a location before its first pattern, and the pattern."""
    parts = location.split("/")
    first = next(position for position, part in enumerate(parts) if _GLOB.search(part))
    return "/".join(parts[:first]) or ("/" if location.startswith("/") else "."), "/".join(parts[first:])


def _listed(root: str, pattern: str, settings: LakeSettings, prefix: str = "") -> Iterator[FoundFile]:
    store = object_store(root, settings)
    try:
        for entry in store.list(prefix):
            hidden = any(part.startswith(("_", ".")) for part in entry.path.split("/"))
            if hidden or entry.path.endswith("/"):
                continue
            if not pattern or fnmatch.fnmatchcase(entry.path, pattern):
                yield FoundFile(store.root, entry.path, entry.size, entry.modified)
    except NotADirectoryError:
        return
