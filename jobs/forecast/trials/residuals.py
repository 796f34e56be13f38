"""The errors of the backtest in units of their series' spread: what calibration learns from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.spark.few_rows import few_rows
from jobs.forecast.trials.budget import BENCHMARK
from jobs.forecast.trials.calibration import spread_column
from jobs.forecast.trials.weights import COMBINED

_DECIMALS: Final = 9


def of_published(backtests: DataFrame) -> DataFrame:
    """The rows of BACKTESTS that calibrate what is published: the weighted mean, or the naive where no model could.

    Those of the single models, nine tenths of all rows, would make pools that nobody asks for.
    """
    return backtests.where(F.col("model").isin(COMBINED, BENCHMARK))


def step_residuals(backtests: DataFrame, classes: DataFrame) -> DataFrame:
    """``unique_id, model, demand_class, step, r`` of BACKTESTS rows; ``classes`` is unique_id, demand_class."""
    error = (F.col("y") - F.col("y_hat")) / spread_column()
    return backtests.join(classes, "unique_id", "inner").select(
        "unique_id", "model", "demand_class", "step", error.alias("r")
    )


def path_residuals(backtests: DataFrame, classes: DataFrame, lengths: Sequence[int] | DataFrame) -> DataFrame:
    """The same for demand summed over the first ``lengths`` steps of each origin; ``step`` is the length.

    ``lengths`` may be few rows with a column ``length``. Summing along the path keeps what errors of neighbouring
    periods have in common. Origins that do not reach a length do not count for it.
    """
    # Hourly origins are whole days apart: the day names them.
    keys = ("unique_id", "model", "cutoff", "length")
    if not isinstance(lengths, DataFrame):
        lengths = few_rows(backtests.sparkSession, [(length,) for length in sorted(set(lengths))], "length int")
    error = (F.col("y") - F.col("y_hat")) / spread_column()
    rows = backtests.join(F.broadcast(lengths), F.col("step") <= F.col("length"), "inner")
    # Rounded, for the order in which errors are summed differs between runs.
    total = F.round(F.sum(error), _DECIMALS).alias("r")
    sums = rows.groupBy(*keys).agg(total, F.count(F.lit(1)).alias("steps"))
    paths = sums.where(F.col("steps") == F.col("length")).withColumn("step", F.col("length"))
    return paths.join(classes, "unique_id", "inner").select("unique_id", "model", "demand_class", "step", "r")
