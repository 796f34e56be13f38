"""What each step of a forecast adds: scored on the same rows of the backtest, against the naive and the step before.

The steps are the seasonal naive; the one model for all series that was best at the origins known before; the weighted
mean without global models; the weighted mean with them. The gain of a step is the fall of WAPE, in its own units:
sum of (|error before| - |error|) over sum of |y|. It is paired: both errors are of the same series and periods. Its
interval treats series as independent, values of one series not: the standard error of a ratio over clusters (Cochran,
Sampling Techniques, 1977, section 2.11), with d and a the sums of a series and G = sum d / sum a,
sqrt(n / (n - 1) sum (d - G a)^2) / sum a.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.trials.weights import COMBINED

NAIVE, BEST, WEIGHTS, GLOBAL = "seasonal naive", "best single model", "weights", "global model"
OVERRIDES, OVERRIDES_STEP = "overrides", 9
ALL, OWN_LEVEL = "all", "series"
ADDS, SUBTRACTS, UNSURE = "adds", "subtracts", "not certain"
_FEWEST_SERIES: Final = 8
_Z: Final = 1.96


@dataclass(frozen=True)
class Gain:
    """A gain of WAPE, and its interval of 95 %; None for fewer than eight series."""

    gain: float
    low: float | None
    high: float | None

    @property
    def verdict(self) -> str:
        """``adds`` or ``subtracts`` where the interval is on one side of zero."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return UNSURE
        return ADDS if self.low > 0 else SUBTRACTS


def paired_gain(n: int, a: float, d: float, dd: float, da: float, aa: float) -> Gain | None:
    """The gain from sums over ``n`` series: of a, d, d squared, d a and a squared. None without any demand."""
    if a <= 0:
        return None
    gain = d / a
    if n < _FEWEST_SERIES:
        return Gain(gain, None, None)
    variance = max(dd - 2 * gain * da + gain**2 * aa, 0.0) * n / (n - 1)
    half = _Z * math.sqrt(variance) / a
    return Gain(gain, gain - half, gain + half)


def origin_scores(backtests: DataFrame) -> DataFrame:
    """``model, cutoff, error, rows, horizon`` of BACKTESTS: the sum of scaled squared errors; a few dozen rows."""
    scale = F.when(F.col("scale_mse") > 0, F.col("scale_mse")).otherwise(1.0)
    squared = F.pow(F.col("y") - F.col("y_hat"), F.lit(2.0)) / scale
    return backtests.groupBy("model", "cutoff").agg(
        F.sum(squared).alias("error"), F.count(F.lit(1)).alias("rows"), F.max("step").alias("horizon")
    )


def best_known(scores: Sequence[Any], uses: Sequence[tuple[date, date, date]]) -> dict[date, str]:
    """For each origin the single model that was best at the origins known then, of those that forecast every series.

    ``scores`` as ``origin_scores`` gives them, ``uses`` as ``uses_of`` does. Origins before which nothing is known have
    none.
    """
    found: dict[date, str] = {}
    for use in sorted({row["cutoff"] for row in scores}):
        known = {cutoff for cutoff, moment, _ in uses if moment == use}
        sums: dict[str, tuple[float, int]] = {}
        for row in scores:
            if row["cutoff"] in known and row["model"] != COMBINED:
                error, rows = sums.get(row["model"], (0.0, 0))
                sums[row["model"]] = (error + row["error"], rows + row["rows"])
        most = max((rows for _, rows in sums.values()), default=0)
        whole = [(error / rows, model) for model, (error, rows) in sums.items() if rows == most]
        if whole:
            found[use] = min(whole)[1]
    return found


def step_errors(
    backtests: DataFrame, best: Mapping[date, str], local: DataFrame | None, series: DataFrame
) -> tuple[DataFrame, tuple[str, ...]]:
    """Sums by level and class of demand, ``all`` for all classes, and the names of the steps.

    ``local`` are rows of the weighted mean without global models, None where there are none: then ``combined`` is that.
    ``series`` is unique_id, level, demand_class. Only rows that every step has forecast count. For step k, ``e{k}`` is
    the sum of |error|; d, dd, da are sums for ``paired_gain`` against the step before, nd, ndd, nda against the naive.
    """
    # As text, because the clock of the driver would read a naive datetime, the origin of hours.
    kind = backtests.schema["cutoff"].dataType
    origins = [(F.lit(cutoff.isoformat()).cast(kind), model) for cutoff, model in best.items()]
    is_best = reduce(
        lambda any_, one: any_ | one,
        ((F.col("cutoff") == origin) & (F.col("model") == model) for origin, model in origins),
        F.lit(False),
    )
    models: dict[str, Column] = {NAIVE: F.col("model") == "seasonal_naive", BEST: is_best}
    rows = backtests.select("unique_id", "cutoff", "ds", "y", "y_hat", "model")
    if local is None:
        models[WEIGHTS] = F.col("model") == COMBINED
    else:
        models |= {WEIGHTS: F.col("model") == "without global", GLOBAL: F.col("model") == COMBINED}
        names = ("unique_id", "cutoff", "ds", "y", "y_hat")
        rows = rows.unionByName(local.select(*names, F.lit("without global").alias("model")))
    steps = tuple(models)
    one = rows.groupBy("unique_id", "cutoff", "ds").agg(
        F.first("y").alias("y"),
        *(F.max(F.when(models[name], F.col("y_hat"))).alias(f"f{k}") for k, name in enumerate(steps)),
    )
    has_all = reduce(lambda all_, k: all_ & F.col(f"f{k}").isNotNull(), range(len(steps)), F.lit(True))
    of_series = (
        one.where(has_all)
        .groupBy("unique_id")
        .agg(
            F.sum(F.abs("y")).alias("a"),
            *(F.sum(F.abs(F.col("y") - F.col(f"f{k}"))).alias(f"e{k}") for k in range(len(steps))),
        )
    )
    kinds = series.select(
        "unique_id",
        F.coalesce("level", F.lit(OWN_LEVEL)).alias("level"),
        F.coalesce(F.regexp_replace("demand_class", " aggregate$", ""), F.lit("none")).alias("demand_class"),
    )
    joined = of_series.join(kinds, "unique_id", "inner")
    a = F.col("a")
    sums = [F.count(F.lit(1)).alias("n"), F.sum(a).alias("a"), F.sum(a * a).alias("aa")]
    for k in range(len(steps)):
        e, before, naive = F.col(f"e{k}"), F.col(f"e{max(k - 1, 0)}"), F.col("e0")
        sums.append(F.sum(e).alias(f"e{k}"))
        for prefix, d in (("", before - e), ("n", naive - e)):
            sums += [
                F.sum(d).alias(f"{prefix}d{k}"),
                F.sum(d * d).alias(f"{prefix}dd{k}"),
                F.sum(d * a).alias(f"{prefix}da{k}"),
            ]
    by_class = joined.groupBy("level", "demand_class").agg(*sums)
    whole = joined.groupBy("level").agg(*sums).withColumn("demand_class", F.lit(ALL))
    return by_class.unionByName(whole), steps


def ledger_rows(sums: Sequence[Any], steps: Sequence[str], as_of: date) -> list[dict[str, Any]]:
    """Rows of VALUE_ADDED from those of ``step_errors``; groups without any demand have none."""
    found = []
    for row in sorted(sums, key=lambda one: (one["level"] != OWN_LEVEL, one["level"], one["demand_class"] != ALL)):
        for k, name in enumerate(steps):
            gain, over = (
                paired_gain(row["n"], row["a"], row[f"{p}d{k}"], row[f"{p}dd{k}"], row[f"{p}da{k}"], row["aa"])
                for p in ("", "n")
            )
            if gain is None or over is None:
                continue
            found.append(
                {
                    "as_of_date": as_of,
                    "level": row["level"],
                    "demand_class": row["demand_class"],
                    "step": k,
                    "name": name,
                    "series": row["n"],
                    "wape": row[f"e{k}"] / row["a"],
                    **({} if k == 0 else _named(gain, over)),
                }
            )
    return found


def override_sums(forecasts: DataFrame, demand: DataFrame) -> DataFrame:
    """One row about the forecasts of an earlier day with an override, whose demand is known: sums as ``step_errors``.

    ``e`` is the sum of |error| with the overrides, d, dd, da compare with ``statistical_y_hat``.
    """
    known = forecasts.where("statistical_y_hat IS NOT NULL").join(demand, ["unique_id", "ds"], "inner")
    error, without = (F.abs(F.col("y") - F.col(name)) for name in ("y_hat", "statistical_y_hat"))
    of_series = (
        known.where(F.col("y").isNotNull())
        .groupBy("unique_id")
        .agg(F.sum(F.abs("y")).alias("a"), F.sum(error).alias("e"), F.sum(without - error).alias("d"))
    )
    a, d = F.col("a"), F.col("d")
    sums = {"a": a, "e": F.col("e"), "d": d, "dd": d * d, "da": d * a, "aa": a * a}
    return of_series.agg(
        F.count(F.lit(1)).alias("n"),
        *(F.coalesce(F.sum(value), F.lit(0.0)).alias(name) for name, value in sums.items()),
    )


def override_rows(sums: Any, as_of: date) -> list[dict[str, Any]]:
    """The row of VALUE_ADDED about overrides; none where no series has one whose demand is known."""
    if sums is None or not sums["n"]:
        return []
    gain = paired_gain(*(sums[name] for name in ("n", "a", "d", "dd", "da", "aa")))
    if gain is None:
        return []
    row = {"as_of_date": as_of, "level": OWN_LEVEL, "demand_class": ALL, "step": OVERRIDES_STEP, "name": OVERRIDES}
    named = {name: value for name, value in _named(gain, gain).items() if "naive" not in name}
    return [{**row, "series": sums["n"], "wape": sums["e"] / sums["a"], **named}]


def _named(gain: Gain, over: Gain) -> dict[str, Any]:
    return {
        "gain": gain.gain,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "verdict": gain.verdict,
        "gain_over_naive": over.gain,
        "over_naive_low": over.low,
        "over_naive_high": over.high,
    }
