"""The body of clickstream.ingest: raw event files to bronze and silver."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.intake import fates
from common.intake.earlier import adopt_ledger
from common.intake.feed import Feed, Published
from common.intake.take import take_in
from common.quality.rules import REASONS
from common.run.pseudonym_key import pseudonym_key
from common.spark.few_rows import few_rows
from jobs.clickstream.events import deduplication, publication
from jobs.clickstream.events.candidates import SENT, Rules, candidates
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.columns import IDENTIFIERS, REQUIRED, TARGET
from jobs.clickstream.events.params import IngestParams
from jobs.clickstream.events.report import write_report
from jobs.clickstream.events.tables import EVENT_RECORDS, EVENTS
from jobs.clickstream.web.referrers import load_referrers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.run.context import RunContext
    from common.sources.mapping.model import Source

_EARLIER_LEDGER = "ops/clickstream/event_files"
_SHOWN = ("event_id", "event_date", "event_name", "derived_tstamp", "page_urlpath", SENT)
# Up to this many days of silver are named one by one; more are read as they are.
_MOST_DAYS = 1_000


def run(context: RunContext) -> None:
    """One run of clickstream.ingest. Raises LakejobsError."""
    params = context.params_as(IngestParams)
    # Fetched before anything is read or written, so that a run without its key leaves nothing behind.
    key = pseudonym_key(context)
    limits = TimeLimits(params.earliest_day, context.started_at + timedelta(minutes=params.max_future_minutes))
    rules = Rules(context.started_at, limits, load_referrers(), params.site_hosts, key)
    adopt_ledger(context.lake, EVENTS.name, _EARLIER_LEDGER)
    finished = _finished_before(context)

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        return candidates(mapped, rules, source.time_zone)

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return _settled(context, params, prepared, published, finished)

    feed = Feed(
        TARGET,
        REQUIRED,
        EVENT_RECORDS,
        EVENTS,
        IDENTIFIERS,
        prepare,
        settle,
        key="event_id",
        day_column="event_date",
        shown=_SHOWN,
        settles_own=True,
        days_around=params.duplicate_days,
    )
    write_report(context, params, take_in(context, feed, params))


def _settled(
    context: RunContext, params: IngestParams, prepared: DataFrame, published: Published, finished: date | None
) -> DataFrame:
    names = EVENTS.schema.names
    fine = prepared.where(F.size(REASONS) == 0).select(*names)
    others = published.others if published.others is not None else few_rows(context.spark, [], EVENTS.schema)
    days = _days_touched(fine, published)
    if len(days) <= _MOST_DAYS:
        others = others.where(F.col("event_date").isin(days))
    judged = published.hold(deduplication.judged(fine, others, published.own))
    _count(context, judged, finished)
    whole_days = others if published.own is None else others.unionByName(published.own)
    none = F.array().cast("array<string>")
    changed = publication.changes(judged, whole_days, params.bots).withColumn(REASONS, none)
    rejected = prepared.where(F.size(REASONS) > 0).withColumn(fates.FATE, F.lit(fates.REJECTED))
    return changed.unionByName(rejected, allowMissingColumns=True)


def _days_touched(fine: DataFrame, published: Published) -> list[date]:
    """The days of the batch, of what its files had published, and of events that share an id with one of it."""
    rows = fine.select("event_date")
    if published.others is not None:
        ids = fine.select("event_id").distinct()
        rows = rows.unionByName(
            published.others.select("event_id", "event_date").join(ids, "event_id", "left_semi").select("event_date")
        )
    if published.own is not None:
        rows = rows.unionByName(published.own.select("event_date"))
    return sorted(row["event_date"] for row in rows.distinct().limit(_MOST_DAYS + 1).collect())


def _count(context: RunContext, judged: DataFrame, finished: date | None) -> None:
    """Figures of the report: duplicates that differ, duplicates of earlier batches, events of days thought finished."""
    role = F.col(deduplication.ROLE)
    before = F.lit(False) if finished is None else F.col("event_date") < F.lit(finished)
    found = judged.agg(
        F.count_if(deduplication.CONFLICTING).alias("duplicates_conflicting"),
        F.count_if(role == deduplication.BEATEN).alias("duplicates_of_earlier_batches"),
        F.count_if((role == deduplication.NEW) & before).alias("late"),
    ).first()
    for name, number in (found.asDict() if found is not None else {}).items():
        context.counts.detail(name, context.counts.details.get(name, 0) + number)


def _finished_before(context: RunContext) -> date | None:
    """The first day that is not thought finished: ``days_late_allowed`` before the last day that silver has."""
    if not context.lake.exists(EVENTS):
        return None
    last = context.lake.read(EVENTS).agg(F.max("event_date").alias("last")).first()
    if last is None or last["last"] is None:
        return None
    day: date = last["last"] - timedelta(days=context.settings.days_late_allowed)
    return day
