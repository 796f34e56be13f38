"""Old days: which rows of which tables are older than their retention, and their deletion.

A table's retention comes from its declaration when a job of the suite declares it, else from its stored properties.
Bronze rows that a run has begun to ingest and not finished, or that wait for their day, are kept however old they are:
they exist nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from common.lake.delta.log_files import PartitionFiles, StoredMetadata, stored_metadata

if TYPE_CHECKING:
    from common.lake.table import Table
    from common.run.context import RunContext

_DAYS, _COLUMN = "lakejobs.retentionDays", "lakejobs.retentionColumn"
# Tables that were made before the property was: every quarantine has this column.
_QUARANTINED_AT = "quarantined_at"
_BATCH = "_batch_id"


@dataclass(frozen=True)
class Retention:
    """How long one table keeps its rows: those whose ``column`` is before the day ``first_kept`` are deleted."""

    column: str
    is_day: bool
    first_kept: date
    has_batches: bool

    def condition(self, open_batches: Sequence[str] = ()) -> str:
        """SQL that holds for the rows to delete."""
        moment = f"DATE'{self.first_kept}'" if self.is_day else f"TIMESTAMP'{self.first_kept} 00:00:00Z'"
        old = f"`{self.column}` < {moment}"
        if not open_batches:
            return old
        kept = ", ".join(f"'{batch}'" for batch in open_batches)
        return f"{old} AND `{_BATCH}` NOT IN ({kept})"

    def old_days(self, partitions: Sequence[PartitionFiles]) -> int | None:
        """How many days of a partitioned table are too old; None where only reading the rows can show it."""
        if not self.is_day:
            return None
        days = [one.partition.rpartition("=")[2] for one in partitions]
        # ISO days sort as text; a null day stays.
        return sum(1 for day in days if day[:4].isdigit() and day < str(self.first_kept))


def retention_of(
    stored: StoredMetadata, path: str, layers: Sequence[str], now: datetime, declared: Table | None = None
) -> Retention | None:
    """The retention of the table at ``path``; None when its layer keeps everything or it says nothing about days."""
    if path.partition("/")[0] not in layers:
        return None
    days = str(declared.retention_days) if declared else stored.properties.get(_DAYS, "")
    column = declared.retention_column or declared.day_column if declared else stored.properties.get(_COLUMN)
    if column is None and len(stored.partition_columns) == 1:
        column = stored.partition_columns[0]
    if column is None and path.startswith("quarantine/"):
        column = _QUARANTINED_AT
    if column is None or column not in stored.columns or not days.isdigit():
        return None
    first_kept = now.astimezone(UTC).date() - timedelta(days=int(days))
    return Retention(column, column in stored.partition_columns, first_kept, _BATCH in stored.columns)


def declared_tables() -> Mapping[str, Table]:
    """Name -> declaration of every table that a job of the suite writes."""
    from common.job.catalogue import families, job_names, load_job
    from common.job.references import attribute

    jobs = [load_job(family, name) for family in families() for name in job_names(family)]
    tables = [attribute(reference) for job in jobs for reference in job.writes]
    return {table.name: table for table in tables}


def delete_old_days(context: RunContext, table: Table, declared: Table | None, layers: Sequence[str]) -> int:
    """Delete the rows of ``table`` that are past retention and return their number."""
    from common.intake.unfinished import open_batches
    from common.lake.delta.maintain import delete_where

    found = stored_metadata(context.objects, table.relative_path)
    retention = retention_of(found, table.relative_path, layers, context.started_at, declared)
    if retention is None:
        return 0
    unfinished = open_batches(context.lake, table.family) if retention.has_batches and table.layer == "bronze" else []
    return delete_where(context.lake, table, retention.condition(unfinished))
