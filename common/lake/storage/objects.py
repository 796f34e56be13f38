"""Small objects next to the tables (leases, records, reports, logs): what every store of them can do."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol


@dataclass(frozen=True)
class Entry:
    """One object of a listing: ``path`` relative to the store's root, ``size`` in bytes, ``modified`` in UTC."""

    path: str
    size: int
    modified: datetime
    etag: str


@dataclass(frozen=True)
class StoredObject:
    """An object as read: its bytes, its etag, and ``age_seconds`` since its last write by the store's own clock."""

    body: bytes
    etag: str
    age_seconds: float


class ObjectStore(Protocol):
    """Objects under one root. Paths are relative to it, with ``/`` between their parts.

    ``commits_exclude`` is true where Delta itself makes each log entry at most once (by an atomic rename); where it is
    false, two drivers can overwrite each other's commits, and only the lease keeps them apart.
    """

    root: str
    commits_exclude: bool

    def get(self, path: str) -> StoredObject | None:
        """The object, or None when there is none."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of an object. Raises FileNotFoundError."""
        ...

    def write(self, path: str, body: bytes) -> str:
        """Write or replace an object in one step and return its etag."""
        ...

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        """Create an object; its etag, or None when another caller has created it. One of several callers wins."""
        ...

    def upload_if_absent(self, path: str, file: Path) -> bool:
        """Create an object from a file of any size, without holding it in memory; False when there is one already."""
        ...

    def fingerprint(self, path: str) -> tuple[int, str] | None:
        """Size in bytes and hexadecimal SHA-256 of an object as it is stored, or None when there is none."""
        ...

    def write_if_match(self, path: str, body: bytes, etag: str) -> str | None:
        """Replace an object that still has this etag; the new etag, or None when it was changed or deleted."""
        ...

    def delete(self, path: str) -> None:
        """Delete an object; nothing when there is none."""
        ...

    def delete_folder(self, path: str) -> None:
        """Delete everything below a folder; nothing when there is none."""
        ...

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        """The objects whose path starts with ``prefix`` and sorts behind ``after``, in the order of their paths."""
        ...

    def children(self, prefix: str) -> builtins.list[str]:
        """The names of the folders directly below ``prefix`` (which ends with ``/`` or is empty), in order."""
        ...

    def open(self, path: str, *, offset: int = 0) -> BinaryIO:
        """A stream over the bytes of an object from ``offset``. Raises FileNotFoundError."""
        ...
