"""The body of forecast.ingest_items: what a planner says of items to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from common.intake.fates import NEW, REJECTED, REPEATED
from common.intake.feed import Feed, Published, Taken
from common.intake.take import take_in
from common.report.wording import plural
from jobs.forecast.items.params import IngestItemsParams
from jobs.forecast.items.steps import item_rows, item_rules, prepared_items, settled_items
from jobs.forecast.items.tables import ITEM_RECORDS, ITEMS, ITEMS_FEED, REQUIRED

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
    _write_report(context, take_in(context, feed, params))


def _write_report(context: RunContext, taken: Taken) -> None:
    report = context.report
    report.title = "Items ingested"
    report.headline("New rows", f"{taken.fates.get(NEW, 0):,}", f"from {plural(taken.files, 'new file')}")
    report.headline("Sent twice", f"{taken.fates.get(REPEATED, 0):,}", "rows that say the same, dropped")
    report.headline("Rejected", f"{taken.fates.get(REJECTED, 0):,}", "kept in the quarantine")
    if taken.first_day:
        report.text("Days", [f"The new rows hold from {taken.first_day} to {taken.last_day} on."])
    if taken.reasons:
        ranked = sorted(taken.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        report.quarantine(ranked, table="forecast.quarantine_ingest_items")
