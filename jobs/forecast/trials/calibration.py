"""Conformal calibration: how far off the backtest was says how wide the intervals must be.

Errors of all series of a class of demand are pooled, each in units of its own series' spread, for each model and step
ahead. With n errors the quantile of level q is the one of rank ceil((n + 1) q) above the middle and floor((n + 1) q)
below it (split conformal prediction: Vovk et al. 2005), so that the intervals hold in finite samples. Small pools give
way to wider ones: class and step, then step, then all steps of the model.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

POOLED_ON, OFFSETS = "calibrated_on", "offsets"
NORMAL = "normal"
_LADDER = (
    ("class and step", ("model", "demand_class", "step")),
    ("step", ("model", "step")),
    ("model", ("model",)),
)


def spread_column() -> Column:
    """The unit of a series' errors: its in-sample error of the seasonal naive, 1 where that is 0."""
    return F.when(F.col("scale_mae") > 0, F.col("scale_mae")).otherwise(1.0)


def sampled(residuals: DataFrame, series: int, most_series: int) -> DataFrame:
    """``residuals`` of about ``most_series`` of ``series`` series, chosen by the hash of their names."""
    share = -(-series // most_series) if most_series < series else 1
    return residuals if share == 1 else residuals.where(F.pmod(F.xxhash64("unique_id"), F.lit(share)) == 0)


def sampled_of(residuals: DataFrame, series: DataFrame, most_series: int) -> DataFrame:
    """Like ``sampled``, but ``series`` is a frame, whose rows are counted within the query plan."""
    share = series.agg(F.greatest(F.ceil(F.count(F.lit(1)) / most_series), F.lit(1)).alias("_share"))
    chosen = F.pmod(F.xxhash64("unique_id"), F.col("_share")) == 0
    return residuals.crossJoin(F.broadcast(share)).where(chosen).drop("_share")


def with_offsets(
    targets: DataFrame, residuals: DataFrame, levels: Sequence[float], *, fewest: int, by: Sequence[str] = ()
) -> DataFrame:
    """``targets`` with ``offsets`` (one for each of ``levels``, in units of spread) and ``calibrated_on``.

    ``residuals`` (model, demand_class, step, r) must be few enough to be sorted pool by pool: see ``sampled``. Both may
    be separated ``by`` further columns. The first pool of the ladder with ``fewest`` residuals is taken; where there
    is none, the normal distribution with a standard deviation of one spread, and ``calibrated_on`` is ``normal``.
    """
    rows = targets
    found: list[tuple[str, str]] = []
    for number, (name, keys) in enumerate(_LADDER):
        column, keyed = f"_offsets_{number}", [*by, *keys]
        pool = (
            residuals.groupBy(*keyed)
            .agg(F.sort_array(F.collect_list("r")).alias("_sorted"))
            .where(F.size("_sorted") >= fewest)
            .select(*keyed, _ranked(levels).alias(column))
        )
        rows = rows.join(F.broadcast(pool), keyed, "left")
        found.append((name, column))
    label = F.lit(NORMAL)
    for name, column in reversed(found):
        label = F.when(F.col(column).isNotNull(), name).otherwise(label)
    normal = F.array(*(F.lit(_normal_quantile(level)) for level in levels))
    offsets = F.coalesce(*(F.col(column) for _, column in found), normal)
    return rows.withColumns({OFFSETS: offsets, POOLED_ON: label}).drop(*(column for _, column in found))


def _ranked(levels: Sequence[float]) -> Column:
    count = F.size("_sorted")
    ranks = []
    for level in levels:
        exact = (count + 1) * F.lit(level)
        rank = F.ceil(exact) if level >= 0.5 else F.floor(exact)
        ranks.append(F.get("_sorted", (F.greatest(F.lit(1), F.least(count, rank.cast("int"))) - 1).cast("int")))
    return F.array(*ranks)


def _normal_quantile(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(level)


def at_level(position: int, centre: str, spread: str, *, is_floored: Column | None = None) -> Column:
    """Quantile at ``position`` of the levels: centre + offset x spread; at least 0 where ``is_floored`` or if None."""
    value = F.col(centre) + F.get(OFFSETS, F.lit(position)) * F.col(spread)
    floored = F.greatest(value, F.lit(0.0))
    return floored if is_floored is None else F.when(is_floored, floored).otherwise(value)
