"""Steps that no backtest tries, scored on the last forecast whose demand is known by now: fallback, overrides of
planners, reconciliation.

Each is compared with what it replaced, and with the seasonal naive of that day, on the same series and periods. The
naive knows what was known then. Gains and intervals are those of ledger.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.demand.changes import y_known_on
from jobs.forecast.demand.periods import Periods
from jobs.forecast.planning.ledger import ALL, OWN_LEVEL, named_gains, paired_gain
from jobs.forecast.trials.weights import COMBINED

FALLBACK, OVERRIDES, RECONCILIATION = "fallback", "overrides", "reconciliation"
STEPS: Final = {FALLBACK: 8, OVERRIDES: 9, RECONCILIATION: 10}
"""Their places in the ledger, after those of the backtest."""

_SUMS: Final = ("n", "a", "d", "dd", "da", "aa")


def with_truth(forecasts: DataFrame, demand: DataFrame, day: date, first_ds: date, season: int, periods: Periods) -> (
    DataFrame
):  # fmt: skip
    """``forecasts`` of ``day`` whose demand is known now, with ``y`` and ``naive``, what the seasonal naive said then.

    ``demand`` (unique_id, ds, y and CORRECTED) is as known now, ``first_ds`` the first period that was forecast. A
    series with fewer than two seasons and a point repeats its last value. ``naive`` is null in a gap.
    """
    before = demand.where(F.col("ds") < periods.literal(first_ds)).withColumn("_day", F.lit(day))
    known = before.withColumn("y", y_known_on("_day"))
    series = Window.partitionBy("unique_id")
    placed = known.withColumns(
        {
            "_back": F.row_number().over(series.orderBy(F.col("ds").desc())) - 1,
            "_season": F.when(F.count("y").over(series) > 2 * season, season).otherwise(1),
        }
    )
    lasts = placed.where(F.col("_back") < F.col("_season"))
    seasons = lasts.where(F.col("_back") == 0).select("unique_id", "_season")
    met = forecasts.join(demand.where(F.col("y").isNotNull()).select("unique_id", "ds", "y"), ["unique_id", "ds"])
    step, length = F.col("step"), F.col("_season")
    met = met.join(seasons, "unique_id", "left").withColumn("_back", length * F.ceil(step / length) - step)
    values = lasts.select("unique_id", "_back", F.col("y").alias("naive"))
    return met.join(values, ["unique_id", "_back"], "left").drop("_back", "_season")


def pairs_of(judged: DataFrame, reconciled: DataFrame | None) -> DataFrame:
    """``name, unique_id, y, before, after, naive``: each period to which a step of ``judged`` (with_truth) applied.

    ``reconciled`` are rows of RECONCILED of the same day. What the fallback replaced is the naive.
    """

    def pairs(rows: DataFrame, name: str, before: str, after: str) -> DataFrame:
        both = (F.col(before).alias("before"), F.col(after).alias("after"))
        return rows.select(F.lit(name).alias("name"), "unique_id", "y", *both, "naive")

    stands_alone = F.coalesce("statistical_y_hat", "y_hat")
    fallbacks = judged.where((F.col("model") != COMBINED) & F.col("naive").isNotNull())
    found = pairs(fallbacks.withColumn("_own", stands_alone), FALLBACK, "naive", "_own").unionByName(
        pairs(judged.where("statistical_y_hat IS NOT NULL"), OVERRIDES, "statistical_y_hat", "y_hat")
    )
    if reconciled is None:
        return found
    sums = reconciled.select("unique_id", "ds", "base_y_hat", F.col("y_hat").alias("_y_hat"))
    both = judged.join(sums, ["unique_id", "ds"], "inner")
    return found.unionByName(pairs(both, RECONCILIATION, "base_y_hat", "_y_hat"))


def judged_sums(pairs: DataFrame, levels: DataFrame) -> DataFrame:
    """Sums of ``pairs_of`` by name and level: for ``paired_gain`` against what was replaced, and (n...) the naive.

    ``levels`` is unique_id, level. ``e`` is the sum of |error| after the step.
    """
    y = F.col("y")
    error, before, naive = (F.abs(y - F.col(name)) for name in ("after", "before", "naive"))
    has_naive = F.col("naive").isNotNull()
    of_series = pairs.groupBy("name", "unique_id").agg(
        F.sum(F.abs(y)).alias("a"),
        F.sum(error).alias("e"),
        F.sum(before - error).alias("d"),
        F.sum(F.when(has_naive, F.abs(y))).alias("_a"),
        F.sum(F.when(has_naive, naive - error)).alias("_d"),
    )
    named = of_series.join(levels, "unique_id", "inner").withColumn("level", F.coalesce("level", F.lit(OWN_LEVEL)))
    return named.groupBy("name", "level").agg(F.sum("e").alias("e"), *_sums("a", "d", ""), *_sums("_a", "_d", "n"))


def _sums(of_demand: str, of_gain: str, prefix: str) -> list[Column]:
    a, d = F.col(of_demand), F.col(of_gain)
    sums = {"a": a, "d": d, "dd": d * d, "da": d * a, "aa": a * a}
    totals = [F.coalesce(F.sum(value), F.lit(0.0)).alias(f"{prefix}{name}") for name, value in sums.items()]
    return [F.count(a).alias(f"{prefix}n"), *totals]


def judged_rows(sums: Sequence[Any], as_of: date) -> list[dict[str, Any]]:
    """Rows of VALUE_ADDED from those of ``judged_sums``; none where nothing was demanded."""
    found = []
    for row in sorted(sums, key=lambda one: (one["level"] != OWN_LEVEL, one["level"], STEPS[one["name"]])):
        gain = paired_gain(*(row[name] for name in _SUMS))
        over = paired_gain(*(row[f"n{name}"] for name in _SUMS))
        if gain is not None:
            named = {"level": row["level"], "demand_class": ALL, "step": STEPS[row["name"]], "name": row["name"]}
            wape = row["e"] / row["a"]
            found.append({"as_of_date": as_of, **named, "series": row["n"], "wape": wape, **named_gains(gain, over)})
    return found
