"""The body of forecast.ingest_stock: counts of stock and open orders to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame

from common.intake.feed import Feed, Published
from common.intake.take import take_in
from common.intake.waiting import with_waiting
from jobs.forecast.stock.params import IngestStockParams
from jobs.forecast.stock.steps import CLASH, FUTURE, TERMS_CLASH, prepared_stock, settled_stock, stock_rows, stock_rules
from jobs.forecast.stock.tables import REQUIRED, STOCK, STOCK_FEED, STOCK_RECORDS
from jobs.forecast.taken import report_taken

if TYPE_CHECKING:
    from common.run.context import RunContext
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of forecast.ingest_stock. Raises LakejobsError."""
    params = context.params_as(IngestStockParams)
    latest = context.started_at + timedelta(days=params.future_days)
    rules = stock_rules(latest, params.earliest_day, negative_stock=params.negative_stock)

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        prepared = prepared_stock(stock_rows(mapped, params.series_by, source.time_zone), rules)
        return with_waiting(prepared, FUTURE, "counted_at", latest, context.started_at)

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return settled_stock(prepared, published.others)

    feed = Feed(
        STOCK_FEED,
        REQUIRED,
        STOCK_RECORDS,
        STOCK,
        ("unique_id", "item_id", "order_id"),
        prepare,
        settle,
        key="unique_id",
        day_column="as_of_day",
        clashes=(CLASH, TERMS_CLASH),
        appends=True,
    )
    report_taken(
        context.report,
        take_in(context, feed, params),
        title="Stock ingested",
        new="New rows",
        repeated="the same count or open order, dropped",
        days="The new rows say what was there from {} to {}.",
        table="forecast.quarantine_ingest_stock",
    )
