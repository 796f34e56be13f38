"""Stock-outs: periods in which a series could not be sold all the time, so that its sales are a lower bound of demand.

A period is out of stock when a line sold in it, or a count made in it, says that nothing was left. What demand d would
have been, given that at least the s units sold were asked for, is estimated without a distribution: E(d | d >= s) over
the last RECENT periods of the series, those that were out of stock left out (compare Lau and Lau 1996, Estimating the
demand distribution of single-period items having frequent stockouts, European J. Oper. Res. 92). Only earlier periods
count, so that a forecast from an earlier origin sees the same. Where none of them had so much, s stays.
"""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods

CENSORED, CORRECT, UNKNOWN, IGNORE = "censored", "correct", "unknown", "ignore"
RECENT: Final = 28


def with_marks(parts: DataFrame, lines: DataFrame, stock: DataFrame | None, periods: Periods, how: str) -> DataFrame:
    """``parts`` of demand and marks of stock-outs: parts of no units with ``censored``, known on the day they are of.

    ``lines`` (unique_id, ds, sold_day, is_series, stock) are sales lines, ``stock`` rows of STOCK. ``how`` is what to
    do with a period out of stock: CORRECT its value, hold it for UNKNOWN, or IGNORE it. Counts mark series of sales
    lines only: a ready series says itself of which periods it has a value.
    """
    if how == IGNORE:
        return parts.withColumn(CENSORED, F.lit(None).cast("string"))
    of_lines = lines.where(F.col("stock") <= 0).select(
        "unique_id", "ds", F.col("sold_day").alias("known_on"), "is_series"
    )
    marks = of_lines
    if stock is not None and periods.freq != "H":
        named = parts.where(~F.col("is_series")).select("unique_id").distinct()
        counts = stock.where((F.col("on_hand") <= 0) & F.col("as_of_day").isNotNull())
        of_counts = counts.join(named, "unique_id", "left_semi").select(
            "unique_id",
            periods.start_of("as_of_day").alias("ds"),
            F.col("as_of_day").alias("known_on"),
            F.lit(False).alias("is_series"),
        )
        marks = marks.unionByName(of_counts)
    # The first day on which it was known is enough.
    first = marks.groupBy("unique_id", "ds").agg(
        F.min("known_on").alias("known_on"), F.max("is_series").alias("is_series")
    )
    zero = {name: F.lit(0.0) for name in ("units_sold", "units_returned", "value")}
    rows = first.withColumns(
        {**zero, "lines": F.lit(0), "void": F.lit(None).cast("array<array<int>>"), CENSORED: F.lit(how)}
    )
    return parts.withColumn(CENSORED, F.lit(None).cast("string")).unionByName(rows)


def treated(grid: DataFrame) -> DataFrame:
    """``grid`` (unique_id, ds, y, is_closed, ``censored``) with ``is_censored``, ``units_lost`` and ``y_treated``.

    ``units_lost`` is what the estimate adds to the units sold, null unless it is asked for; ``y_treated`` is the demand
    to learn from: ``y``, the estimate, or null where nothing is known. A closed shop had no demand to lose.
    """
    is_censored = F.col(CENSORED).isNotNull() & ~F.col("is_closed")
    before = Window.partitionBy("unique_id").orderBy("ds").rowsBetween(-RECENT, -1)
    usable = F.when(~is_censored & ~F.col("is_closed"), F.col("y"))
    recent = F.filter(F.collect_list(usable).over(before), lambda value: value >= F.col("y"))
    known = grid.withColumns({"is_censored": is_censored, "_recent": recent})
    lost = F.when(F.size("_recent") > 0, F.greatest(_mean("_recent") - F.col("y"), F.lit(0.0))).otherwise(0.0)
    how = F.when(F.col("is_censored"), F.col(CENSORED))
    lost = F.when((how == CORRECT) & F.col("y").isNotNull(), F.round(lost, 9))
    rows = known.withColumn("units_lost", lost)
    value = F.when(how == UNKNOWN, F.lit(None)).otherwise(F.col("y") + F.coalesce("units_lost", F.lit(0.0)))
    return rows.withColumn("y_treated", value).drop("_recent")


def _mean(values: str) -> Column:
    total = F.aggregate(values, F.lit(0.0), lambda sum_, value: sum_ + value)
    return total / F.size(values)
