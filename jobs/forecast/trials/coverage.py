"""How often the bands held, by class of demand and by steps ahead, and how sure that is.

The values of one series are alike, so the interval counts series, not values: the error of a share is that of a ratio
of sums over clusters (Cochran 1977, ratio estimator), at least that of independent values.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.trials.accuracy import covered

BANDS = {"80": ("q100", "q900"), "95": ("q025", "q975")}
"""Percent -> the quantiles around that much."""

GROUPS = 3
"""Thirds of the horizon."""
_Z = 1.959964


def steps_of(group: int, horizon: int) -> tuple[int, int]:
    """The first and the last step of a third of the horizon; ``group`` counts from 0."""
    return -(-group * horizon // GROUPS) + 1, -(-(group + 1) * horizon // GROUPS)


def coverages(rows: DataFrame, horizon: int) -> DataFrame:
    """One row per ``demand_class`` and ``step_group`` (a third of the horizon) of rows with quantiles.

    ``series``, ``values``; for each of BANDS ``in_80`` the share of values inside, ``in_80_error`` half the width of
    its 95 % interval (null of a single series), ``width_80`` the mean width of the band over the scale of MASE.
    """
    group = F.floor((F.col("step") - 1) * GROUPS / F.lit(horizon)).cast("int")
    known = rows.where(F.col("q500").isNotNull()).withColumn("step_group", group)
    keys = ("demand_class", "step_group")
    inside = [F.sum(covered(*quantiles)).alias(f"k{band}") for band, quantiles in BANDS.items()]
    scale = F.when(F.col("scale_mae") > 0, F.col("scale_mae"))
    widths = [F.avg((F.col(high) - F.col(low)) / scale).alias(f"w{band}") for band, (low, high) in BANDS.items()]
    by_series = known.groupBy(*keys, "unique_id").agg(F.count(F.lit(1)).alias("n"), *inside, *widths)
    found = [F.count(F.lit(1)).alias("series"), F.sum("n").cast("long").alias("values")]
    for band in BANDS:
        found += [
            (F.sum(f"k{band}") / F.sum("n")).alias(f"in_{band}"),
            half_width(F.col(f"k{band}")).alias(f"in_{band}_error"),
            F.avg(f"w{band}").alias(f"width_{band}"),
        ]
    return by_series.groupBy(*keys).agg(*found)


def half_width(inside: Column) -> Column:
    """Half the 95 % interval of the sum of ``inside`` over that of ``n``, one row per series."""
    total, series = F.sum("n"), F.count(F.lit(1))
    share = F.sum(inside) / total
    # Sum of (inside - share x n)^2, multiplied out: the share is known only at the end of the pass.
    squares = F.sum(inside**2) - 2 * share * F.sum(inside * F.col("n")) + share**2 * F.sum(F.col("n") ** 2)
    clustered = F.greatest(squares, F.lit(0.0)) * series / (series - 1) / total**2
    independent = share * (1 - share) / total
    return F.when(series > 1, _Z * F.sqrt(F.greatest(clustered, independent)))
