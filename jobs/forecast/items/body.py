"""The body of forecast.ingest_items: what a planner says of items to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from common.intake.feed import Feed, Published
from common.intake.take import take_in
from jobs.forecast.items.params import IngestItemsParams
from jobs.forecast.items.steps import item_rows, item_rules, prepared_items, settled_items
from jobs.forecast.items.tables import ITEM_RECORDS, ITEMS, ITEMS_FEED, REQUIRED
from jobs.forecast.taken import report_taken

if TYPE_CHECKING:
    from common.run.context import RunContext
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of forecast.ingest_items. Raises LakejobsError."""
    params = context.params_as(IngestItemsParams)
    latest = context.started_at + timedelta(days=params.future_days)
    rules = item_rules(latest, params.earliest_day)

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        return prepared_items(item_rows(mapped, params.series_by, source.time_zone), rules)

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return settled_items(prepared, published.others)

    feed = Feed(
        ITEMS_FEED,
        REQUIRED,
        ITEM_RECORDS,
        ITEMS,
        ("unique_id", "item_id", "replaces"),
        prepare,
        settle,
        key="unique_id",
        day_column="known_day",
        appends=True,
    )
    report_taken(
        context.report,
        take_in(context, feed, params),
        title="Items ingested",
        new="New rows",
        repeated="rows that say the same, dropped",
        days="The new rows hold from {} to {} on.",
        table="forecast.quarantine_ingest_items",
    )
