"""The errors of the backtest in units of their series' spread: what calibration learns from."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.trials.calibration import spread_column


def step_residuals(backtests: DataFrame, classes: DataFrame) -> DataFrame:
    """``unique_id, model, demand_class, step, r`` of BACKTESTS rows; ``classes`` is unique_id, demand_class."""
    error = (F.col("y") - F.col("y_hat")) / spread_column()
    return backtests.join(classes, "unique_id", "inner").select(
        "unique_id", "model", "demand_class", "step", error.alias("r")
    )


def path_residuals(backtests: DataFrame, classes: DataFrame, lengths: Sequence[int]) -> DataFrame:
    """The same for demand summed over the first ``lengths`` steps of each origin; ``step`` is the length.

    Summing along the path keeps what errors of neighbouring periods have in common. Origins that do not reach a length
    do not count for it.
    """
    # Hourly origins are whole days apart: the day names them.
    keys = ("unique_id", "model", "cutoff")
    error = (F.col("y") - F.col("y_hat")) / spread_column()
    rows = backtests.select(*keys, "step", error.alias("e"))
    sums = []
    for length in dict.fromkeys(lengths):
        inside = F.col("step") <= length
        summed = rows.where(inside).groupBy(*keys).agg(F.sum("e").alias("r"), F.count(F.lit(1)).alias("steps"))
        sums.append(summed.where(F.col("steps") == length).withColumn("step", F.lit(length)))
    paths = sums[0]
    for more in sums[1:]:
        paths = paths.unionByName(more)
    return paths.join(classes, "unique_id", "inner").select("unique_id", "model", "demand_class", "step", "r")
