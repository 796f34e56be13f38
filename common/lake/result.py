"""What a write did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WriteResult:
    """One write: versions before and after, and row counts as Delta's own commit metrics give them.

    ``skipped`` is true when the same batch was committed before; the versions are then equal and all counts zero.
    """

    table: str
    version_before: int | None
    version_after: int
    rows_written: int
    rows_updated: int
    rows_deleted: int
    skipped: bool
    seconds: float
