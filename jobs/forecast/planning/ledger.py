"""What each step of a forecast adds: scored on the same rows of the backtest, against the naive and the step before.

The steps are the seasonal naive; the one model for all series that was best at the origins known before; the weighted
mean of all models but the global ones; that of those that the gates let through; the weighted mean with global models.
The gain of a step is the fall of WAPE, in its own units:
sum of (|error before| - |error|) over sum of |y|. It is paired: both errors are of the same series and periods. Its
interval treats series as independent, values of one series not: the standard error of a ratio over clusters (Cochran,
Sampling Techniques, 1977, section 2.11), with d and a the sums of a series and G = sum d / sum a,
sqrt(n / (n - 1) sum (d - G a)^2) / sum a.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from typing import Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.inputs import CORRECTED
from jobs.forecast.trials.global_model import GLOBAL_MODELS
from jobs.forecast.trials.weights import (
    COMBINED,
    FINAL,
    as_known,
    combined,
    model_weights,
    origin_errors,
)

NAIVE, BEST, WEIGHTS, GATES, GLOBAL = "seasonal naive", "best single model", "weights", "gates", "global model"
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


def tried_at(backtests: DataFrame) -> DataFrame:
    """``model, cutoff, horizon`` of BACKTESTS: what was tried from which origin; a few dozen rows."""
    return backtests.groupBy("model", "cutoff").agg(F.max("step").alias("horizon"))


def known_scores(backtests: DataFrame, demand: DataFrame, uses: Sequence[tuple[date, date, date]]) -> DataFrame:
    """``use, model, error, rows``: the scaled squared errors of BACKTESTS, as they were known at each of ``uses``.

    ``demand`` has CORRECTED, ``uses`` is as ``uses_of`` gives them. A few dozen rows.
    """
    scale = F.when(F.col("scale_mse") > 0, F.col("scale_mse")).otherwise(1.0)
    squared = F.pow(F.col("y") - F.col("y_hat"), F.lit(2.0)) / scale
    singles = backtests.where(F.col("model") != COMBINED)
    known = as_known(singles, _corrections(demand), [one for one in uses if one[2] != FINAL])
    return known.groupBy("use", "model").agg(F.sum(squared).alias("error"), F.count(F.lit(1)).alias("rows"))


def best_known(scores: Sequence[Any]) -> dict[date, str]:
    """For each origin the single model that was best at the origins known then, of those that forecast every series.

    ``scores`` as ``known_scores`` gives them. Origins before which nothing is known have none.
    """
    found: dict[date, str] = {}
    for use in sorted({row["use"] for row in scores}):
        of_use = [row for row in scores if row["use"] == use]
        most = max(row["rows"] for row in of_use)
        found[use] = min((row["error"] / row["rows"], row["model"]) for row in of_use if row["rows"] == most)[1]
    return found


def _corrections(demand: DataFrame) -> DataFrame:
    return demand.where(F.col("later_on").isNotNull()).select("unique_id", "ds", *CORRECTED)


def made_steps(
    backtests: DataFrame,
    demand: DataFrame,
    classes: DataFrame,
    uses: Sequence[tuple[date, date, date]],
    models: Collection[str],
) -> dict[str, DataFrame]:
    """Rows of the steps that the backtest does not keep, by name, in order: WEIGHTS, and GATES where there are global
    models among ``models``; without these ``combined`` is the mean that the gates leave.

    ``demand`` has CORRECTED, ``classes`` is unique_id, demand_class, ``uses`` as ``uses_of`` gives them.
    """
    own = backtests.where(~F.col("model").isin(COMBINED, *GLOBAL_MODELS))
    known = as_known(own.join(classes, "unique_id", "inner"), _corrections(demand), uses)
    errors = origin_errors(known)
    found = {WEIGHTS: combined(own, model_weights(errors, classes, gated=False))}
    if set(models) & set(GLOBAL_MODELS):
        found[GATES] = combined(own, model_weights(errors, classes))
    return found


def step_errors(
    backtests: DataFrame,
    best: Mapping[date, str],
    made: Mapping[str, DataFrame],
    series: DataFrame,
) -> tuple[DataFrame, tuple[str, ...]]:
    """Sums by level and class of demand, ``all`` for all classes, and the names of the steps.

    ``made`` are rows of the steps that the backtest does not keep, in order, by name; ``combined`` is the last step:
    GATES, or GLOBAL where ``made`` has GATES. ``series`` is unique_id, level, demand_class. Only rows that every
    step has forecast count. For step k, ``e{k}`` is the sum of |error|; d, dd, da are sums for ``paired_gain`` against
    the step before, nd, ndd, nda against the naive.
    """
    # As text, because the clock of the driver would read a naive datetime, the origin of hours.
    kind = backtests.schema["cutoff"].dataType
    origins = [(F.lit(cutoff.isoformat()).cast(kind), model) for cutoff, model in best.items()]
    is_best = reduce(
        lambda any_, one: any_ | one,
        ((F.col("cutoff") == origin) & (F.col("model") == model) for origin, model in origins),
        F.lit(False),
    )
    last = GLOBAL if GATES in made else GATES
    models: dict[str, Column] = {NAIVE: F.col("model") == "seasonal_naive", BEST: is_best}
    models |= {name: F.col("model") == _step_name(name) for name in made} | {last: F.col("model") == COMBINED}
    names = ("unique_id", "cutoff", "ds", "y", "y_hat")
    rows = backtests.select(*names, "model")
    for name, one in made.items():
        rows = rows.unionByName(one.select(*names, F.lit(_step_name(name)).alias("model")))
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


def _step_name(name: str) -> str:
    # No model is called so.
    return f"step {name}"


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
                    **({} if k == 0 else named_gains(gain, over)),
                }
            )
    return found


def named_gains(gain: Gain, over: Gain | None) -> dict[str, Any]:
    """Columns of VALUE_ADDED: the gain over the step before, and that over the naive where it is known."""
    return {
        "gain": gain.gain,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "verdict": gain.verdict,
        **(
            {}
            if over is None
            else {"gain_over_naive": over.gain, "over_naive_low": over.low, "over_naive_high": over.high}
        ),
    }
