"""Base forecasts of a day to coherent ones: nodes of the hierarchy, reconciled branch by branch, and put back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.hierarchy import aggregate_id, pairs_of
from jobs.forecast.demand.inputs import day_of
from jobs.forecast.reconciliation import nodes as tasks
from jobs.forecast.reconciliation.longer import longer_periods
from jobs.forecast.reconciliation.params import ReconcileParams
from jobs.forecast.reconciliation.tables import RECONCILED
from jobs.forecast.trials.tables import QUANTILES
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    import pandas as pd

_STEPS_PER_TASK: Final = 4
_SERIES_PER_BRANCH: Final = 4_000
# Families that are no larger than this share of a branch stay together: then few aggregates lie in several branches.
_FAMILIES_PER_BRANCH: Final = 4
_COLUMNS: Final = tuple(part.split()[0] for part in tasks.NODES.split(", "))


def reconciliation(
    params: ReconcileParams, forecasts: DataFrame, series: DataFrame, backtests: DataFrame | None, *, days: DayRange
) -> tuple[DataFrame, Callable[[DataFrame], DataFrame]]:
    """The step of forecast.reconcile: rows of RECONCILED from those of FORECASTS, SERIES and BACKTESTS, and what makes
    rows of LONGER of them.

    Raises UsageError FCT-003 for more than one day.
    """
    day_of(days, "forecast.reconcile")
    found = coherent(nodes_of(series, forecasts, backtests, most_paths=params.most_paths), params)
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
    rows = rows.withColumns(
        {
            "base_y_hat": F.col("y_hat"),
            "y_hat": F.col("_y_hat"),
            **quantiles,
            "calibrated_on": F.col("_calibrated_on"),
            "method": F.lit(params.method),
        }
    ).select(*RECONCILED.schema.names)
    return rows, partial(longer_periods, params, forecasts=forecasts, series=series, backtests=backtests)


def coherent(nodes: DataFrame, params: ReconcileParams) -> DataFrame:
    """COHERENT rows of NODES: branches report, the aggregates answer, branches move, and aggregates are summed."""
    series, aggregates = nodes.where("is_series"), nodes.where(~F.col("is_series"))
    task, steps = ("branch", "first_step"), ("first_step",)
    reported = series.groupBy(*task).applyInPandas(_with(params, tasks.reports), tasks.REPORTS)
    answered = _beside(aggregates, reported, steps, _with(params, tasks.answers), tasks.ANSWERS)
    made = _beside(series, answered, task, _with(params, tasks.moved), tasks.MADE)
    return _beside(aggregates, made, task, _with(params, tasks.finished), tasks.COHERENT)


def _beside(
    left: DataFrame, right: DataFrame, keys: tuple[str, ...], run: Callable[..., pd.DataFrame], schema: str
) -> DataFrame:
    return left.groupBy(*keys).cogroup(right.groupBy(*keys)).applyInPandas(run, schema)


def _with(params: ReconcileParams, task: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    # Spark counts the arguments of what it is given.
    if task is tasks.reports:
        return lambda rows: task(rows, params)
    return lambda left, right: task(left, right, params)


def _parents(series: DataFrame, forecasts: DataFrame) -> DataFrame:
    """``unique_id, parents`` (see NODES) of the series that are forecast."""
    asked = forecasts.select("unique_id").distinct()
    pairs = pairs_of(series).join(asked, "unique_id", "left_semi")
    pairs = pairs.join(asked.withColumnRenamed("unique_id", "node"), "node", "left_semi")
    size = F.count(F.lit(1)).over(Window.partitionBy("node"))
    parent = F.struct((-size).alias("size"), F.xxhash64("node").alias("id"))
    sized = pairs.select("unique_id", parent.alias("parent"))
    return sized.groupBy("unique_id").agg(F.sort_array(F.collect_list("parent")).getField("id").alias("parents"))


def _branches(series: DataFrame, series_per_branch: int) -> DataFrame:
    """``unique_id, branch, branches``: series by their aggregate of the finest level, large families series by series.

    Aggregates are spread by their id.
    """
    by_level = series.groupBy("level").agg(F.count(F.lit(1)).alias("_count"))
    shape = by_level.agg(
        F.greatest(
            F.lit(1),
            F.ceil(F.coalesce(F.max(F.when(F.col("level").isNull(), F.col("_count"))), F.lit(0)) / series_per_branch),
        )
        .cast("int")
        .alias("branches"),
        F.max_by("level", F.when(F.col("level").isNotNull(), F.struct("_count", "level"))).alias("_finest"),
    )
    rows = series.select("unique_id", "level", "attributes").crossJoin(F.broadcast(shape))
    own, is_series = F.xxhash64("unique_id"), F.col("level").isNull()
    family = F.when(is_series & F.col("attributes").isNotNull(), F.xxhash64(aggregate_id(F.col("_finest"))))
    rows = rows.withColumn("_family", F.coalesce(family, own))
    is_large = F.count(F.lit(1)).over(Window.partitionBy("_family")) * _FAMILIES_PER_BRANCH > series_per_branch
    spread = F.pmod(F.when(is_large, own).otherwise(F.col("_family")), F.col("branches"))
    return rows.select("unique_id", spread.cast("int").alias("branch"), "branches")


def nodes_of(
    series: DataFrame,
    forecasts: DataFrame,
    backtests: DataFrame | None,
    *,
    most_paths: int,
    series_per_branch: int = _SERIES_PER_BRANCH,
) -> DataFrame:
    """Every node that is forecast, some steps in a row (NODES)."""
    names = list(QUANTILES)
    first = (F.floor((F.col("step") - 1) / _STEPS_PER_TASK) * _STEPS_PER_TASK + 1).cast("int")
    step = F.struct("step", "y_hat", F.array(*names).alias("band"))
    lowest = F.min(F.least("y_hat", names[0]))
    floors = forecasts.groupBy("unique_id").agg((lowest >= 0).alias("is_floored"), F.avg("spread").alias("spread"))
    chunks = forecasts.groupBy("unique_id", "freq", first.alias("first_step")).agg(
        F.sort_array(F.collect_list(step)).alias("_steps")
    )
    chunks = chunks.withColumns({"y_hat": F.col("_steps.y_hat"), "bands": F.flatten("_steps.band")})
    facts = series.select(
        "unique_id",
        F.xxhash64("unique_id").alias("node"),
        F.col("level").isNull().alias("is_series"),
        (F.col("units") / F.greatest("periods", F.lit(1))).alias("usual"),
    )
    rows = chunks.join(floors, "unique_id", "inner").join(facts, "unique_id", "inner")
    rows = rows.join(_branches(series, series_per_branch), "unique_id", "inner")
    rows = rows.join(_parents(series, forecasts), "unique_id", "left")
    rows = rows.withColumn("parents", F.coalesce("parents", F.array().cast("array<bigint>")))
    if backtests is None:
        nothing = {"error_places": F.lit(None).cast("array<int>"), "errors": F.lit(None).cast("array<double>")}
        return rows.withColumns({**nothing, "joint": F.lit(0)}).select(*_COLUMNS)
    errors, joint = _errors(backtests, most_paths)
    return rows.join(errors, "unique_id", "left").crossJoin(F.broadcast(joint)).select(*_COLUMNS)


def _errors(backtests: DataFrame, most: int) -> tuple[DataFrame, DataFrame]:
    """``unique_id, error_places, errors`` of the weighted means, and one row with ``joint``, how many places there are.

    A place is an origin and a step. Where there are more than ``most``, those whose hashes come first are a sample.
    """
    error: Column = F.col("y") - F.col("y_hat")
    own = backtests.where(F.col("model") == COMBINED)
    own = own.select("unique_id", F.xxhash64("cutoff", "step").alias("key"), error.alias("error"))
    keys = own.agg(F.slice(F.sort_array(F.collect_set("key")), 1, most).alias("keys"))
    places = keys.select(F.posexplode("keys").alias("place", "key"))
    rows = own.join(F.broadcast(places), "key", "inner").groupBy("unique_id")
    found = rows.agg(F.sort_array(F.collect_list(F.struct("place", "error"))).alias("_errors"))
    errors = found.select(
        "unique_id", F.col("_errors.place").alias("error_places"), F.col("_errors.error").alias("errors")
    )
    return errors, keys.select(F.size("keys").alias("joint"))
