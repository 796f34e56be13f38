"""The share of each model in the forecast of a series: by its errors in the backtest, shrunk to those of its class.

Shares are those of 1 / E^p, E the mean squared error over the origins (Bates and Granger 1969 combine by p = 1). Few
origins say little about one series, so the logarithm of its relative error is averaged with that of its class of
demand, which counts as much as CLASS_ORIGINS origins; and a class of few series is shrunk to equal shares. Models that
are much worse than the best of the class take no part. How the numbers were found: docs/benchmarks.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.spark.few_rows import few_rows
from jobs.forecast.demand.changes import y_known_on
from jobs.forecast.demand.inputs import CORRECTED

if TYPE_CHECKING:
    from jobs.forecast.trials.origins import Origins

COMBINED: Final = "combined"
"""The model of rows that are the weighted mean of the others."""

SCORED, FAILED = "scored", "failed"

POWER: Final = 4.0
CLASS_ORIGINS: Final = 4.0
# Errors of this many pairs of series and origin count as much as the belief that all models are equally good.
_EQUAL_PAIRS: Final = 20.0
_WORST_RATIO: Final = 2.0
_SMALLEST_SHARE: Final = 0.02
_LARGEST_RATIO: Final = 1_000.0
# Sums differ in their last digits by the order of their parts, which no two runs have in common.
_DECIMALS: Final = 9
FINAL: Final = date(9999, 12, 31)
"""The moment of use of the weights by which what comes is forecast: after every origin."""


def uses_of(origins: Origins) -> list[tuple[date, date, date]]:
    """Triples (cutoff, use, moment): the errors from a cutoff are known once its last period is over, and then they
    count for every later origin, as they were known at the end of ``moment``; for FINAL as they are known today.
    """
    last = origins.periods.named(FINAL)
    found = [(cutoff, last, FINAL) for cutoff in origins.cutoffs]
    for cutoff in origins.cutoffs:
        known = origins.future(cutoff)[-1]
        found.extend((cutoff, use, origins.periods.last_day(use)) for use in origins.cutoffs if known <= use)
    return found


def without_stock_outs(rows: DataFrame, demand: DataFrame) -> DataFrame:
    """``rows`` (COLUMNS of origins), those of periods in which ``demand`` ``is_censored`` as rows without a value.

    What was sold of an empty shelf is no truth to compare a forecast with.
    """
    out = demand.where("is_censored").select("unique_id", "ds", F.lit(True).alias("_is_out"))
    met = rows.join(out, ["unique_id", "ds"], "left")
    is_out = F.coalesce("_is_out", F.lit(False)) & (F.col("step") > 0)
    return met.withColumns(
        {
            "ds": F.when(is_out, F.col("cutoff")).otherwise(F.col("ds")),
            **{name: F.when(~is_out, F.col(name)) for name in ("y", "y_hat")},
            "reason": F.when(is_out, F.lit("out of stock")).otherwise(F.col("reason")),
            "step": F.when(is_out, 0).otherwise(F.col("step")),
        }
    ).drop("_is_out")


def as_known(rows: DataFrame, corrections: DataFrame, uses: Sequence[tuple[date, date, date]]) -> DataFrame:
    """``rows`` of BACKTESTS once for each ``use`` of their cutoff, with ``y`` as it was known at that moment.

    ``corrections`` is ``unique_id, ds`` with CORRECTED of inputs.py, of the periods that were corrected later.
    """
    kind = rows.schema["cutoff"].dataType.simpleString()
    pairs = few_rows(rows.sparkSession, list(uses), f"cutoff {kind}, use {kind}, moment date")
    paired = rows.join(F.broadcast(pairs), "cutoff", "inner").join(corrections, ["unique_id", "ds"], "left")
    return paired.withColumn("y", y_known_on("moment")).drop("moment", *CORRECTED)


def origin_errors(rows: DataFrame) -> DataFrame:
    """``use, unique_id, demand_class, model, cutoff, error`` of ``as_known`` rows with a class: mean of e^2 / scale."""
    squared = F.pow(F.col("y") - F.col("y_hat"), 2.0)
    scale = F.when(F.col("scale_mse") > 0, F.col("scale_mse")).otherwise(1.0)
    keys = ("use", "unique_id", "demand_class", "model", "cutoff")
    return rows.groupBy(*keys).agg(F.round(F.avg(squared / scale), _DECIMALS).alias("error"))


def model_weights(errors: DataFrame, series: DataFrame, *, gated: bool = True) -> DataFrame:
    """``use, unique_id, model, weight, origins``: shares that add up to 1 for each series and moment of use.

    ``errors`` as ``origin_errors`` gives them, ``series`` is unique_id, demand_class: a series without errors of its
    own has the shares of its class. ``origins`` counts the series' own origins behind a share. Without ``gated`` each
    model takes part, however bad.
    """
    own = (
        errors.withColumn("demand_class", _class())
        .groupBy("use", "unique_id", "demand_class", "model")
        .agg(F.avg("error").alias("error"), F.count(F.lit(1)).alias("origins"))
    )
    of_series = Window.partitionBy("use", "unique_id")
    # A model tried from fewer origins than another was spared the harder ones.
    fair = own.withColumn("_most", F.max("origins").over(of_series)).where(F.col("origins") == F.col("_most"))
    middle = fair.groupBy("use", "unique_id").agg(F.expr("percentile(error, 0.5)").alias("_middle"))
    relative = fair.join(middle, ["use", "unique_id"], "inner").withColumn("relative", _log_ratio())
    pooled = relative.groupBy("use", "demand_class", "model").agg(
        F.round(F.avg("relative"), _DECIMALS).alias("_mean"), F.sum("origins").alias("_pairs")
    )
    pooled = pooled.withColumn("pooled", F.col("_mean") * F.col("_pairs") / (F.col("_pairs") + _EQUAL_PAIRS))
    of_class = Window.partitionBy("use", "demand_class")
    good = pooled.where(F.col("_pairs") > 0).withColumn("_best", F.min("pooled").over(of_class))
    if gated:
        good = good.where(F.col("pooled") <= F.col("_best") + math.log(_WORST_RATIO))
    asked = series.select("unique_id", "demand_class").withColumn("demand_class", _class())
    wanted = asked.join(F.broadcast(good.select("use", "demand_class", "model", "pooled")), "demand_class", "inner")
    both = wanted.join(
        relative.select("use", "unique_id", "model", "relative", "origins"), ["use", "unique_id", "model"], "left"
    )
    origins = F.coalesce("origins", F.lit(0))
    score = (origins * F.coalesce("relative", F.lit(0.0)) + CLASS_ORIGINS * F.col("pooled")) / (origins + CLASS_ORIGINS)
    shares = both.withColumns({"origins": origins.cast("int"), "_raw": F.exp(-POWER * score)})
    shares = shares.withColumn("_share", F.col("_raw") / F.sum("_raw").over(of_series))
    kept = shares.where(F.col("_share") >= _SMALLEST_SHARE) if gated else shares
    weight = F.round(F.col("_share") / F.sum("_share").over(of_series), _DECIMALS)
    return kept.select("use", "unique_id", "model", weight.alias("weight"), "origins")


def _class() -> Column:
    return F.coalesce("demand_class", F.lit("none"))


def _log_ratio() -> Column:
    """ln of a model's error over the middle one of the series, bounded; 0 where both are 0."""
    ratio = F.when(F.col("_middle") > 0, F.col("error") / F.col("_middle")).otherwise(
        F.when(F.col("error") > 0, _LARGEST_RATIO).otherwise(1.0)
    )
    return F.log(F.least(F.greatest(ratio, F.lit(1 / _LARGEST_RATIO)), F.lit(_LARGEST_RATIO)))


def combined(rows: DataFrame, weights: DataFrame) -> DataFrame:
    """Rows of BACKTESTS that are the weighted means of ``rows``: from each origin by what was known at it.

    From the earliest origin nothing was known of the models, so there are no such rows, except where it is the only
    one: there all models count the same.
    """
    keys = ("unique_id", "cutoff", "ds", "step")
    known = weights.where(F.col("use") != F.lit(FINAL)).withColumnRenamed("use", "cutoff")
    weighted = rows.join(
        known.select("cutoff", "unique_id", "model", "weight"), ["cutoff", "unique_id", "model"], "inner"
    )
    return _means(weighted, keys)


def equally_combined(rows: DataFrame) -> DataFrame:
    """Rows of BACKTESTS that are the plain means of ``rows``, for a backtest of a single origin."""
    return _means(rows.withColumn("weight", F.lit(1.0)), ("unique_id", "cutoff", "ds", "step"))


def _means(weighted: DataFrame, keys: Sequence[str]) -> DataFrame:
    y_hat = F.round(F.sum(F.col("weight") * F.col("y_hat")) / F.sum("weight"), _DECIMALS)
    same = ("y", "scale_mae", "scale_mse", "spread")
    return (
        weighted.groupBy(*keys)
        .agg(y_hat.alias("y_hat"), *(F.first(name).alias(name) for name in same))
        .withColumn("model", F.lit(COMBINED))
    )


def trials_of(rows: DataFrame, scores: DataFrame) -> DataFrame:
    """One row per series and model of ``rows`` (COLUMNS of origins) and ``scores``: its scores, or why it has none."""
    failures = rows.where(F.col("step") == 0).groupBy("unique_id", "model").agg(F.min("reason").alias("reason"))
    tried = rows.select("unique_id", "model").distinct()
    longest = rows.groupBy("unique_id").agg(F.max("season").alias("season_length"))
    scored = tried.join(scores, ["unique_id", "model"], "full").join(failures, ["unique_id", "model"], "left")
    scored = scored.join(longest, "unique_id", "left")
    return scored.withColumns(
        {
            "status": F.when(F.col("windows").isNotNull(), SCORED).otherwise(FAILED),
            "windows": F.coalesce("windows", F.lit(0)),
        }
    )


def with_weights(trials: DataFrame, weights: DataFrame) -> DataFrame:
    """``trials`` with ``weight``, ``is_champion`` (the largest share of the series) and ``chosen_because``."""
    final = weights.where(F.col("use") == F.lit(FINAL)).select("unique_id", "model", "weight", "origins")
    rows = trials.join(final, ["unique_id", "model"], "left")
    # Models that failed on the series would fail again.
    weight = F.when(F.col("status") == SCORED, F.col("weight"))
    rows = rows.withColumn("weight", weight)
    of_series = Window.partitionBy("unique_id")
    is_scored = (F.col("status") == SCORED) & (F.col("model") != COMBINED)
    total, scored = F.sum("weight").over(of_series), F.sum(is_scored.cast("int")).over(of_series)
    # Where none of the models that work for a series is good for its class, they all count the same.
    equal = F.when(is_scored, 1.0 / scored)
    rows = rows.withColumn("weight", F.when(total > 0, F.round(F.col("weight") / total, _DECIMALS)).otherwise(equal))
    order = of_series.orderBy(F.col("weight").desc_nulls_last(), "model")
    is_first = F.col("weight").isNotNull() & (F.row_number().over(order) == 1)
    because = F.format_string(
        "%.0f %% by its errors from %d origins and those of its class",
        F.col("weight") * 100,
        F.coalesce("origins", F.lit(0)),
    )
    return rows.withColumns(
        {"is_champion": is_first, "chosen_because": F.when(F.col("weight").isNotNull(), because)}
    ).drop("origins")
