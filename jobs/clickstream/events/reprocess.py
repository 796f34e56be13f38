"""Rebuilds the days of a run from bronze with today's rules: after a change of rules, lists or settings."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.errors import InputMissingError
from common.quality.rules import REASONS
from jobs.clickstream.events import candidates as promotion
from jobs.clickstream.events import deduplication
from jobs.clickstream.events.candidates import IS_LATE
from jobs.clickstream.events.ledger import Batch, Ledger
from jobs.clickstream.events.tables import EVENTS, EVENTS_RAW
from jobs.clickstream.web import bots

if TYPE_CHECKING:
    from common.run.context import RunContext
    from jobs.clickstream.events.params import IngestParams
    from jobs.clickstream.events.promoter import Promoter


def reprocess(context: RunContext, params: IngestParams, promoter: Promoter) -> None:
    """Rebuild the run's days in silver from bronze.

    Every batch that may hold events of those days is read again, each by the days of the run that owned it; all events
    are deduplicated together and the days replaced in one commit. Late and rejected rows were set aside when they
    arrived and are only counted. Raises InputMissingError CLK-103 when no ingested file may hold events of the days,
    CLK-104 when bronze rows of such a file are gone.
    """
    batches = _batches(context)
    if not batches:
        raise InputMissingError(
            "CLK-103",
            f"No ingested file could contain events of {context.days}.",
            remedy="Check the days, or ingest the files first (without reprocess).",
        )
    _check_bronze(context, batches)
    bronze = [promoter.bronze_of(batch) for batch in batches]
    parts = [
        promotion.candidates(rows, promoter.rules(batch.days), batch_id=batch.batch_id, ingested_at=batch.ingested_at)
        for rows, batch in zip(bronze, batches, strict=True)
    ]
    with context.lake.stage(EVENTS, reduce(DataFrame.unionByName, parts)) as staged:
        valid = promotion.valid(staged.rows)
        judged = deduplication.judged(valid, valid.limit(0))
        owned = F.col("event_date").between(context.days.first, context.days.last)
        with context.lake.stage(EVENTS, judged) as ranked:
            won = ranked.rows.where(F.col(deduplication.ROLE) == deduplication.NEW)
            rows = bots.with_verdicts(won.where(owned).select(*EVENTS.schema.names), params.bots)
            context.fault("ingest.before_silver")
            promoter.publish_days(rows.select(*EVENTS.schema.names), context.days)
            _count(context, promoter, bronze, staged.rows, ranked.rows)


def _batches(context: RunContext) -> list[Batch]:
    window = context.days.extended(before_days=1, after_days=context.settings.days_late_allowed)
    ledger = Ledger(context.lake, run_id=context.run_id, started_at=context.started_at)
    return ledger.finished(window)


def _check_bronze(context: RunContext, batches: list[Batch]) -> None:
    """Leave days alone whose bronze was deleted: a rebuild without it would empty them."""
    wanted = sorted({name for batch in batches for name in batch.bronze_batch_ids})
    rows = context.lake.read(EVENTS_RAW).where(F.col("_batch_id").isin(wanted)).select("_batch_id").distinct()
    gone = len(wanted) - rows.count()
    if gone:
        raise InputMissingError(
            "CLK-104",
            f"The days {context.days} cannot be rebuilt: the bronze rows of {gone} of their batches were deleted.",
            cause=f"maintenance.maintain deletes bronze after {EVENTS_RAW.retention_days} days.",
            remedy="Choose later days. The events in silver stay as they are.",
        )


def _count(
    context: RunContext, promoter: Promoter, bronze: list[DataFrame], staged: DataFrame, ranked: DataFrame
) -> None:
    is_bad = F.size(REASONS) > 0
    aside = staged.agg(F.count_if(is_bad).alias("bad"), F.count_if(F.col(IS_LATE)).alias("late")).first()
    owned = F.col("event_date").between(context.days.first, context.days.last)
    won = F.col(deduplication.ROLE) == deduplication.NEW
    roles = ranked.agg(
        F.count_if(won & owned).alias("written"),
        F.count_if(won & ~owned).alias("outside"),
        F.count_if(~won).alias("repeated"),
        F.count_if(deduplication.CONFLICTING).alias("conflicting"),
    ).first()
    if aside is None or roles is None:
        return
    promoter.count_reasons(staged)
    context.counts.add(
        rows_read=sum(rows.count() for rows in bronze),
        rows_written=roles["written"],
        rows_quarantined=aside["bad"],
        rows_deduplicated=roles["repeated"],
        rows_filtered=aside["late"] + roles["outside"],
    )
    context.counts.detail("late", aside["late"])
    context.counts.detail("outside_days", roles["outside"])
    context.counts.detail("duplicates_conflicting", roles["conflicting"])
