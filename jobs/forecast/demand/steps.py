"""Sales lines to demand: which lines count and when, and a full grid of periods for each series."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.quality.library import is_blank
from jobs.forecast.demand.changes import NEVER
from jobs.forecast.demand.hierarchy import column_value, joined
from jobs.forecast.demand.neighbours import BOOKED_ON
from jobs.forecast.demand.periods import Periods
from jobs.forecast.sales.steps import RECEIPTS

LEFT_OUT = "left_out"
FRAUD, NO_PRODUCT, ADJUSTMENT, OTHER_PERIOD = "confirmed fraud", "no product", "stock adjustment", "unfinished period"
BOOKED = "booked by a sales line"

_FOR_A_TIME = (FRAUD, BOOKED, OTHER_PERIOD)


def with_left_out(
    lines: DataFrame,
    whole: DayRange,
    periods: Periods,
    *,
    as_of: date,
    no_products: Sequence[str],
    frauds: DataFrame | None,
) -> DataFrame:
    """Sales lines with ``ds``, ``void`` and ``left_out``: why, at the end of ``as_of``, a line does not count
    as demand of the periods ``whole``; null when it does.

    No product is a line whose ``is_product`` is false (null says nothing), or whose item code is matched as a whole by
    one of the regular expressions ``no_products``. A line without price and customer moves stock; nobody
    bought anything. ``void`` lists the spans (pairs of days since 1970, the end exclusive) in which a line does not
    count: those of its transaction in ``frauds`` (transaction_id, frauds), and from ``booked_on`` on. A purchase
    belongs to a transaction of its day with the id of its transaction or of its invoice, give or take a day because
    clocks differ; a return may also belong to one of an earlier day. A ready series is a total of many transactions,
    not a transaction itself.
    """
    dated = lines.withColumn("ds", periods.of_line())
    booked = F.when(F.col(BOOKED_ON).isNotNull(), F.array(F.array(F.unix_date(BOOKED_ON), F.lit(NEVER))))
    if frauds is None:
        judged = dated.withColumn("_fraud", F.lit(None).cast("array<array<int>>"))
    else:
        judged = _with_frauds(dated, frauds).withColumn("_fraud", _spans_of_fraud()).drop("frauds")
    today = F.unix_date(F.lit(as_of))
    pattern = "^(?i)(" + "|".join(no_products) + ")$" if no_products else "(?!)"
    is_product = F.coalesce("is_product", F.lit(True))
    free = F.coalesce(F.col("unit_price") <= 0, F.lit(False)) & F.col("customer_id").isNull()
    inside = F.col("ds").between(periods.literal(whole.first), periods.literal(whole.last))
    reason = (
        F.when(~F.col("is_series") & (~is_product | F.col("item_id").rlike(pattern)), NO_PRODUCT)
        .when(~F.col("is_series") & free, ADJUSTMENT)
        .when(F.exists("_fraud", lambda span: (span[0] <= today) & (today < span[1])), FRAUD)
        .when(F.col(BOOKED_ON) <= F.lit(as_of), BOOKED)
        .when(~inside, OTHER_PERIOD)
    )
    nothing = F.array().cast("array<array<int>>")
    void = F.concat(F.coalesce("_fraud", nothing), F.coalesce(booked, nothing))
    void = F.when(F.col("_fraud").isNotNull() | booked.isNotNull(), void)
    return judged.withColumns({LEFT_OUT: reason, "void": void}).drop("_fraud", BOOKED_ON)


def _with_frauds(lines: DataFrame, frauds: DataFrame) -> DataFrame:
    """``lines`` with ``frauds``: all of those that are known by the id of their transaction, or of their invoice."""
    none, named = F.array().cast(frauds.schema["frauds"].dataType), lines
    for name in RECEIPTS:
        # A line without the id gets a key of its own, because one task would join all the nulls.
        key = F.when(is_blank(name)(), F.concat(F.lit("\x00"), "line_id")).otherwise(F.col(name))
        known = frauds.select(F.col("transaction_id").alias("_key"), F.col("frauds").alias(f"_of_{name}"))
        named = named.withColumn("_key", key).join(known, "_key", "left").drop("_key")
    found = [f"_of_{name}" for name in RECEIPTS]
    return named.withColumn("frauds", F.concat(*(F.coalesce(one, none) for one in found))).drop(*found)


def _spans_of_fraud() -> Column:
    days = F.col("sold_day")
    own = F.filter(
        "frauds",
        lambda fraud: F.when(F.col("quantity") < 0, F.datediff(days, fraud["tx_day"]) >= -1).otherwise(
            F.abs(F.datediff(days, fraud["tx_day"])) <= 1
        ),
    )
    spans = F.transform(own, lambda fraud: fraud["span"])
    return F.when(~F.col("is_series") & (F.size(own) > 0), spans)


def may_count(lines: DataFrame) -> DataFrame:
    """The lines of ``with_left_out`` that count at some point in time or in some period."""
    return lines.where(F.col(LEFT_OUT).isNull() | F.col(LEFT_OUT).isin(*_FOR_A_TIME))


def with_series(lines: DataFrame, series_by: Sequence[str]) -> DataFrame:
    """Lines with ``unique_id``: the values of ``series_by`` joined by ``/``, which in all but the last is ``%2F``."""
    made = joined([column_value(name) for name in series_by])
    return lines.withColumn("unique_id", F.when(F.col("is_series"), F.col("item_id")).otherwise(made))


def births(counted: DataFrame, *, gaps_are_zero: bool) -> DataFrame:
    """The first period of each series of ``counted`` lines: unique_id, first_ds, is_series."""
    is_series = F.max("is_series") & F.lit(not gaps_are_zero)
    # A line that gives goods back begins no series; a negative value of a ready series does.
    bought = counted.where(F.col("is_series") | (F.col("quantity") >= 0))
    return bought.groupBy("unique_id").agg(F.min("ds").alias("first_ds"), is_series.alias("is_series"))


def item_names(past: DataFrame) -> DataFrame:
    """The item_name of each series of the lines ``past``: unique_id, item_name."""
    # An item's name is the one it was most often sold under: notes such as "damaged" are in the same column.
    sold = past.where(F.col("quantity") > 0).groupBy("unique_id", "item_name").agg(F.count(F.lit(1)).alias("times"))
    return sold.groupBy("unique_id").agg(F.max_by("item_name", F.struct("times", "item_name")).alias("item_name"))


def on_grid(
    demand: DataFrame, births: DataFrame, whole: DayRange, periods: Periods, *, extra: Sequence[str] = ()
) -> DataFrame:
    """``demand_as_of`` on a full grid: each series from its birth to the last of ``whole``, as DEMAND.

    ``births`` (unique_id, first_ds, is_series) has one row per series; ``extra`` are columns of ``demand`` to keep.
    Before its birth a series has no rows. A period in which not one line was sold in the whole shop ``is_closed``, and
    its ``y`` is 0. A period that a ready series leaves out is neither zero nor closed but unknown: its ``y`` is null.
    """
    first, last = F.greatest("first_ds", periods.literal(whole.first)), periods.literal(whole.last)
    steps = F.explode(F.sequence(first, last, F.expr(periods.step_sql)))
    grid = births.where(F.col("first_ds") <= last).select("unique_id", "is_series", steps.alias("ds"))
    open_periods = demand.where(F.col("units_sold") > 0).select("ds").distinct().withColumn("_is_open", F.lit(True))
    filled = grid.join(demand.drop("is_series"), ["unique_id", "ds"], "left").join(
        F.broadcast(open_periods), "ds", "left"
    )
    y = F.when(F.col("is_series"), F.col("y")).otherwise(F.coalesce("y", F.lit(0.0)))
    closed = ~F.col("is_series") & F.col("_is_open").isNull()
    return filled.select(
        "unique_id",
        F.lit(periods.freq).alias("freq"),
        "ds",
        y.alias("y"),
        F.coalesce("units_sold", F.lit(0.0)).alias("units_sold"),
        F.coalesce("units_returned", F.lit(0.0)).alias("units_returned"),
        closed.alias("is_closed"),
        *extra,
    )
