"""What other families know about demand: purchases in clickstream events, and transactions confirmed as fraud."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.privacy import KEY_ID_COLUMN
from jobs.forecast.tables import SALES

_PURCHASES = ("purchase", "order_completed", "transaction_item")


def purchases_as_sales(events: DataFrame, sales: DataFrame | None) -> DataFrame:
    """People's purchases of named items in ``events`` (CLICKSTREAM_EVENTS) as columns of SALES.

    A purchase without a quantity is of one unit. Purchases whose transaction is the transaction or invoice of a line in
    ``sales`` are told there already and are left out.
    """
    bought = events.where(F.lower("event_name").isin(*_PURCHASES) & F.col("item_id").isNotNull() & ~F.col("is_bot"))
    if sales is not None:
        told = F.explode(F.array("transaction_id", "invoice_id"))
        known = sales.select(told.alias("transaction_id")).where(F.col("transaction_id").isNotNull()).distinct()
        bought = bought.join(known, "transaction_id", "left_anti")
    values = {
        "line_id": F.concat(F.lit("event-"), F.col("event_id")),
        "sold_day": F.col("event_date"),
        "sold_at": F.col("derived_tstamp"),
        "item_id": F.trim("item_id"),
        "quantity": F.coalesce(F.col("quantity").cast("double"), F.lit(1.0)),
        "is_series": F.lit(False),
        "invoice_id": F.lit(None).cast("string"),
        "transaction_id": F.col("transaction_id"),
        "item_name": F.col("item_name"),
        "unit_price": F.col("price"),
        "customer_id": F.coalesce(F.col("domain_userid"), F.lit("unknown")),
        # The key of the ingest of the events, which need not be that of the sales.
        KEY_ID_COLUMN: F.col(KEY_ID_COLUMN),
        "country": F.col("geo_country"),
        "currency": F.col("currency"),
        "_batch_id": F.lit("clickstream"),
    }
    return bought.select(*(values[name].alias(name) for name in SALES.schema.names))


def confirmed_frauds(labels: DataFrame, as_of: date) -> DataFrame:
    """``transaction_id`` of those whose last report (FRAUD_LABELS) up to the end of ``as_of`` (UTC) says fraud."""
    told = labels.where(F.to_date("reported_at") <= F.lit(as_of))
    # Of two reports of one instant fraud is believed.
    last = Window.partitionBy("transaction_id").orderBy(F.col("reported_at").desc(), F.col("is_fraud").desc())
    latest = told.withColumn("_place", F.row_number().over(last)).where(F.col("_place") == 1)
    return latest.where("is_fraud").select("transaction_id")
