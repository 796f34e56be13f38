"""Conformal calibration: how far off the backtest was says how wide the intervals must be.

Errors of all series of a class of demand are pooled, each in units of its own series' spread, for each model and step
ahead. With n errors the quantile of level q is the one of rank ceil((n + 1) q) above the middle and floor((n + 1) q)
below it (split conformal prediction: Vovk et al. 2005), so that the intervals hold in finite samples. Small pools give
way to wider ones: class and step, then step, then all steps of the model. A step learns from its neighbours too, a
quarter of the horizon to each side: alone it has so few errors that bands would jump from one step to the next.

Three rules keep a pool honest:

- The largest error of the worst series, or of the worst 0.5 % of them, counts as that of the next worst: what a single
  broken series lends to the others is bounded by what another one has seen too. A pool of one series serves only it.
- A series whose spread is 0 (a constant history that does not count things) lends nothing: there is no unit for its
  errors.
- n errors say nothing beyond level n / (n + 1). Further out, the distance of the outermost error from the median grows
  as in an exponential tail, by ln(1 / (1 - q)) / ln(n + 1), the same below with q for 1 - q.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

POOLED_ON, OFFSETS = "calibrated_on", "offsets"
NORMAL = "normal"
_LADDER = (
    ("class and step", ("model", "demand_class", "step")),
    ("step", ("model", "step")),
    ("model", ("model",)),
)
# Of so many series one is taken for broken; of fewer, one all the same.
SERIES_PER_OUTLIER: Final = 200


def spread_column() -> Column:
    """The unit of a series' errors (``spread_of`` of models.py) as of the origin; null where there is none."""
    unit = F.coalesce("spread", "scale_mae")  # rows of earlier releases have no spread
    return F.when(unit > 0, unit)


def sampled(residuals: DataFrame, series: int, most_series: int) -> DataFrame:
    """``residuals`` of about ``most_series`` of ``series`` series, chosen by the hash of their names."""
    share = -(-series // most_series) if most_series < series else 1
    return residuals if share == 1 else residuals.where(F.pmod(F.xxhash64("unique_id"), F.lit(share)) == 0)


def sampled_of(residuals: DataFrame, series: DataFrame, most_series: int) -> DataFrame:
    """Like ``sampled``, but ``series`` is a frame, whose rows are counted within the query plan."""
    share = series.agg(F.greatest(F.ceil(F.count(F.lit(1)) / most_series), F.lit(1)).alias("_share"))
    chosen = F.pmod(F.xxhash64("unique_id"), F.col("_share")) == 0
    return residuals.crossJoin(F.broadcast(share)).where(chosen).drop("_share")


def reach_of(horizon: int) -> int:
    """How many steps to each side a step learns from."""
    return max(1, round(horizon / 4))


def _for_neighbours(rows: DataFrame, keys: Sequence[str], reach: int) -> DataFrame:
    """``rows`` once for every step that learns from them, where ``keys`` have steps."""
    if not reach or "step" not in keys:
        return rows
    steps = F.sequence(F.greatest(F.col("step") - reach, F.lit(1)), F.col("step") + reach)
    return rows.withColumn("step", F.explode(steps))


def with_offsets(
    targets: DataFrame,
    residuals: DataFrame,
    levels: Sequence[float],
    *,
    fewest: int,
    by: Sequence[str] = (),
    reach: int = 0,
) -> DataFrame:
    """``targets`` with ``offsets`` (one for each of ``levels``, in units of spread) and ``calibrated_on``.

    ``residuals`` (unique_id, model, demand_class, step, r) must be few enough to be sorted pool by pool: see
    ``sampled``. Both may be separated ``by`` further columns. The first pool of the ladder with ``fewest`` residuals is
    taken; where there is none, the normal distribution with a standard deviation of one spread, and ``calibrated_on``
    is ``normal``. A step learns from those up to ``reach`` before and behind it too.
    """
    rows = targets
    # One shuffle by series serves every pool.
    usable = residuals.where(F.col("r").isNotNull()).repartition("unique_id")
    found: list[tuple[str, str]] = []
    for number, (name, keys) in enumerate(_LADDER):
        column, only, keyed = f"_offsets_{number}", f"_only_{number}", [*by, *keys]
        pool = _bounded(usable, keyed, fewest, reach).select(
            *keyed, _ranked(levels).alias(column), F.col("_only").alias(only)
        )
        rows = rows.join(F.broadcast(pool), keyed, "left")
        is_foreign = F.col(only) != F.col("unique_id")
        rows = rows.withColumn(column, F.when(is_foreign, None).otherwise(F.col(column))).drop(only)
        found.append((name, column))
    label = F.lit(NORMAL)
    for name, column in reversed(found):
        label = F.when(F.col(column).isNotNull(), name).otherwise(label)
    normal = F.array(*(F.lit(_normal_quantile(level)) for level in levels))
    offsets = F.coalesce(*(F.col(column) for _, column in found), normal)
    return rows.withColumns({OFFSETS: offsets, POOLED_ON: label}).drop(*(column for _, column in found))


def _bounded(residuals: DataFrame, keys: Sequence[str], fewest: int, reach: int) -> DataFrame:
    """One row per pool of at least ``fewest`` errors: these ``_sorted``, the bounds ``_low`` and ``_high`` of the worst
    series, and ``_only``, its series where there is just one.
    """
    # Whole lists go to the neighbours, not row by row: a list for each series and step would cost ten times as much.
    lists = residuals.groupBy(*keys).agg(F.collect_list("r").alias("_own"))
    errors = _for_neighbours(lists, keys, reach).groupBy(*keys).agg(F.flatten(F.collect_list("_own")).alias("_all"))
    worst = (F.max("r").alias("_most"), F.min("r").alias("_least"))
    by_series = _for_neighbours(residuals.groupBy(*keys, "unique_id").agg(*worst), keys, reach)
    worst = (F.max("_most").alias("_most"), F.min("_least").alias("_least"))
    ends = (
        by_series.groupBy(*keys, "unique_id")
        .agg(*worst)
        .groupBy(*keys)
        .agg(
            F.sort_array(F.collect_list("_most"), asc=False).alias("_most"),
            F.sort_array(F.collect_list("_least")).alias("_least"),
            F.when(F.count(F.lit(1)) == 1, F.first("unique_id")).alias("_only"),
        )
    )
    # Counted before they are sorted: Spark would sort them for the count as well.
    pools = errors.where(F.size("_all") >= fewest).join(ends, list(keys), "inner")
    series = F.size("_most")
    outliers = F.least(series - 1, F.greatest(F.lit(1), F.floor(series / SERIES_PER_OUTLIER).cast("int")))
    return pools.select(
        *keys,
        F.sort_array("_all").alias("_sorted"),
        F.get("_least", outliers).alias("_low"),
        F.get("_most", outliers).alias("_high"),
        "_only",
    )


def _ranked(levels: Sequence[float]) -> Column:
    """The quantiles of ``_sorted`` at ``levels``; beyond what its number supports, stretched (see the module)."""
    count = F.size("_sorted")

    def at(place: Column) -> Column:
        # Bounds keep the order: to bound the few that are looked at is as good as to bound all.
        return F.least(F.greatest(F.get("_sorted", place), F.col("_low")), F.col("_high"))

    middle = (at(((count - 1) / 2).cast("int")) + at((count / 2).cast("int"))) / 2

    def quantile(level: Column) -> Column:
        exact, is_upper = (count + 1) * level, level >= 0.5
        rank = F.when(is_upper, F.ceil(exact)).otherwise(F.floor(exact)).cast("int")
        inside = at(F.greatest(F.lit(1), F.least(count, rank)) - 1)
        stretch = -F.log(F.when(is_upper, 1 - level).otherwise(level)) / F.log(count + F.lit(1.0))
        beyond = middle + (inside - middle) * F.greatest(stretch, F.lit(1.0))
        return F.when((rank < 1) | (rank > count), beyond).otherwise(inside)

    # One expression for all levels: there may be a thousand of them.
    return F.transform(F.array(*(F.lit(float(level)) for level in levels)), quantile)


def _normal_quantile(level: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(level)


def at_level(
    position: int, centre: str, spread: str, *, is_floored: Column | None = None, is_whole: Column | None = None
) -> Column:
    """Quantile at ``position`` of the levels: centre + offset x spread; null where one of them is.

    At least 0 where ``is_floored`` or if None; the nearest whole number where ``is_whole``.
    """
    value = F.col(centre) + F.get(OFFSETS, F.lit(position)) * F.col(spread)
    # The greatest of nothing and zero would be zero.
    floored = F.when(value < 0, 0.0).otherwise(value)
    bounded = floored if is_floored is None else F.when(is_floored, floored).otherwise(value)
    return bounded if is_whole is None else F.when(is_whole, F.rint(bounded)).otherwise(bounded)
