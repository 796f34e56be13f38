"""Demand by the day each part of it became known, and demand as known on any given day.

A sale is known on its day. A return takes units off the period of the purchase that it undoes, but only from its own
day on; so does the report of a fraud, and a withdrawn report puts the units back.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    BooleanType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
)

from common.lake.table import Table
from jobs.forecast.demand.periods import Periods

DEMAND_CHANGES = Table(
    name="forecast.demand_changes",
    layer="gold",
    schema=StructType(
        [
            StructField("unique_id", StringType(), nullable=False),
            StructField("freq", StringType(), nullable=False),
            StructField("ds", DateType(), nullable=False),
            StructField("known_on", DateType(), nullable=False),
            StructField("is_series", BooleanType(), nullable=False),
            StructField("lines", LongType(), nullable=False),
            StructField("units_sold", DoubleType(), nullable=False),
            StructField("units_returned", DoubleType(), nullable=False),
            StructField("value", DoubleType(), nullable=False),
            # Null in rows of earlier releases.
            StructField("hour", IntegerType(), nullable=True),
            StructField("handed_on", DateType(), nullable=True),
            StructField("censored", StringType(), nullable=True),
        ]
    ),
    keys=("unique_id", "ds", "hour", "known_on", "handed_on"),
    day_column="ds",
    cluster_by=("unique_id",),
    suite="forecast.demand_changes",
    description=(
        "What became known of the demand of a period ds, and on which day: differences of lines, units and value. "
        "Demand as of a day is the sum of what was known by its end, never below zero but for ready series. It counts "
        "for the series from handed_on on: known_on, or the day on which another series handed it over. censored says "
        "that the series was out of stock in the period, and what becomes of its value: correct or unknown."
    ),
)

NEVER: Final = 2_932_896
"""31 December 9999 in days since 1970: the end of a span that never ends."""

_DECIMALS = 9  # Sums of floating-point numbers must not depend on their order.
_EPOCH = date(1970, 1, 1)


def days_since_epoch(day: date) -> int:
    """The day as Spark's ``unix_date`` counts it."""
    return (day - _EPOCH).days


def changes_of(parts: DataFrame, freq: str) -> DataFrame:
    """``parts`` (``parts_of_demand``) as DEMAND_CHANGES: one row for each series, period and day of knowledge.

    ``hour`` is left to ``as_stored``.

    A part counts from ``known_on`` on, except in its spans ``void`` (pairs of days since 1970: first, first not), and
    for its series from ``handed_on`` on, where there is such a column.
    """
    known, void = F.unix_date("known_on"), F.col("void")
    turns = F.filter(F.flatten(void), lambda day: (day > known) & (day < F.lit(NEVER)))
    days = F.concat(F.array(known), F.array_sort(F.array_distinct(turns)))
    counting = F.transform(
        days, lambda day: (~F.exists(void, lambda span: (span[0] <= day) & (day < span[1]))).cast("int")
    )
    steps = F.transform(
        F.arrays_zip(days.alias("day"), counting.alias("now"), _one_later(counting).alias("before")),
        lambda step: F.struct(step["day"].alias("day"), (step["now"] - step["before"]).alias("sign")),
    )
    always = F.array(F.struct(known.alias("day"), F.lit(1).alias("sign")))
    signed = parts.withColumn("_step", F.explode(F.when(void.isNull(), always).otherwise(steps)))
    sign = F.col("_step.sign")
    turned = F.date_from_unix_date("_step.day")
    handed_on = F.greatest("handed_on", turned) if "handed_on" in parts.columns else turned
    censored = F.max("censored") if "censored" in parts.columns else F.lit(None).cast("string")
    return (
        signed.where(sign != 0)
        .groupBy("unique_id", "ds", turned.alias("known_on"), handed_on.alias("handed_on"))
        .agg(
            F.max("is_series").alias("is_series"),
            F.sum(sign * F.col("lines")).cast("long").alias("lines"),
            *(_total(sign * F.col(name)).alias(name) for name in ("units_sold", "units_returned", "value")),
            censored.alias("censored"),
        )
        .withColumn("freq", F.lit(freq))
        .select(*(name for name in DEMAND_CHANGES.schema.names if name != "hour"))
    )


def _one_later(values: Column) -> Column:
    return F.concat(F.array(F.lit(0)), F.slice(values, 1, F.size(values) - 1))


def _total(column: Column) -> Column:
    return F.round(F.sum(column), _DECIMALS)


def demand_as_of(changes: DataFrame, day: date, periods: Periods, *, corrected_after: date | None = None) -> DataFrame:
    """Demand as known at the end of ``day``: one row for each series and period of DEMAND_CHANGES.

    ``net`` is ``units_sold`` less ``units_returned`` (with or without a matching purchase); ``y`` is the same, but
    never below zero unless ``is_series``; ``units_floored`` are the units returned beyond all units sold, which are
    therefore not counted; ``censored`` is what becomes of a period out of stock. With ``corrected_after``, ``later_on``
    (days since 1970) and ``later_units`` list the changes of ``net`` that became known after the end of their period
    and after that day; null where there are none.
    """
    is_known = F.coalesce("handed_on", "known_on") <= F.lit(day)
    net = F.col("units_sold") - F.col("units_returned")
    found = [
        F.max("is_series").alias("is_series"),
        F.sum("lines").alias("lines"),
        *(_total(F.col(name)).alias(name) for name in ("units_sold", "units_returned", "value")),
        _total(net).alias("net"),
        (F.max("censored") if "censored" in changes.columns else F.lit(None).cast("string")).alias("censored"),
    ]
    if corrected_after is not None:
        is_late = F.col("known_on") > F.greatest(F.lit(corrected_after), periods.last_day_of("ds"))
        change = F.struct(F.unix_date("known_on").alias("day"), net.alias("units"))
        found.append(F.sort_array(F.collect_list(F.when(is_late, change))).alias("_later"))
    rows = changes.where(is_known).groupBy("unique_id", "ds").agg(*found)
    is_series = F.col("is_series")
    rows = rows.withColumns(
        {
            "y": F.when(is_series, F.col("net")).otherwise(F.greatest("net", F.lit(0.0))),
            "units_floored": F.when(is_series, 0.0).otherwise(F.greatest(-F.col("net"), F.lit(0.0))),
        }
    )
    if corrected_after is None:
        return rows
    has_later = F.size("_later") > 0
    return rows.withColumns(
        {"later_on": F.when(has_later, F.col("_later.day")), "later_units": F.when(has_later, F.col("_later.units"))}
    ).drop("_later")


def y_known_on(moment: str) -> Column:
    """``y`` of ``demand_as_of`` as it was at the end of the day in the column ``moment``, from its later changes."""
    unknown = F.zip_with(
        "later_on",
        "later_units",
        lambda day, units: F.when(day > F.unix_date(F.col(moment)), units).otherwise(F.lit(0.0)),
    )
    total = F.aggregate(unknown, F.lit(0.0), lambda sum_, units: sum_ + units)
    before = F.greatest(F.round(F.col("net") - total, _DECIMALS), F.lit(0.0))
    return F.when(F.col("later_on").isNull() | (total == 0), F.col("y")).otherwise(before)
