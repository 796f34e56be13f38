"""The choice of a model for each series: the best in the backtest, with ties for the incumbent and the simpler."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

SCORED, FAILED = "scored", "failed"


def with_champions(
    trials: DataFrame, incumbents: DataFrame | None, *, choose_by: str, tolerance: float, simplest_first: Sequence[str]
) -> DataFrame:
    """``trials`` (unique_id, model, status, windows, mae and the metrics) with ``is_champion`` and ``chosen_because``.

    Models that were scored from fewer origins than another of the series do not take part. Those within ``tolerance``
    of the best count as ties: the incumbent of ``incumbents`` (unique_id, model) if it is among them, else the
    first in ``simplest_first``. Where the metric is undefined (a constant series) the mean absolute error decides.
    """
    if incumbents is None:
        rows = trials.withColumn("_is_incumbent", F.lit(False))
    else:
        known = incumbents.select("unique_id", "model", F.lit(True).alias("_is_incumbent"))
        rows = trials.join(known, ["unique_id", "model"], "left")
        rows = rows.withColumn("_is_incumbent", F.coalesce("_is_incumbent", F.lit(False)))
    series = Window.partitionBy("unique_id")
    score = F.coalesce(F.col(choose_by), F.col("mae"))
    fair = (F.col("status") == SCORED) & (F.col("windows") == F.max("windows").over(series))
    judged = rows.withColumn("_score", F.when(fair, score))
    best = F.min("_score").over(series)
    judged = judged.withColumns(
        {
            "_best": best,
            "_best_model": F.min_by("model", F.struct(F.col("_score").isNull(), "_score", _place(simplest_first))).over(
                series
            ),
            "_place": _place(simplest_first),
        }
    )
    is_good = F.col("_score") <= F.col("_best") * (1 + tolerance)
    order = series.orderBy(
        F.coalesce(is_good, F.lit(False)).desc(), F.col("_is_incumbent").desc(), F.col("_place"), F.col("model")
    )
    is_champion = F.coalesce(is_good, F.lit(False)) & (F.row_number().over(order) == 1)
    within = F.concat(F.lit(f"within {tolerance:.0%} of the best ("), F.col("_best_model"), F.lit(")"))
    because = (
        F.when(~F.col("is_champion"), None)
        .when(F.col("model") == F.col("_best_model"), f"best {choose_by}")
        .when(F.col("_is_incumbent"), F.concat(F.lit("incumbent, "), within))
        .otherwise(F.concat(F.lit("simplest "), within))
    )
    chosen = judged.withColumn("is_champion", is_champion).withColumn("chosen_because", because)
    return chosen.drop("_score", "_best", "_best_model", "_place", "_is_incumbent")


def _place(simplest_first: Sequence[str]) -> Column:
    places = [F.when(F.col("model") == name, place) for place, name in enumerate(simplest_first)]
    return F.coalesce(*places, F.lit(len(places)))


def trials_of(rows: DataFrame, scores: DataFrame) -> DataFrame:
    """One row a series and model of ``rows`` (COLUMNS of origins): its ``scores``, or why there are none."""
    failures = rows.where(F.col("step") == 0).groupBy("unique_id", "model").agg(F.min("reason").alias("reason"))
    seasons = rows.groupBy("unique_id", "model").agg(F.max("season").alias("season_length"))
    scored = seasons.join(scores, ["unique_id", "model"], "left").join(failures, ["unique_id", "model"], "left")
    return scored.withColumns(
        {
            "status": F.when(F.col("windows").isNotNull(), SCORED).otherwise(FAILED),
            "windows": F.coalesce("windows", F.lit(0)),
        }
    )
