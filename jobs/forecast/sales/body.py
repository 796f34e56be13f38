"""The body of forecast.ingest: raw sales to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.intake.fates import NEW, is_unread
from common.intake.feed import LEFT_OUT, Feed, Published, Taken
from common.intake.take import take_in
from common.intake.waiting import with_waiting
from common.run.pseudonym_key import pseudonym_key
from jobs.forecast.sales.params import IngestParams
from jobs.forecast.sales.steps import (
    CLASH,
    FUTURE,
    lacks_receipts,
    prepared_sales,
    sales_lines,
    sales_rules,
    settled_sales,
)
from jobs.forecast.sales.tables import REQUIRED, SALE_RECORDS, SALES, SALES_FEED
from jobs.forecast.taken import report_taken

if TYPE_CHECKING:
    from common.lake.lake import Lake
    from common.run.context import RunContext
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of forecast.ingest. Raises LakejobsError."""
    params = context.params_as(IngestParams)
    latest = context.started_at + timedelta(days=params.future_days)
    rules = sales_rules(latest, params.largest_quantity, params.earliest_day)
    key = pseudonym_key(context)

    maps_series: set[bool] = set()

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        maps_series.add(bool({"unique_id", "y"} & set(source.columns)))
        prepared = prepared_sales(sales_lines(mapped, params.time_zone, key, source.time_zone), rules)
        timed = with_waiting(prepared, FUTURE, "sold_at", latest, context.started_at)
        # Feeds of ready series list the periods that are to be forecast, without a value.
        has_none = F.col("is_series") & (F.col("quantity").isNull() | F.isnan("quantity"))
        return timed.withColumn(LEFT_OUT, has_none & ~is_unread("y") & ~is_unread("quantity"))

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        has_series = True in maps_series and not prepared.where("is_series").isEmpty()
        keep = params.duplicates == "keep"
        return settled_sales(prepared, published.others, keep_duplicates=keep, has_series=has_series)

    feed = Feed(
        SALES_FEED,
        REQUIRED,
        SALE_RECORDS,
        SALES,
        ("invoice_id", "transaction_id", "item_id", "customer_id", "unique_id"),
        prepare,
        settle,
        key="item_id",
        day_column="sold_day",
        clashes=(CLASH,),
        appends=True,
    )
    if context.source and lacks_receipts(context.source.columns, keep_duplicates=params.duplicates == "keep"):
        context.warn("the source maps no invoice_id and no transaction_id: equal lines all count")
    _write_report(context, take_in(context, feed, params))


def _write_report(context: RunContext, taken: Taken) -> None:
    report_taken(
        context.report,
        taken,
        title="Sales ingested",
        new="New lines",
        repeated="identical lines, dropped",
        table="forecast.quarantine_ingest",
    )
    if context.lake.exists(SALES) and taken.fates.get(NEW):
        _months(context.lake, context)


def _months(lake: Lake, context: RunContext) -> None:
    lines = lake.read(SALES)
    sold, back = F.col("quantity") > 0, F.col("quantity") < 0
    rows = (
        lines.groupBy(F.date_format("sold_day", "yyyy-MM").alias("month"))
        .agg(
            F.count(F.lit(1)).alias("lines"),
            F.sum(F.when(sold, F.col("quantity"))).alias("sold"),
            F.sum(F.when(back, -F.col("quantity"))).alias("back"),
            F.approx_count_distinct("item_id").alias("items"),
        )
        .orderBy("month")
        .limit(240)
        .collect()
    )
    context.report.table(
        "Sales in silver, by month",
        ("month", "lines", "items (about)", "units sold", "units returned or cancelled"),
        [(row["month"], row["lines"], row["items"], row["sold"] or 0.0, row["back"] or 0.0) for row in rows],
        stack=True,
    )
