"""Base forecasts of a day to coherent ones: nodes of the hierarchy, gathered in tasks, reconciled, and put back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.hierarchy import aggregate_id
from jobs.forecast.demand.inputs import day_of
from jobs.forecast.reconciliation.nodes import COHERENT, NODES, coherent_nodes
from jobs.forecast.reconciliation.params import ReconcileParams
from jobs.forecast.reconciliation.tables import RECONCILED
from jobs.forecast.trials.tables import QUANTILES
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    import pandas as pd

# A task holds all nodes of a hierarchy and so many steps of their forecasts.
_STEPS_PER_TASK: Final = 8
_COLUMNS: Final = tuple(part.split()[0] for part in NODES.split(", "))


def reconciliation(
    params: ReconcileParams, forecasts: DataFrame, series: DataFrame, backtests: DataFrame | None, *, days: DayRange
) -> DataFrame:
    """The step of forecast.reconcile: rows of RECONCILED from those of FORECASTS, SERIES and BACKTESTS.

    Raises UsageError FCT-003 for more than one day.
    """
    day_of(days, "forecast.reconcile")
    found = nodes_of(series, forecasts, backtests).groupBy("first_step").applyInPandas(_reconciled(params), COHERENT)
    names = list(QUANTILES)
    quantiles = {name: F.get("_quantiles", F.lit(place)) for place, name in enumerate(names)}
    changed = found.select(
        "unique_id",
        "step",
        F.col("y_hat").alias("_y_hat"),
        F.col("quantiles").alias("_quantiles"),
        F.col("calibrated_on").alias("_calibrated_on"),
    )
    rows = forecasts.join(changed, ["unique_id", "step"], "inner").join(
        series.select("unique_id", "level"), "unique_id", "inner"
    )
    return rows.withColumns(
        {
            "base_y_hat": F.col("y_hat"),
            "y_hat": F.col("_y_hat"),
            **quantiles,
            "calibrated_on": F.col("_calibrated_on"),
            "method": F.lit(params.method),
        }
    ).select(*RECONCILED.schema.names)


def _reconciled(params: ReconcileParams) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def run(rows: pd.DataFrame) -> pd.DataFrame:
        return coherent_nodes(rows, params)

    return run


def parents_of(series: DataFrame) -> DataFrame:
    """``unique_id, parents``: the aggregates that a series of its own belongs to; ``series`` is SERIES of a day.

    The levels are those that there are aggregates of.
    """
    levels = series.where(F.col("level").isNotNull()).select("level").distinct()
    own = series.where(F.col("level").isNull() & F.col("attributes").isNotNull()).select("unique_id", "attributes")
    pairs = own.crossJoin(F.broadcast(levels)).select("unique_id", aggregate_id(F.col("level")).alias("node"))
    return pairs.groupBy("unique_id").agg(F.sort_array(F.collect_list("node")).alias("parents"))


def nodes_of(series: DataFrame, forecasts: DataFrame, backtests: DataFrame | None) -> DataFrame:
    """Every node that is forecast, some steps in a row (NODES)."""
    names = list(QUANTILES)
    first = (F.floor((F.col("step") - 1) / _STEPS_PER_TASK) * _STEPS_PER_TASK + 1).cast("int")
    step = F.struct("step", "y_hat", F.array(*names).alias("band"))
    lowest = F.min(F.least("y_hat", names[0]))
    floors = forecasts.groupBy("unique_id").agg((lowest >= 0).alias("is_floored"), F.avg("spread").alias("spread"))
    chunks = forecasts.groupBy("unique_id", first.alias("first_step")).agg(
        F.sort_array(F.collect_list(step)).alias("_steps")
    )
    chunks = chunks.withColumns({"y_hat": F.col("_steps.y_hat"), "bands": F.flatten("_steps.band")})
    facts = series.select(
        "unique_id",
        F.col("level").isNull().alias("is_series"),
        (F.col("units") / F.greatest("periods", F.lit(1))).alias("usual"),
    )
    rows = chunks.join(floors, "unique_id", "inner").join(facts, "unique_id", "inner")
    rows = rows.join(parents_of(series), "unique_id", "left")
    rows = rows.withColumn("parents", F.coalesce("parents", F.array().cast("array<string>")))
    if backtests is None:
        nothing = {"error_keys": F.lit(None).cast("array<bigint>"), "errors": F.lit(None).cast("array<double>")}
        return rows.withColumns(nothing).select(*_COLUMNS)
    return rows.join(_errors(backtests), "unique_id", "left").select(*_COLUMNS)


def _errors(backtests: DataFrame) -> DataFrame:
    """``unique_id, error_keys, errors`` of the weighted means."""
    error: Column = F.struct(F.xxhash64("cutoff", "step").alias("key"), (F.col("y") - F.col("y_hat")).alias("error"))
    rows = (
        backtests.where(F.col("model") == COMBINED)
        .groupBy("unique_id")
        .agg(F.sort_array(F.collect_list(error)).alias("_errors"))
    )
    return rows.select("unique_id", F.col("_errors.key").alias("error_keys"), F.col("_errors.error").alias("errors"))
