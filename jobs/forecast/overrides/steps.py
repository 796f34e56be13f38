"""Overrides of planners to forecasts: which of them hold as of a day, and what they make of a forecast.

The last one made for a period holds. One that gives neither units nor a factor, or both, or less than zero, or no
reason, or ends before it begins, is invalid. Of several of one moment that say different things none holds.
"""

from __future__ import annotations

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.trials.tables import QUANTILES

INVALID, LATER, CONTRADICTORY, NO_FORECAST, HOLDS, REPLACED = (
    "invalid",
    "made later",
    "contradictory",
    "no such series or period",
    "holds",
    "replaced by a later one",
)


def judged_overrides(overrides: DataFrame, as_of: date) -> DataFrame:
    """``overrides`` (KNOWN_OVERRIDES) with ``fate``: INVALID, LATER (made after the end of ``as_of``), or null.

    The day on which one was made is ``made_day``, by the clock of its feed, or else that of ``made_at`` in UTC.
    """
    units, factor = F.col("y_hat"), F.col("factor")
    given = F.coalesce(units, factor)
    is_fine = (
        (units.isNull() != factor.isNull())
        & (given >= 0)
        & (given < float("inf"))
        & ~F.isnan(given)
        & (F.coalesce("last_ds", "first_ds") >= F.col("first_ds"))
        & (F.trim("reason") != "")
    )
    made = F.coalesce("made_day", F.to_date("made_at"))
    fate = F.when(~F.coalesce(is_fine, F.lit(False)), INVALID).when(made > F.lit(as_of), LATER)
    return overrides.withColumn("fate", fate)


def fitted(judged: DataFrame, forecasts: DataFrame) -> DataFrame:
    """Each override once for each period of ``forecasts`` (unique_id, ds) that it covers, with its ``fate`` there.

    An override that covers none, or has a fate before, has one row without ``ds``.
    """
    days = forecasts.select("unique_id", "ds")
    covers = [
        judged["unique_id"] == days["unique_id"],
        judged["fate"].isNull(),
        F.to_date(days["ds"]).between(judged["first_ds"], F.coalesce(judged["last_ds"], judged["first_ds"])),
    ]
    rows = judged.join(days, covers, "left").select(judged["*"], days["ds"])
    of_period = Window.partitionBy("unique_id", "ds", "fate")
    is_last = F.col("made_at") == F.max("made_at").over(of_period)
    says = F.struct("y_hat", "factor")
    at_once = Window.partitionBy("unique_id", "ds", "fate", "made_at")
    differ = F.min(says).over(at_once) != F.max(says).over(at_once)
    fate = (
        F.when(F.col("fate").isNotNull(), F.col("fate"))
        .when(F.col("ds").isNull(), NO_FORECAST)
        .when(~is_last, REPLACED)
        .when(differ, CONTRADICTORY)
        .otherwise(HOLDS)
    )
    return rows.withColumn("fate", fate)


def overridden(forecasts: DataFrame, fits: DataFrame) -> DataFrame:
    """``forecasts`` with the overrides of ``fits`` that hold, ``statistical_y_hat`` and ``override_reason``.

    Units move the mean to them and each quantile by as many; a factor multiplies all. What was not negative does not
    become so. Where nothing holds, both columns are null.
    """
    held = (
        fits.where(F.col("fate") == HOLDS)
        .groupBy("unique_id", "ds")
        .agg(
            F.max("y_hat").alias("_units"),
            F.max("factor").alias("_factor"),
            F.min("reason").alias("override_reason"),
        )
    )
    rows = forecasts.join(held, ["unique_id", "ds"], "left")
    has = F.col("override_reason").isNotNull()
    statistical = F.col("y_hat")

    def moved(name: str) -> Column:
        value = F.col(name)
        shifted = F.when(F.col("_factor").isNotNull(), value * F.col("_factor")).otherwise(
            value + F.col("_units") - statistical
        )
        floored = F.when(value >= 0, F.greatest(shifted, F.lit(0.0))).otherwise(shifted)
        return F.when(has, floored).otherwise(value)

    columns = {name: moved(name) for name in ("y_hat", *QUANTILES)}
    return rows.withColumns({**columns, "statistical_y_hat": F.when(has, statistical)}).drop("_units", "_factor")
