"""Sales lines to demand: which lines count, units a period, and a full grid of periods for each series."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.periods import Periods

LEFT_OUT = "left_out"
FRAUD, NO_PRODUCT, ADJUSTMENT, OTHER_PERIOD = "confirmed fraud", "no product", "stock adjustment", "unfinished period"


def with_left_out(
    lines: DataFrame, whole: DayRange, periods: Periods, *, no_products: Sequence[str], fraud: DataFrame | None
) -> DataFrame:
    """Sales lines with ``ds`` and ``left_out``: why a line is no demand of the periods ``whole``, null when it is.

    ``no_products`` are regular expressions for whole item codes; ``fraud`` has the ``transaction_id`` of confirmed
    frauds, compared with a line's transaction and invoice. A line without price and customer moves stock; nobody bought
    anything.
    """
    dated = lines.withColumn("ds", periods.start_of("sold_day"))
    if fraud is None:
        judged = dated.withColumn("_is_fraud", F.lit(False))
    else:
        known = fraud.select(F.col("transaction_id").alias("_fraud_id")).distinct().withColumn("_is_fraud", F.lit(True))
        told = F.coalesce(F.col("transaction_id"), F.col("invoice_id"))
        judged = dated.withColumn("_told", told).join(known, F.col("_told") == F.col("_fraud_id"), "left")
        judged = judged.withColumn("_is_fraud", F.coalesce("_is_fraud", F.lit(False))).drop("_told", "_fraud_id")
    pattern = "^(?i)(" + "|".join(no_products) + ")$" if no_products else "(?!)"
    free = F.coalesce(F.col("unit_price") <= 0, F.lit(False)) & F.col("customer_id").isNull()
    inside = F.col("ds").between(F.lit(whole.first), F.lit(whole.last))
    reason = (
        F.when(F.col("_is_fraud"), FRAUD)
        .when(~F.col("is_series") & F.col("item_id").rlike(pattern), NO_PRODUCT)
        .when(~F.col("is_series") & free, ADJUSTMENT)
        .when(~inside, OTHER_PERIOD)
    )
    return judged.withColumn(LEFT_OUT, reason).drop("_is_fraud")


def with_series(lines: DataFrame, series_by: Sequence[str]) -> DataFrame:
    """Lines with ``unique_id``: the values of ``series_by`` joined by ``/``."""
    parts = [F.coalesce(F.col(name), F.lit("unknown")) for name in series_by]
    return lines.withColumn(
        "unique_id", F.when(F.col("is_series"), F.col("item_id")).otherwise(F.concat_ws("/", *parts))
    )


def period_demand(netted: DataFrame) -> DataFrame:
    """Lines that count (unique_id, ds, quantity, net_quantity, unit_price, is_series) as one row a series and period.

    ``y`` is what was bought and kept, never below zero; ``units_sold`` what was bought, ``units_returned`` what was
    given back of it or without it; ``units_floored`` what was given back beyond all that was sold, and so not counted.
    """
    quantity, net = F.col("quantity"), F.col("net_quantity")
    net_sum = F.sum("net_quantity")
    return (
        netted.groupBy("unique_id", "ds")
        .agg(
            F.when(F.max("is_series"), net_sum).otherwise(F.greatest(net_sum, F.lit(0.0))).alias("y"),
            F.sum(F.greatest(quantity, F.lit(0.0))).alias("units_sold"),
            F.sum(F.greatest(quantity, F.lit(0.0)) - net).alias("units_returned"),
            F.greatest(-net_sum, F.lit(0.0)).alias("units_floored"),
            F.sum(net * F.coalesce(F.col("unit_price").cast("double"), F.lit(0.0))).alias("value"),
            F.max("is_series").alias("is_series"),
        )
        .withColumn("units_floored", F.when(F.col("is_series"), 0.0).otherwise(F.col("units_floored")))
    )


def on_grid(demand: DataFrame, births: DataFrame, whole: DayRange, periods: Periods) -> DataFrame:
    """``period_demand`` on a full grid: each series from its birth to the last of ``whole``, columns of DEMAND.

    ``births`` (unique_id, first_ds, is_series) has one row a series. Before its birth a series has no rows. A period in
    which not one line was sold in the whole shop ``is_closed``. A period that a ready series leaves out is not zero but
    unknown: it takes the value before it, and is counted as closed.
    """
    first = F.greatest("first_ds", F.lit(whole.first))
    steps = F.explode(F.sequence(first, F.lit(whole.last), F.expr(periods.step_sql)))
    grid = births.where(F.col("first_ds") <= F.lit(whole.last)).select("unique_id", "is_series", steps.alias("ds"))
    open_periods = demand.where(F.col("units_sold") > 0).select("ds").distinct().withColumn("_is_open", F.lit(True))
    filled = grid.join(demand.drop("is_series"), ["unique_id", "ds"], "left").join(
        F.broadcast(open_periods), "ds", "left"
    )
    before = Window.partitionBy("unique_id").orderBy("ds").rowsBetween(Window.unboundedPreceding, 0)
    known = F.when(F.col("is_series"), F.last("y", ignorenulls=True).over(before)).otherwise(F.col("y"))
    closed = F.when(F.col("is_series"), F.col("y").isNull()).otherwise(F.col("_is_open").isNull())
    return filled.select(
        "unique_id",
        F.lit(periods.freq).alias("freq"),
        "ds",
        F.coalesce(known, F.lit(0.0)).alias("y"),
        F.coalesce("units_sold", F.lit(0.0)).alias("units_sold"),
        F.coalesce("units_returned", F.lit(0.0)).alias("units_returned"),
        closed.alias("is_closed"),
    )
