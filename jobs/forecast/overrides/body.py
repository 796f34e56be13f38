"""The body of forecast.ingest_overrides: what planners know better, to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from common.intake.feed import Feed, Published
from common.intake.take import take_in
from common.intake.waiting import with_waiting
from jobs.forecast.overrides.feed import (
    FUTURE,
    override_rows,
    override_rules,
    prepared_overrides,
    settled_overrides,
)
from jobs.forecast.overrides.params import IngestOverridesParams
from jobs.forecast.overrides.tables import OVERRIDE_RECORDS, OVERRIDES, OVERRIDES_FEED, REQUIRED
from jobs.forecast.taken import report_taken

if TYPE_CHECKING:
    from common.run.context import RunContext
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of forecast.ingest_overrides. Raises LakejobsError."""
    params = context.params_as(IngestOverridesParams)
    latest = context.started_at + timedelta(days=params.future_days)
    rules = override_rules(latest, params.earliest_day)

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        rows = override_rows(mapped, params.series_by, source.time_zone)
        return with_waiting(prepared_overrides(rows, rules), FUTURE, "made_at", latest, context.started_at)

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return settled_overrides(prepared, published.others)

    feed = Feed(
        OVERRIDES_FEED,
        REQUIRED,
        OVERRIDE_RECORDS,
        OVERRIDES,
        ("unique_id", "item_id"),
        prepare,
        settle,
        key="unique_id",
        day_column="made_day",
        appends=True,
    )
    report_taken(
        context.report,
        take_in(context, feed, params),
        title="Overrides ingested",
        new="New overrides",
        repeated="the same override, dropped",
        days="The new overrides were made between {} and {}.",
        table="forecast.quarantine_ingest_overrides",
    )
