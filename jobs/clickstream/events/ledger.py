"""The ledger of file contents: which are new, which a crashed run left half done, which wait for their days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.days import DayRange
from common.intake.batches import digest_of
from common.spark.few_rows import few_rows
from jobs.clickstream.events.tables import EVENT_FILES

if TYPE_CHECKING:
    from common.lake.lake import Lake
    from common.sources.files.inventory import InspectedFile

PENDING, WAITING, DONE = "pending", "waiting", "done"


@dataclass(frozen=True)
class LedgerFile:
    """One row of EVENT_FILES: a file content and its status."""

    file_sha256: str
    path: str
    bytes: int
    status: str
    batch_id: str
    bronze_batch_id: str
    source: str
    first_day: date
    last_day: date
    due_day: date | None
    ingested_at: datetime


@dataclass(frozen=True)
class Batch:
    """File contents that are promoted together: one batch id, the days of the run that owns it, and when it began."""

    batch_id: str
    files: tuple[LedgerFile, ...]

    @property
    def days(self) -> DayRange:
        """The days of the run that began the batch."""
        return DayRange(self.files[0].first_day, self.files[0].last_day)

    @property
    def ingested_at(self) -> datetime:
        """When that run began."""
        return self.files[0].ingested_at

    @property
    def sha256s(self) -> list[str]:
        """Its file contents."""
        return [file.file_sha256 for file in self.files]

    @property
    def bronze_batch_ids(self) -> list[str]:
        """Where to find its rows in bronze."""
        return sorted({file.bronze_batch_id for file in self.files})


class Ledger:
    """The ledger table, as a run reads and writes it. The driver holds the run's own files and what is not done."""

    def __init__(self, lake: Lake, *, run_id: str, started_at: datetime) -> None:
        self._lake = lake
        self._run_id = run_id
        self._started_at = started_at

    def open_files(self) -> list[LedgerFile]:
        """The files that are pending or waiting."""
        if not self._lake.exists(EVENT_FILES):
            return []
        rows = self._lake.read(EVENT_FILES).where(F.col("status") != DONE)
        return [_file(row.asDict()) for row in rows.orderBy("file_sha256").collect()]

    def finished(self, days: DayRange) -> list[Batch]:
        """Finished batches whose runs owned any of ``days``, oldest first."""
        if not self._lake.exists(EVENT_FILES):
            return []
        overlapping = (F.col("last_day") >= days.first) & (F.col("first_day") <= days.last)
        rows = self._lake.read(EVENT_FILES).where((F.col("status") == DONE) & overlapping)
        return _batches([_file(row.asDict()) for row in rows.orderBy("file_sha256").collect()])

    def known(self, sha256s: Sequence[str]) -> set[str]:
        """Those of ``sha256s`` that are in the ledger, with any status."""
        if not sha256s or not self._lake.exists(EVENT_FILES):
            return set()
        asked = few_rows(self._lake.spark, [(value,) for value in sorted(set(sha256s))], "file_sha256 string")
        held = self._lake.read(EVENT_FILES).select("file_sha256").join(F.broadcast(asked), "file_sha256", "left_semi")
        return {row["file_sha256"] for row in held.collect()}

    def begin(self, files: Sequence[InspectedFile], source: str, days: DayRange) -> Batch:
        """Record a batch of new files before any of its data is written."""
        distinct = {file.sha256: file for file in sorted(files, key=lambda file: file.path, reverse=True)}
        batch_id = digest_of(distinct)
        entries = [
            LedgerFile(
                sha256,
                file.path,
                file.bytes,
                PENDING,
                batch_id,
                batch_id,
                source,
                days.first,
                days.last,
                None,
                self._started_at,
            )
            for sha256, file in sorted(distinct.items())
        ]
        return self._written(entries)

    def resume(self, files: Sequence[LedgerFile], days: DayRange) -> Batch:
        """Record a batch of files that have waited in bronze and are now due."""
        batch_id = digest_of(["waited", *(file.file_sha256 for file in files)])
        return self._written(
            [
                replace(
                    file,
                    status=PENDING,
                    batch_id=batch_id,
                    first_day=days.first,
                    last_day=days.last,
                    ingested_at=self._started_at,
                )
                for file in files
            ]
        )

    def defer(self, batch: Batch, due_days: dict[str, date]) -> Batch:
        """Let the files of ``due_days`` (content hash -> day) wait for that day; returns the rest of the batch."""
        waiting = [
            replace(file, status=WAITING, due_day=due_days[file.file_sha256])
            for file in batch.files
            if file.file_sha256 in due_days
        ]
        if waiting:
            self._write(waiting)
        return Batch(batch.batch_id, tuple(file for file in batch.files if file.file_sha256 not in due_days))

    def finish(self, batch: Batch) -> None:
        """Record that a batch is published."""
        if batch.files:
            self._write([replace(file, status=DONE) for file in batch.files])

    def forget(self, files: Sequence[LedgerFile]) -> None:
        """Remove files of batches that never reached bronze: none of their data was written, so they count as new."""
        if files:
            self._write(files, deleted=True)

    def _written(self, entries: Sequence[LedgerFile]) -> Batch:
        self._write(entries)
        return Batch(entries[0].batch_id, tuple(entries))

    def _write(self, files: Sequence[LedgerFile], *, deleted: bool = False) -> None:
        rows = [{**vars(file), "run_id": self._run_id, "updated_at": self._started_at} for file in files]
        frame = few_rows(self._lake.spark, rows, EVENT_FILES.schema)
        if deleted:
            self._lake.upsert(EVENT_FILES, frame.withColumn("_deleted", F.lit(True)), deleted="_deleted")
        else:
            self._lake.upsert(EVENT_FILES, frame)


def pending_batches(files: Sequence[LedgerFile]) -> list[Batch]:
    """The pending files, grouped by the batch they started in, oldest first."""
    return _batches([file for file in files if file.status == PENDING])


def _batches(files: Sequence[LedgerFile]) -> list[Batch]:
    grouped: dict[str, list[LedgerFile]] = {}
    for file in files:
        grouped.setdefault(file.batch_id, []).append(file)
    batches = [Batch(batch_id, tuple(members)) for batch_id, members in grouped.items()]
    return sorted(batches, key=lambda batch: (batch.ingested_at, batch.batch_id))


def _file(row: dict[str, object]) -> LedgerFile:
    return LedgerFile(**{name: row[name] for name in LedgerFile.__dataclass_fields__})  # type: ignore[arg-type] # the table's schema gives the types
