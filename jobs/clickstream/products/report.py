"""The report of clickstream.items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.config.params import Params

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.report.builder import ReportBuilder

_MOST = 20


def items_report(report: ReportBuilder, _params: Params, rows: DataFrame) -> None:
    """Fill the report: what people's events did with products, and the products named most often."""
    people = rows.where(~F.col("is_bot"))
    counted = people.groupBy("event_name").agg(
        F.count(F.lit(1)).alias("rows"),
        F.countDistinct("event_id").alias("events"),
        F.countDistinct("item_id").alias("products"),
    )
    by_event = counted.orderBy(F.desc("rows"), "event_name").limit(_MOST).collect()
    report.headline("Products in events", f"{sum(row['rows'] for row in by_event):,}")
    if not by_event:
        report.text("No products", ["No event of these days names a product."])
        return
    report.table("By event", ("event", "rows", "events", "products"), [tuple(row) for row in by_event])
    named = people.where(F.col("item_id").isNotNull()).groupBy("item_id")
    most = (
        named.agg(F.max("item_name"), F.count(F.lit(1)).alias("rows")).orderBy(F.desc("rows"), "item_id").limit(_MOST)
    )
    report.table("Products named most often", ("id", "name", "rows"), [tuple(row) for row in most.collect()])
