"""Demand of aggregates: exactly the sum of the demand of their series, on every day of knowledge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.spark.persisted import Persisted
from jobs.forecast.demand.changes import demand_as_of
from jobs.forecast.demand.hierarchy import (
    attributes_of,
    check_names,
    check_parents,
    columns_of,
    members_of,
    pairs_of,
    with_listed,
)
from jobs.forecast.demand.params import HistoryParams
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.series import BEYOND, LEFT_OUT, OTHER_RHYTHM, Rules, profiles
from jobs.forecast.demand.steps import on_grid
from jobs.forecast.demand.tables import SERIES

if TYPE_CHECKING:
    from common.days import DayRange
    from common.run.context import RunContext

_DECIMALS = 9


@dataclass(frozen=True)
class Grown:
    """Changes, births (unique_id, first_ds, is_series), levels and attributes of series and aggregates."""

    changes: DataFrame
    births: DataFrame
    described: DataFrame


def with_aggregates(
    context: RunContext,
    changes: DataFrame,
    births: DataFrame,
    counted: DataFrame,
    names: DataFrame,
    rules: Rules,
    whole: DayRange,
    listed: DataFrame | None,
    kept: Persisted,
) -> Grown:
    """Changes and births with those of the aggregates of the hierarchy; what they were where there is none.

    ``counted`` are the sales lines that count up to the last day, ``names`` is unique_id, item_name, ``listed`` what a
    list of items says (``with_listed``). Raises ContractError FCT-031, FCT-032 or FCT-033.
    """
    params = context.params_as(HistoryParams)
    columns = columns_of(params)
    if not columns and not params.hierarchy:
        nothing = {name: F.lit(None).cast(SERIES.schema[name].dataType) for name in ("level", "attributes")}
        return Grown(changes, births, births.select("unique_id").withColumns(nothing))
    attributes = attributes_of(counted, columns)
    if listed is not None:
        attributes = with_listed(attributes, listed, params)
    attributes = kept.keep(attributes)
    changed = check_parents(attributes, params)
    if changed:
        context.counts.detail("series_with_changed_attributes", changed)
    own = attributes.select("unique_id", F.lit(None).cast("string").alias("level"), "attributes")
    if not params.hierarchy:
        return Grown(changes, births, own)
    members = members_of(attributes, params.hierarchy)
    check_names(members)
    changes = kept.keep(changes)
    by_period = demand_as_of(changes, rules.as_of, rules.periods)
    grid = on_grid(by_period, births, whole, rules.periods)
    judged = rules.judged(profiles(grid), facts_of(by_period, names)).select("unique_id", "status", "reason")
    series = kept.keep(judged)
    members = belonging(members, series).join(
        births.where(F.col("first_ds") <= rules.periods.literal(whole.last)), "unique_id", "left_semi"
    )
    has_gaps = births.where("is_series")
    unknown = None if has_gaps.isEmpty() else unknown_periods(grid, series)
    nodes = members.groupBy(F.col("node").alias("unique_id")).agg(
        F.first("level").alias("level"), F.first("attributes").alias("attributes")
    )
    return Grown(
        changes.unionByName(aggregate_changes(changes, members, unknown, rules.as_of)),
        births.unionByName(aggregate_births(members, births)),
        own.unionByName(nodes),
    )


def facts_of(by_period: DataFrame, names: DataFrame) -> DataFrame:
    """``unique_id, value, item_name`` of the series of ``demand_as_of``; ``names`` is unique_id, item_name."""
    sums = (F.sum("value").alias("value"), F.count("censored").alias("censored_periods"))
    return by_period.groupBy("unique_id").agg(*sums).join(names, "unique_id", "left")


def aggregate_changes(changes: DataFrame, members: DataFrame, unknown: DataFrame | None, as_of: date) -> DataFrame:
    """Rows of DEMAND_CHANGES for the aggregates of ``members`` (unique_id, node), the series of ``as_of``.

    The demand of a series never falls below zero, so its changes are those of its demand, not of units sold and
    returned: an aggregate is then, as of any day, the sum of its series. In the periods ``unknown`` (unique_id, ds) of
    a ready series its aggregates are not known either, and have no rows.
    """
    # What is handed over only after the day is still demand of the old series, which is a member itself.
    is_to_come = (F.col("handed_on") > F.lit(as_of)) & (F.col("handed_on") > F.col("known_on"))
    changes = changes.where(~F.coalesce(is_to_come, F.lit(False)))
    # What a series has from another one its aggregates had before.
    in_order = Window.partitionBy("unique_id", "ds").orderBy("known_on", "handed_on")
    known = in_order.rowsBetween(Window.unboundedPreceding, 0)
    net = F.sum(F.col("units_sold") - F.col("units_returned")).over(known)
    floored = F.when(F.col("is_series"), net).otherwise(F.greatest(F.round(net, _DECIMALS), F.lit(0.0)))
    own = changes.withColumn("_y", floored)
    before = F.lag("_y", 1, 0.0).over(in_order)
    own = own.withColumn("_change", F.col("_y") - before)
    parts = own.join(members.select("unique_id", "node"), "unique_id", "inner")
    rows = parts.groupBy(F.col("node").alias("unique_id"), "freq", "ds", "known_on").agg(
        F.max("is_series").alias("is_series"),
        F.sum("lines").alias("lines"),
        F.round(F.sum("units_sold"), _DECIMALS).alias("units_sold"),
        F.round(F.sum(F.col("units_sold") - F.col("_change")), _DECIMALS).alias("units_returned"),
        F.round(F.sum("value"), _DECIMALS).alias("value"),
    )
    # A stock-out of one of its series says little of an aggregate.
    rows = rows.withColumns({"handed_on": F.col("known_on"), "censored": F.lit(None).cast("string")})
    if unknown is not None:
        gaps = unknown.join(members.select("unique_id", "node"), "unique_id", "inner")
        rows = rows.join(
            gaps.select(F.col("node").alias("unique_id"), "ds").distinct(), ["unique_id", "ds"], "left_anti"
        )
    return rows.select(*changes.columns)


def summed_as_of(changes: DataFrame, series: DataFrame, as_of: date, whole: DayRange, periods: Periods) -> DataFrame:
    """``changes`` (DEMAND_CHANGES) with the aggregates of ``series``, all rows of SERIES of ``as_of``: sums of those
    that belonged to them on that day.

    What is stored of aggregates is the sum by another day's knowledge, if forecast.history has run for it since.
    """
    own = series.where(F.col("level").isNull() & F.col("first_ds").isNotNull())
    changes = changes.join(own.select("unique_id"), "unique_id", "left_semi")
    members = belonging(pairs_of(series), series).join(own.select("unique_id"), "unique_id", "left_semi")
    ready = changes.where("is_series")
    unknown = None
    if not ready.isEmpty():
        births = own.join(ready.select("unique_id").distinct(), "unique_id", "left_semi")
        births = births.select("unique_id", "first_ds", F.lit(True).alias("is_series"))
        grid = on_grid(demand_as_of(ready, as_of, periods), births, whole, periods)
        unknown = unknown_periods(grid, own)
    return changes.unionByName(aggregate_changes(changes, members, unknown, as_of))


def unknown_periods(grid: DataFrame, series: DataFrame) -> DataFrame:
    """``unique_id, ds`` of the periods in ``grid`` (DEMAND) of which nothing is known of a series that is forecast.

    What has ended (``series``: columns of SERIES) is missing only up to its last value: afterwards there is none.
    """
    last = grid.where(F.col("y").isNotNull()).groupBy("unique_id").agg(F.max("ds").alias("_last"))
    ended = series.where(F.col("status") == LEFT_OUT).select("unique_id", F.lit(True).alias("_is_over"))
    gaps = grid.where(F.col("y").isNull()).select("unique_id", "ds")
    gaps = gaps.join(last, "unique_id", "inner").join(ended, "unique_id", "left")
    return gaps.where(F.col("_is_over").isNull() | (F.col("ds") <= F.col("_last"))).select("unique_id", "ds")


def belonging(members: DataFrame, series: DataFrame) -> DataFrame:
    """``members`` without the series that nobody forecasts: beyond ``max_series``, or of longer periods."""
    beyond = series.where(F.col("reason").isin(BEYOND, OTHER_RHYTHM)).select("unique_id")
    return members.join(beyond, "unique_id", "left_anti")


def aggregate_births(members: DataFrame, births: DataFrame) -> DataFrame:
    """``unique_id, first_ds, is_series`` of the aggregates: each begins with the first of its series."""
    own = members.join(births, "unique_id", "inner")
    return own.groupBy(F.col("node").alias("unique_id")).agg(
        F.min("first_ds").alias("first_ds"), F.max("is_series").alias("is_series")
    )
