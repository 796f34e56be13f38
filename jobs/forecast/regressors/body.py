"""The body of forecast.ingest_calendar: what is planned, to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from common.intake.feed import Feed, Published
from common.intake.take import take_in
from common.intake.waiting import with_waiting
from jobs.forecast.regressors.params import IngestCalendarParams
from jobs.forecast.regressors.steps import (
    FUTURE,
    calendar_rows,
    calendar_rules,
    prepared_calendar,
    settled_calendar,
)
from jobs.forecast.regressors.tables import CALENDAR, CALENDAR_FEED, CALENDAR_RECORDS, REQUIRED
from jobs.forecast.taken import report_taken

if TYPE_CHECKING:
    from common.run.context import RunContext
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of forecast.ingest_calendar. Raises LakejobsError."""
    params = context.params_as(IngestCalendarParams)
    latest = context.started_at + timedelta(days=params.future_days)
    rules = calendar_rules(latest, params.earliest_day)

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        rows = calendar_rows(mapped, source.time_zone, has_values="value" in source.columns)
        return with_waiting(prepared_calendar(rows, rules), FUTURE, "known_at", latest, context.started_at)

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return settled_calendar(prepared, published.others)

    feed = Feed(
        CALENDAR_FEED,
        REQUIRED,
        CALENDAR_RECORDS,
        CALENDAR,
        ("unique_id", "item_id"),
        prepare,
        settle,
        key="name",
        day_column="first_day",
        appends=True,
    )
    report_taken(
        context.report,
        take_in(context, feed, params),
        title="Calendar ingested",
        new="New entries",
        repeated="the same entry, dropped",
        days="The new entries begin between {} and {}.",
        table="forecast.quarantine_ingest_calendar",
    )
