"""What other families know about demand: purchases in clickstream events, and transactions confirmed as fraud."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.privacy.pseudonyms import KEY_ID_COLUMN
from jobs.forecast.demand.changes import NEVER
from jobs.forecast.sales.tables import SALES

_PURCHASES = ("purchase", "order_completed", "transaction_item")
_OF_ITEM = ("item_id", "item_name", "price", "quantity")
_INDEX = "_index"
BOOKED_ON = "booked_on"


def bought_by_people(events: DataFrame) -> DataFrame:
    """People's purchases of named items in ``events`` (CLICKSTREAM_EVENTS), one row per item.

    ``_index`` numbers the items of an event from 0; without ``items`` there is the event's own.
    """
    is_purchase = F.lower("event_name").isin(*_PURCHASES)
    own = F.array(F.struct(*_OF_ITEM))
    items = F.transform("items", lambda item: F.struct(*(item[name].alias(name) for name in _OF_ITEM)))
    found = events.where(is_purchase & ~F.col("is_bot"))
    listed = found.select(
        *(name for name in events.columns if name not in (*_OF_ITEM, "items")),
        F.posexplode(F.coalesce(items, own)).alias(_INDEX, "_item"),
    )
    return listed.select("*", "_item.*").drop("_item").where(F.col("item_id").isNotNull())


def purchases_as_sales(bought: DataFrame, sales: DataFrame | None) -> DataFrame:
    """``bought_by_people`` as columns of SALES, with ``booked_on``: the first day on which ``sales`` has them.

    A purchase without a quantity is one unit. From the first day of a line of the same transaction (or invoice) in
    the sales, the purchase must not be counted again; ``booked_on`` is null when there is no such line.
    """
    if sales is None:
        bought = bought.withColumn(BOOKED_ON, F.lit(None).cast("date"))
    else:
        names = F.explode(F.array_distinct(F.array("transaction_id", "invoice_id")))
        booked = sales.select(names.alias("transaction_id"), "sold_day").where(F.col("transaction_id").isNotNull())
        booked = booked.groupBy("transaction_id").agg(F.min("sold_day").alias(BOOKED_ON))
        bought = bought.join(booked, "transaction_id", "left")
    values = {
        # The first item has the id that events about one have.
        "line_id": F.concat(
            F.lit("event-"), "event_id", F.when(F.col(_INDEX) > 0, F.concat(F.lit("-"), _INDEX)).otherwise("")
        ),
        "sold_day": F.col("event_date"),
        "sold_at": F.col("derived_tstamp"),
        # The date of an event is that of UTC.
        "sold_hour": F.hour("derived_tstamp"),
        "item_id": F.trim("item_id"),
        "quantity": F.coalesce(F.col("quantity").cast("double"), F.lit(1.0)),
        "is_series": F.lit(False),
        "invoice_id": F.lit(None).cast("string"),
        "transaction_id": F.col("transaction_id"),
        "item_name": F.col("item_name"),
        "unit_price": F.col("price"),
        "customer_id": F.coalesce(F.col("domain_userid"), F.lit("unknown")),
        # The key used to ingest the events, which need not be that of the sales.
        KEY_ID_COLUMN: F.col(KEY_ID_COLUMN),
        "country": F.col("geo_country"),
        "currency": F.col("currency"),
        "_batch_id": F.lit("clickstream"),
    }
    # Purchases have no store, and come from no file.
    columns = [values.get(item.name, F.lit(None).cast(item.dataType)).alias(item.name) for item in SALES.schema]
    return bought.select(*columns, BOOKED_ON)


def confirmed_frauds(labels: DataFrame) -> DataFrame:
    """``transaction_id, frauds``: when each transaction of FRAUD_LABELS counted as fraud; one row per id.

    ``frauds`` is an array of ``tx_day`` (an id may come again on another day) and ``span`` (days since 1970 in UTC: of
    the report, and of the one that withdraws it). The last report of a day decides; of two at one instant, fraud.
    """
    key = ("transaction_id", "tx_day")
    last = F.max_by("is_fraud", F.struct("reported_at", "is_fraud")).alias("is_fraud")
    daily = labels.groupBy(*key, F.unix_date(F.to_date("reported_at")).alias("_day")).agg(last)
    following = F.lead("_day").over(Window.partitionBy(*key).orderBy("_day"))
    span = F.array(F.col("_day"), F.coalesce(following, F.lit(NEVER)))
    frauds = daily.withColumn("span", span).where("is_fraud")
    return frauds.groupBy("transaction_id").agg(F.collect_list(F.struct("tx_day", "span")).alias("frauds"))
