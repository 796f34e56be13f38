"""Files of one feed to bronze and silver; any family whose rows never change once sent takes them in this way.

The order of writes is batch (begun), bronze, quarantine, silver, batch (done). A run first finishes what an earlier one
had begun, from its bronze rows. Each write is skipped when it was done before, so a run may die anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DateType, StringType, StructField, StructType, TimestampType

from common.days import DayRange
from common.errors import UsageError
from common.intake.batches import Batch, BatchLog, digest_of
from common.intake.cards import without_card_numbers
from common.intake.fates import FATE, NEW, REJECTED, REPEATED
from common.quality.quarantine import to_quarantine
from common.quality.rules import REASONS
from common.run.gate import pass_gate
from common.sources.files.inspection import bad_file_rows, inspect
from common.sources.mapping.canonical import canonical
from common.sources.rows.reading import read_raw

if TYPE_CHECKING:
    from common.lake.audited import AuditedRows
    from common.lake.table import Table
    from common.run.context import RunContext
    from common.sources.files.inventory import FileInventory
    from common.sources.mapping.model import Source

_ADDED = ("_file", "_file_sha256", "_line", "_raw", "_reason")

PROVENANCE = (
    StructField("payload", StringType()),
    StructField("read_error", StringType()),
    StructField("_file", StringType(), nullable=False),
    StructField("_file_sha256", StringType(), nullable=False),
    StructField("_batch_id", StringType(), nullable=False),
    StructField("ingest_date", DateType(), nullable=False),
    StructField("ingested_at", TimestampType(), nullable=False),
)
"""What every bronze table has after the columns of its feed."""


@dataclass(frozen=True)
class Feed:
    """One feed: what its sources may map to, its bronze and silver table, and how bronze rows are judged.

    ``target`` are the canonical columns; a source must map all of at least one of the ``required`` groups. ``bronze``
    has the columns of ``target`` and PROVENANCE and ``ingest_date`` as its day. ``judge`` makes of bronze rows the
    columns of ``silver`` with ``reasons`` and ``_fate``; it may read silver. ``key`` and ``day_column`` name a rejected
    row in the quarantine. ``identifiers`` are the columns of ``target`` that hold ids (see ``without_card_numbers``).
    ``publish`` writes new rows to silver and must change nothing when it is done twice.
    """

    target: StructType
    required: Sequence[tuple[str, ...]]
    bronze: Table
    silver: Table
    judge: Callable[[DataFrame], DataFrame]
    publish: Callable[[AuditedRows, Batch], object]
    key: str
    day_column: str
    identifiers: Sequence[str]


@dataclass
class Taken:
    """What a run took in: rows by fate, the reasons of the rejected ones, new files, and the days of new rows.

    ``first_day`` and ``last_day`` are in ISO form, empty when no row is new.
    """

    fates: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    files: int = 0
    first_day: str = ""
    last_day: str = ""

    def add(self, fates: Mapping[str, int], days: Sequence[str]) -> None:
        """Add a batch: its rows by fate, and the first and last day of its new ones."""
        for fate, count in fates.items():
            self.fates[fate] = self.fates.get(fate, 0) + count
        known = [day for day in (self.first_day, self.last_day, *days) if day]
        self.first_day, self.last_day = min(known, default=""), max(known, default="")


def take_in(context: RunContext, feed: Feed) -> Taken:
    """Take in the new files of the run's input and add to its counts.

    Raises UsageError ING-001 to ING-003 (no source, no input, a source that maps too little), ContractError QLT-001.
    """
    source = _source(context, feed)
    log = BatchLog(context.objects, feed.silver.name)
    taken = Taken()
    for batch in log.all():
        if not batch.is_done:
            _resume(context, feed, log, batch, taken)
    new = _new_files(context, source, feed, log)
    if new.good:
        batch = log.begin(new.good, context.started_at)
        context.fault("ingest.begun")
        _to_bronze(context, feed, source, new, batch)
        context.fault("ingest.bronze_written")
        _promote(context, feed, log, batch, taken)
    taken.files = len(new.good)
    if not taken.fates:
        context.log.info("nothing to do: every file was ingested before")
    return taken


def _source(context: RunContext, feed: Feed) -> Source:
    if context.source is None:
        raise UsageError("ING-001", "No source was given.", remedy="Give --source NAME or a .yaml file.")
    if context.input_path is None:
        raise UsageError("ING-002", "No input was given.", remedy="Add --input PATH, the location of the raw files.")
    source = context.source
    source.check_columns(feed.target.names)
    lacking = [[name for name in group if name not in source.columns] for group in feed.required]
    if all(lacking):
        least = min(lacking, key=len)
        raise UsageError(
            "ING-003",
            f"The source {source.name} does not map {', '.join(least)}.",
            cause=f"It maps {', '.join(source.columns)}.",
            remedy="Add an expression for each of them under columns: in the source.",
        )
    return source


def _resume(context: RunContext, feed: Feed, log: BatchLog, batch: Batch, taken: Taken) -> None:
    if context.lake.exists(feed.bronze) and not _bronze_of(context, feed, batch).isEmpty():
        context.log.info("finishing batch %s of an earlier run", batch.batch_id)
        _promote(context, feed, log, batch, taken)
    else:
        log.forget(batch)


def _new_files(context: RunContext, source: Source, feed: Feed, log: BatchLog) -> FileInventory:
    """The files whose content was never ingested, one per content; bad ones stop the run or are set aside."""
    inventory = inspect(context.spark, str(context.input_path), source, context.settings)
    inventory.enforce(source)
    if inventory.bad:
        _quarantine_files(context, feed, inventory)
    known = {sha256 for batch in log.all() for sha256 in batch.sha256s}
    distinct = {file.sha256: file for file in reversed(inventory.without(known).good)}
    new = tuple(sorted(distinct.values(), key=lambda file: file.path))
    context.counts.detail("files_found", len(inventory.files))
    context.counts.detail("files_bad", len(inventory.bad))
    context.counts.detail("files_new", len(new))
    return type(inventory)(new)


def _quarantine_files(context: RunContext, feed: Feed, inventory: FileInventory) -> None:
    rows = to_quarantine(
        bad_file_rows(context.spark, inventory),
        run_id=context.run_id,
        job=context.job.name,
        quarantined_at=context.started_at,
        keys=("_file_sha256",),
    )
    batch_id = f"files-{digest_of(file.sha256 or file.path for file in inventory.bad)}"
    context.lake.quarantine(rows, family=feed.silver.family, job=context.job.name, batch_id=batch_id)


def _to_bronze(context: RunContext, feed: Feed, source: Source, files: FileInventory, batch: Batch) -> None:
    raw = read_raw(context.spark, files, source, context.settings)
    columns = [F.col(f"`{name}`") for name in raw.columns if name not in _ADDED]
    raw = raw.withColumn("_raw", F.coalesce(F.col("_raw"), F.to_json(F.struct(*columns))))
    mapped = canonical(raw, source, feed.target)
    given = {
        item.name: F.col(item.name) if item.name in mapped.columns else F.lit(None).cast(item.dataType)
        for item in feed.target
    }
    stamped = {
        "payload": F.col("_raw"),
        "read_error": F.col("_reason"),
        "_file": F.col("_file"),
        "_file_sha256": F.col("_file_sha256"),
        "_batch_id": F.lit(batch.batch_id),
        "ingest_date": F.lit(batch.ingest_date),
        "ingested_at": F.lit(batch.ingested_at),
    }
    rows = mapped.select(*(column.alias(name) for name, column in {**given, **stamped}.items()))
    with without_card_numbers(context, rows.select(*feed.bronze.schema.names), feed.identifiers) as clean:
        context.lake.append_once(feed.bronze, clean, batch_id=batch.batch_id)


def _bronze_of(context: RunContext, feed: Feed, batch: Batch) -> DataFrame:
    rows = context.lake.read(feed.bronze, days=DayRange.single(batch.ingest_date))
    return rows.where(F.col("_batch_id") == batch.batch_id)


def _promote(context: RunContext, feed: Feed, log: BatchLog, batch: Batch, taken: Taken) -> None:
    bronze = _bronze_of(context, feed, batch)
    judged = feed.judge(bronze)
    with context.lake.stage(feed.silver, judged) as staged:
        fates, days = _fates(staged.rows, feed.day_column)
        if fates.get(REJECTED):
            _quarantine(context, feed, staged.rows.where(F.col(FATE) == REJECTED), batch, taken)
        context.fault("ingest.quarantined")
        if fates.get(NEW):
            rows = staged.rows.where(F.col(FATE) == NEW).select(*feed.silver.schema.names)
            feed.publish(pass_gate(context, staged, rows), batch)
        context.fault("ingest.published")
    log.finish(batch)
    taken.add(fates, days)
    context.counts.add(
        # Counted where they came from, not where they went: what a judgement drops or doubles must show.
        rows_read=bronze.count(),
        rows_written=fates.get(NEW, 0),
        rows_quarantined=fates.get(REJECTED, 0),
        rows_deduplicated=fates.get(REPEATED, 0),
    )


def _fates(judged: DataFrame, day_column: str) -> tuple[dict[str, int], list[str]]:
    """Rows by fate, and the first and last day of the new ones."""
    # As text: a rejected row may claim a year that Python has no date for.
    day = F.col(day_column).cast("string")
    counted = judged.groupBy(FATE).agg(
        F.count(F.lit(1)).alias("rows"), F.min(day).alias("first"), F.max(day).alias("last")
    )
    found = {row[FATE]: row for row in counted.collect()}
    days = [found[NEW]["first"], found[NEW]["last"]] if NEW in found else []
    return {fate: row["rows"] for fate, row in found.items()}, days


def _quarantine(context: RunContext, feed: Feed, rejected: DataFrame, batch: Batch, taken: Taken) -> None:
    reasons = rejected.select(F.explode(REASONS).alias("reason")).groupBy("reason").count()
    for row in reasons.collect():
        taken.reasons[row["reason"]] = taken.reasons.get(row["reason"], 0) + row["count"]
    rows = to_quarantine(
        rejected.drop(FATE, "_batch_id", "ingest_date", "ingested_at", "read_error"),
        run_id=context.run_id,
        job=context.job.name,
        quarantined_at=context.started_at,
        keys=(feed.key,),
        day_column=feed.day_column,
        personal=(*feed.silver.personal_columns, *feed.bronze.personal_columns),
    )
    context.lake.quarantine(rows, family=feed.silver.family, job=context.job.name, batch_id=batch.batch_id)
