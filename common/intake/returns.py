"""Published rows that are due to change because of other files or tables: their files are mapped once more.

A row that says what another file says, or loses a contradiction, is not published while the other one is. When a batch
withdraws or changes rows, the files that have such rows on the same days are taken again from bronze, by the mapping
that they were published by, so that the tables are those of one run over everything. Which row gave way to which is not
kept, only that a file has such rows, and between which days. The files are written down, as open batches, before any
row is withdrawn.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.clock import utc_text
from common.days import DayRange
from common.intake.batches import Batch, digest_of
from common.intake.bronze import merged_schema
from common.intake.figures import span_of
from common.intake.mapped import schema_of
from common.report.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.intake.batches import BatchFile, BatchLog, FileMark
    from common.intake.feed import Feed
    from common.intake.figures import Fates
    from common.run.context import RunContext


@dataclass
class Returns:
    """The files that one run is to map once more; ``pending`` are their batches, begun and not yet published."""

    context: RunContext
    feed: Feed
    log: BatchLog
    pending: list[Batch] = field(default_factory=list)

    def note_lost(self, fates: Fates) -> None:
        """Remember the files some of whose rows gave way. Before silver is written: afterwards it does not show."""
        if fates.lost:
            self.log.note_lost(fates.lost, fates.lost_days)

    def withdraw(self, batch: Batch, own: DataFrame | None, unchanged: int) -> None:
        """Begin what gave way to rows ``own`` that the batch had published, unless all of these stay as they are."""
        if own is None:
            return
        day = F.col(self.feed.day_column).cast("string")
        found = own.agg(F.count(F.lit(1)).alias("rows"), F.min(day).alias("first"), F.max(day).alias("last")).first()
        if found is None or found["rows"] <= unchanged:
            return
        days = (found["first"], found["last"])
        lost = self.log.lost_on(days, self.feed.days_around) - set(batch.sha256s)
        self.begin(lost, cause=batch.batch_id, days=days)

    def begin(self, sha256s: Collection[str], *, cause: str, days: Sequence[str] = ()) -> None:
        """Write down batches of file contents that were published; ``days`` are more days to look at."""
        marks = [mark for mark in self.log.marks(sha256s).values() if mark.mapping]
        kept = batches_in_bronze(self.context, self.feed, [mark.file for mark in marks])
        here = [mark for mark in marks if mark.file.bronze_batch_id in kept]
        if len(here) < len(set(sha256s)):
            gone = plural(len(set(sha256s)) - len(here), "file")
            self.context.warn(
                f"rows of {gone} may have to be published otherwise now, but are no longer in bronze: give the files "
                "with --input and --set retake=true"
            )
        alike: dict[tuple[str, str, str], list[FileMark]] = {}
        for mark in here:
            alike.setdefault((mark.source, mark.reading, mark.mapping), []).append(mark)
        for (_, reading, mapping), some in sorted(alike.items()):
            found = map(self.log.batch, sorted({mark.batch_id for mark in some}))
            earlier = [one for one in found if one is not None]
            if earlier:
                self._begin(some, earlier, reading, mapping, [cause, mapping], days)

    def _begin(
        self,
        marks: Sequence[FileMark],
        earlier: Sequence[Batch],
        reading: str,
        mapping: str,
        names: Sequence[str],
        days: Sequence[str],
    ) -> None:
        started = utc_text(self.context.started_at)
        files = tuple(mark.file for mark in marks)
        batch = Batch(
            digest_of([*(file.sha256 for file in files), *names, started]),
            files,
            earlier[-1].source,
            reading,
            mapping,
            started,
            raw_schema=merged_schema([schema_of(one) for one in earlier]).json(),
            days=span_of([*days, *(day for one in earlier for day in one.days)]),
            is_accepted=True,
        )
        self.pending.append(self.log.save(batch))

    def of_its_own(self, batch: Batch) -> Batch | None:
        """A batch of published files without those that another mapping has published since; None when none is left."""
        marks = self.log.marks(batch.sha256s)

        def is_own(file: BatchFile) -> bool:
            mark = marks.get(file.sha256)
            return mark is not None and (mark.mapping, mark.reading) == (batch.mapping, batch.reading)

        files = tuple(filter(is_own, batch.files))
        if len(files) == len(batch.files):
            return batch
        if files:
            return self.log.save(replace(batch, files=files))
        self.log.forget(batch)
        return None


def batches_in_bronze(context: RunContext, feed: Feed, files: Sequence[BatchFile]) -> set[str]:
    """The bronze batches of some files of which there still are rows."""
    known = [file for file in files if file.bronze_batch_id]
    if not known or not context.lake.exists(feed.bronze):
        return set()
    batch = Batch("", tuple(known), {}, "", "", "")
    days = batch.ingest_dates
    rows = context.lake.read(feed.bronze, days=DayRange(days[0], days[-1])).select("_batch_id")
    found = rows.where(F.col("_batch_id").isin(batch.bronze_batch_ids)).distinct().collect()
    return {row["_batch_id"] for row in found}
