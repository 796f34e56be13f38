"""Classifies each series: its demand class, and whether it can be modelled."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.tables import SERIES

MODELLED, FALLBACK, LEFT_OUT = "modelled", "fallback", "left out"
TOO_SHORT = "FCT-201 too few periods of history"
ONE_POINT = "FCT-202 a single period of history"
ALL_ZEROS = "FCT-203 no demand at all"
ENDED = "FCT-204 no demand for long: ended"
BEYOND = "FCT-205 not among the most valuable series asked for"
NEGATIVE = "FCT-206 no value above zero"
NOT_BEGUN = "FCT-207 its first period is not over"

# Syntetos, Boylan and Croston (2005), On the categorization of demand patterns, J. Oper. Res. Soc. 56.
ADI_LIMIT = 1.32
CV2_LIMIT = 0.49


def profiles(grid: DataFrame) -> DataFrame:
    """One row a series of ``grid`` (columns of DEMAND): how long it is, its ADI and squared CV, its class.

    ADI is the number of open periods for each period with demand; CV2 the squared coefficient of variation (sample
    standard deviation) of demand where there is any. Closed periods count for neither.
    """
    is_open = ~F.col("is_closed")
    has_demand = is_open & (F.col("y") > 0)
    size = F.when(has_demand, F.col("y"))
    found = grid.groupBy("unique_id", "freq").agg(
        F.min("ds").alias("first_ds"),
        F.max("ds").alias("last_ds"),
        F.max(F.when(has_demand, F.col("ds"))).alias("last_sale_ds"),
        F.count(F.lit(1)).alias("periods"),
        F.count_if(is_open).alias("open_periods"),
        F.count_if(has_demand).alias("demand_periods"),
        F.sum("y").alias("units"),
        F.avg(size).alias("_mean"),
        F.stddev_samp(size).alias("_sd"),
    )
    adi = F.when(F.col("demand_periods") > 0, F.col("open_periods") / F.col("demand_periods"))
    cv2 = F.when(F.col("demand_periods") > 0, F.pow(F.coalesce(F.col("_sd"), F.lit(0.0)) / F.col("_mean"), 2.0))
    return (
        found.withColumns({"adi": adi, "cv2": cv2})
        .withColumn("demand_class", demand_class(F.col("adi"), F.col("cv2")))
        .drop("_mean", "_sd")
    )


def demand_class(adi: Column, cv2: Column) -> Column:
    """``smooth``, ``erratic``, ``intermittent`` or ``lumpy``; null without any demand."""
    return (
        F.when((adi < ADI_LIMIT) & (cv2 < CV2_LIMIT), "smooth")
        .when(adi < ADI_LIMIT, "erratic")
        .when(cv2 < CV2_LIMIT, "intermittent")
        .when(adi.isNotNull(), "lumpy")
    )


def judged_series(
    profile: DataFrame,
    facts: DataFrame,
    *,
    as_of: date,
    min_periods: int,
    ended_after_days: int,
    max_series: int,
) -> DataFrame:
    """``profile`` with ``status`` and ``reason``, as columns of SERIES.

    ``facts`` has ``unique_id, item_name, value``. With ``max_series`` above zero only the most valuable series (by
    value, then units, then name) are forecast. Series that are too short, a single point, or without any value above
    zero are forecast by a fallback; ended ones and those beyond ``max_series`` are left out.
    """
    rows = profile.join(facts, "unique_id", "left").withColumn("value", F.coalesce("value", F.lit(0.0)))
    age = F.datediff(F.lit(as_of), F.col("last_sale_ds"))
    has_ended = F.coalesce(age > ended_after_days, F.lit(False))
    if max_series:
        chosen = (
            rows.where(~has_ended)
            .orderBy(F.col("value").desc(), F.col("units").desc(), F.col("unique_id"))
            .limit(max_series)
            .select("unique_id", F.lit(True).alias("_is_chosen"))
        )
        rows = rows.join(chosen, "unique_id", "left")
    else:
        rows = rows.withColumn("_is_chosen", F.lit(True))
    reason = (
        F.when(has_ended, ENDED)
        .when(F.col("_is_chosen").isNull(), BEYOND)
        .when((F.col("demand_periods") == 0) & (F.col("units") < 0), NEGATIVE)
        .when(F.col("demand_periods") == 0, ALL_ZEROS)
        .when(F.col("periods") == 1, ONE_POINT)
        .when(F.col("periods") < min_periods, TOO_SHORT)
    )
    status = (
        F.when(F.col("reason").isNull(), MODELLED)
        .when(F.col("reason").isin(ENDED, BEYOND), LEFT_OUT)
        .otherwise(FALLBACK)
    )
    described = rows.withColumn("reason", reason).withColumn("status", status).withColumn("as_of_date", F.lit(as_of))
    return described.select(*SERIES.schema.names)


def not_begun(births: DataFrame, last_ds: date, periods: Periods, *, as_of: date) -> DataFrame:
    """The series of ``births`` (unique_id, first_ds) that begin after ``last_ds``, as columns of SERIES."""
    known = {
        "as_of_date": F.lit(as_of),
        "freq": F.lit(periods.freq),
        "status": F.lit(LEFT_OUT),
        "reason": F.lit(NOT_BEGUN),
    }
    zero = dict.fromkeys(("periods", "open_periods", "demand_periods", "units", "value"), F.lit(0))
    given = {**known, **zero, "unique_id": F.col("unique_id")}
    return births.where(F.col("first_ds") > F.lit(last_ds)).select(
        *(given.get(item.name, F.lit(None)).cast(item.dataType).alias(item.name) for item in SERIES.schema)
    )
