"""First orders: of items that are announced and not sold yet, and of those that are forecast by analogy."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.analogies.announced import ANNOUNCED
from jobs.forecast.analogies.steps import ANALOGY
from jobs.forecast.stock.steps import FIRST_DAY, stock_as_of, without_old_counts

# Before any count or list, and before FIRST_DAY, which stands for rows without a day: whatever is known holds instead.
_FROM_THE_BEGINNING: Final = FIRST_DAY - timedelta(days=1)


def stock_with_new(stock: DataFrame, series: DataFrame, as_of: date, old_stock_days: int) -> DataFrame:
    """``stock_as_of`` without old counts, and with the announced ones of ``series`` that nobody has counted.

    Of an item that was never sold nothing is on hand until somebody counts it, and on order is what a list says.
    """
    new = series.where(F.col("reason") == ANNOUNCED).select(
        "unique_id", F.lit(0.0).alias("on_hand"), F.lit(_FROM_THE_BEGINNING).alias("as_of_day")
    )
    known = stock_as_of(stock.unionByName(new, allowMissingColumns=True), as_of)
    known = without_old_counts(known, as_of, old_stock_days)
    is_new = F.coalesce(F.col("counted_on") == F.lit(_FROM_THE_BEGINNING), F.lit(False))
    return known.withColumns(
        {
            "on_hand": F.when(is_new, 0.0).otherwise(F.col("on_hand")),
            "old_count_days": F.when(~is_new, F.col("old_count_days")),
        }
    )


def with_later_reviews(demand: DataFrame) -> DataFrame:
    """``covered_demand`` in which the review of an item by analogy is the one that begins when an order comes.

    Where no stock is known a review's demand is ordered. That of a new item is not the one after it, and an order for
    the first weeks must come before them.
    """
    later = F.col("protection_demand") - F.col("lead_time_demand")
    return demand.withColumn(
        "review_demand", F.when(F.col("model") == ANALOGY, later).otherwise(F.col("review_demand"))
    )
