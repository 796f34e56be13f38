"""From raw files to bronze and silver, safe to repeat from any point: both fraud feeds go this way.

The order of writes is batch (begun), bronze, quarantine, silver, batch (done). A run first finishes what an earlier one
began, from its bronze rows. Each write is skipped, or finds nothing to change, when it was done before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from common.days import DayRange
from common.errors import UsageError
from common.quality import REASONS, audit, to_quarantine
from common.sources import bad_file_rows, canonical, inspect, read_raw
from jobs.fraud.batches import Batch, BatchLog
from jobs.fraud.feeds import FATE, NEW, REJECTED, REPEATED

if TYPE_CHECKING:
    from common.context import RunContext
    from common.lake.table import Table
    from common.sources import FileInventory, Source

_ADDED = ("_file", "_file_sha256", "_raw", "_reason")
Judge = Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Feed:
    """One feed: what a source may map to and must map to, its tables, and how a batch of bronze rows is judged."""

    target: StructType
    required: tuple[str, ...]
    bronze: Table
    silver: Table
    judge: Judge


@dataclass
class Taken:
    """What a run took in: rows of each fate, the reasons of rejected ones, and the days that have new rows."""

    fates: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    first_day: str = ""
    last_day: str = ""
    files: int = 0


def take_in(context: RunContext, feed: Feed) -> Taken:
    """Take in the new files of ``context.input_path``. Adds to the run's counts. Raises LakejobsError."""
    source = _source(context, feed)
    log = BatchLog(context.objects, feed.silver.name)
    taken = Taken()
    with context.lake.lease(feed.silver):
        for batch in log.batches():
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
        context.log.info("nothing to do: every file was taken in before")
    return taken


def _source(context: RunContext, feed: Feed) -> Source:
    if context.source is None or context.input_path is None:
        raise UsageError(
            "FRD-001",
            f"{context.job.name} was not told what to read.",
            remedy="Give --input PATH and --source NAME or a .yaml file.",
        )
    context.source.check_columns(feed.target.names)
    missing = [name for name in feed.required if name not in context.source.columns]
    if missing:
        raise UsageError(
            "FRD-002",
            f"The source {context.source.name} maps no {', '.join(missing)}.",
            cause=f"It maps {', '.join(context.source.columns)}.",
            remedy="Add an expression for each of them under columns: in the source.",
        )
    return context.source


def _resume(context: RunContext, feed: Feed, log: BatchLog, batch: Batch, taken: Taken) -> None:
    if context.lake.exists(feed.bronze) and not _bronze_of(context, feed, batch).isEmpty():
        context.log.info("finishing batch %s of an earlier run", batch.batch_id)
        _promote(context, feed, log, batch, taken)
    else:
        log.forget(batch)


def _new_files(context: RunContext, source: Source, feed: Feed, log: BatchLog) -> FileInventory:
    inventory = inspect(context.spark, str(context.input_path), source, context.settings)
    inventory.enforce(source)
    if inventory.bad:
        _quarantine_files(context, feed, inventory)
    known = {sha256 for batch in log.batches() for sha256 in batch.sha256s}
    seen: set[str] = set()
    kept = []
    for file in inventory.without(known).good:
        if file.sha256 not in seen:
            seen.add(file.sha256)
            kept.append(file)
    context.counts.detail("files_found", len(inventory.files))
    context.counts.detail("files_bad", len(inventory.bad))
    context.counts.detail("files_new", len(kept))
    return type(inventory)(tuple(kept))


def _quarantine_files(context: RunContext, feed: Feed, inventory: FileInventory) -> None:
    rows = to_quarantine(
        bad_file_rows(context.spark, inventory),
        run_id=context.run_id,
        job=context.job.name,
        quarantined_at=context.started_at,
        keys=("_file_sha256",),
    )
    names = sorted(file.sha256 or file.path for file in inventory.bad)
    context.lake.quarantine(
        rows, family="fraud", job=context.job.name, batch_id=f"{feed.silver.name}-{'-'.join(names)}"
    )


def _to_bronze(context: RunContext, feed: Feed, source: Source, files: FileInventory, batch: Batch) -> None:
    raw = read_raw(context.spark, files, source, context.settings)
    columns = [F.col(f"`{name}`") for name in raw.columns if name not in _ADDED]
    raw = raw.withColumn("_raw", F.coalesce(F.col("_raw"), F.to_json(F.struct(*columns))))
    mapped = canonical(raw, source, feed.target)
    stamped = {
        "payload": F.col("_raw"),
        "read_error": F.col("_reason"),
        "_file": F.col("_file"),
        "_file_sha256": F.col("_file_sha256"),
        "_batch_id": F.lit(batch.batch_id),
        "ingest_date": F.lit(batch.ingest_date),
        "ingested_at": F.lit(batch.ingested_at),
    }
    given = {
        item.name: F.col(item.name) if item.name in mapped.columns else F.lit(None).cast(item.dataType)
        for item in feed.target
    }
    rows = mapped.select(*(column.alias(name) for name, column in {**given, **stamped}.items()))
    context.lake.append_once(feed.bronze, rows.select(*feed.bronze.schema.names), batch_id=batch.batch_id)


def _bronze_of(context: RunContext, feed: Feed, batch: Batch) -> DataFrame:
    rows = context.lake.read(feed.bronze, days=DayRange.single(batch.ingest_date))
    return rows.where(F.col("_batch_id") == batch.batch_id)


def _promote(context: RunContext, feed: Feed, log: BatchLog, batch: Batch, taken: Taken) -> None:
    judged = feed.judge(_bronze_of(context, feed, batch))
    with context.lake.stage(feed.silver, judged) as staged:
        fates = {row[FATE]: row["count"] for row in staged.rows.groupBy(FATE).count().collect()}
        if fates.get(REJECTED):
            _quarantine(context, feed, staged.rows.where(F.col(FATE) == REJECTED), batch, taken)
        context.fault("ingest.quarantined")
        if fates.get(NEW):
            _publish(context, feed, staged.rows.where(F.col(FATE) == NEW).select(*feed.silver.schema.names), taken)
        context.fault("ingest.published")
    log.finish(batch)
    for fate, count in fates.items():
        taken.fates[fate] = taken.fates.get(fate, 0) + count
    context.counts.add(
        rows_read=sum(fates.values()),
        rows_written=fates.get(NEW, 0),
        rows_quarantined=fates.get(REJECTED, 0),
        rows_deduplicated=fates.get(REPEATED, 0),
    )


def _quarantine(context: RunContext, feed: Feed, rejected: DataFrame, batch: Batch, taken: Taken) -> None:
    reasons = rejected.select(F.explode(REASONS).alias("reason")).groupBy("reason").count()
    for row in reasons.collect():
        taken.reasons[row["reason"]] = taken.reasons.get(row["reason"], 0) + row["count"]
    rows = to_quarantine(
        rejected.drop(FATE, "_batch_id", "ingest_date", "ingested_at", "read_error"),
        run_id=context.run_id,
        job=context.job.name,
        quarantined_at=context.started_at,
        keys=("transaction_id",),
        day_column="tx_day",
        personal=(*feed.silver.personal_columns, *feed.bronze.personal_columns),
    )
    context.lake.quarantine(rows, family="fraud", job=context.job.name, batch_id=batch.batch_id)


def _publish(context: RunContext, feed: Feed, rows: DataFrame, taken: Taken) -> None:
    result = audit(rows, feed.silver)
    context.report.audit(result)
    result.raise_if_failed()
    context.lake.upsert(feed.silver, rows)
    span = rows.agg(F.min("tx_day").cast("string").alias("first"), F.max("tx_day").cast("string").alias("last")).first()
    if span is not None:
        taken.first_day = min(filter(None, (taken.first_day, span["first"])))
        taken.last_day = max(taken.last_day, span["last"])
