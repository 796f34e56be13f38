"""What sales lines and product views say of each series and period: known once the period is over, never before."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.declared import PRICE, PROMOTION, STOCK, VIEWS
from jobs.forecast.regressors.planned import ALWAYS

_DECIMALS = 9
_VIEWS = ("view", "view_item", "product_view", "product_viewed", "page_view", "screen_view")


def of_lines(lines: DataFrame, names: Sequence[str], periods: Periods) -> DataFrame:
    """``unique_id, name, ds, known_on, value`` of ``names`` from sales lines (SALES with ``unique_id`` and ``ds``).

    ``price`` is the mean price of the units sold (of a ready series the mean of its values' prices), ``promotion`` the
    share of lines on promotion, ``stock`` the last count of the period; any other name the mean of that free number.
    Goods that come back say nothing.
    """
    sold = lines.where(F.col("is_series") | (F.col("quantity") > 0))
    found = sold.groupBy("unique_id", "ds").agg(*(_of_period(name).alias(name) for name in names))
    pairs = F.array(*(F.struct(F.lit(name).alias("name"), F.col(name).alias("value")) for name in names))
    rows = found.select("unique_id", "ds", F.explode(pairs).alias("_pair")).select("unique_id", "ds", "_pair.*")
    # NaN is above every number; a mean must not depend on the order of its parts.
    rows = rows.where(F.abs("value") < float("inf")).withColumn("value", F.round("value", _DECIMALS))
    return known_at_the_end(rows, periods)


def _of_period(name: str) -> Column:
    if name == PRICE:
        price = F.when(F.col("unit_price") > 0, F.col("unit_price").cast("double"))
        units = F.when(price.isNotNull(), F.greatest("quantity", F.lit(0.0)))
        return F.coalesce(F.try_divide(F.sum(units * price), F.sum(units)), F.avg(price))
    if name == PROMOTION:
        # A share of all lines: one that says nothing was not promoted, unless none says anything.
        return F.when(F.count("promotion") > 0, F.count_if("promotion") / F.count(F.lit(1)))
    if name == STOCK:
        return F.max_by("stock", F.when(F.col("stock").isNotNull(), F.struct("sold_at", "line_id")))
    return F.avg(F.col("extra_numbers")[name])


def viewed(events: DataFrame, items: DataFrame, starts: Sequence[object], periods: Periods) -> DataFrame:
    """``unique_id, name, ds, known_on, value``: how often people saw the product of a series in a period.

    ``events`` are rows of CLICKSTREAM_EVENTS, ``items`` (unique_id, item_id) says which product a series is of. Bots
    are left out. From the first whole period with events on, a product that nobody saw has 0, for all series.
    """
    dated = events.where(~F.col("is_bot")).withColumn("ds", periods.start_of("event_date"))
    seen = dated.where(F.lower("event_name").isin(*_VIEWS))
    named = F.coalesce(F.transform("items", lambda item: item["item_id"]), F.array("item_id"))
    products = seen.select("ds", F.explode(F.array_distinct(named)).alias("item_id"))
    counted = products.where("item_id IS NOT NULL").groupBy("item_id", "ds").agg(F.count(F.lit(1)).alias("value"))
    whole = items.select("unique_id", "item_id").distinct().join(counted, "item_id", "inner")
    rows = whole.groupBy("unique_id", "ds").agg(F.sum("value").cast("double").alias("value"))
    reach = dated.agg(F.min("event_date").alias("_first"), F.max("ds").alias("_last"))
    grid = F.explode(F.array(*(F.lit(start) for start in starts))).alias("ds")
    nothing = reach.select("*", grid).where((F.col("ds") >= F.col("_first")) & (F.col("ds") <= F.col("_last")))
    zeros = nothing.select(F.lit(None).cast("string").alias("unique_id"), "ds", F.lit(0.0).alias("value"))
    return known_at_the_end(rows.unionByName(zeros).withColumn("name", F.lit(VIEWS)), periods)


def known_at_the_end(rows: DataFrame, periods: Periods) -> DataFrame:
    """``rows`` (unique_id, name, ds, value) with ``known_on``: the last day of their period."""
    return rows.select("unique_id", "name", "ds", periods.last_day_of("ds").alias("known_on"), "value")


def holiday_rows(counted: DataFrame) -> DataFrame:
    """``counted`` (ds, value) as rows for all series, known at all times."""
    return counted.select(
        F.lit(None).cast("string").alias("unique_id"),
        F.lit("holidays").alias("name"),
        "ds",
        F.lit(ALWAYS).alias("known_on"),
        "value",
    )
