"""What a write did."""

from __future__ import annotations

from dataclasses import dataclass

from common.lake.delta.commits import Commit


@dataclass(frozen=True)
class WriteResult:
    """One write: versions before and after, and row counts as the commit's own metrics give them.

    ``rows_written`` are rows that are new in the table; an upsert counts those that it changed in ``rows_updated``.
    ``bytes_written`` is the size of the data files that the commit added.
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
    bytes_written: int = 0


def write_result(
    table: str, first: int | None, before: int, commit: Commit | None, skipped: bool, seconds: float
) -> WriteResult:
    """The result of a write that made ``commit``; without one nothing was to do and the version is ``before``."""
    if commit is None:
        return WriteResult(table, first, before, 0, 0, 0, skipped, seconds)
    merged = commit.info.get("operation") == "MERGE"
    return WriteResult(
        table,
        first,
        commit.version,
        rows_written=commit.metric("numTargetRowsInserted" if merged else "numOutputRows"),
        rows_updated=commit.metric("numTargetRowsUpdated") if merged else 0,
        rows_deleted=commit.metric("numTargetRowsDeleted", "numDeletedRows"),
        skipped=skipped,
        seconds=seconds,
        bytes_written=commit.metric("numTargetBytesAdded", "numOutputBytes", "numAddedBytes"),
    )
