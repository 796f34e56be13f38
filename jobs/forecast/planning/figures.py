"""The few rows that the planner's page shows, brought to the driver: totals by kind, and the first of each list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.demand.inputs import History
from jobs.forecast.planning.exceptions import OCCASIONS
from jobs.forecast.planning.steps import Plan
from jobs.forecast.trials.accuracy import absolute_error
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    from jobs.forecast.planning.params import PageParams

# So many seasons or horizons of history are drawn before a forecast, at most.
_HISTORY_DRAWN = 3


@dataclass(frozen=True)
class Figures:
    """What is shown.

    ``groups`` (REVIEWS by order_reason and label) has one row per pair with sums; ``tops`` are reviews with their
    places in the lists (``order_place`` among those of a reason, ``label_place`` among those of a label,
    ``change_place``, ``miss_place``; null where the list has ended). ``coverage`` and ``accuracy`` are by class of
    demand, null for all. ``overrides`` are today's, a row per series and reason; ``occasions`` are promotions and
    events, a row per label and evidence, with the most valuable of their ``series``. ``past`` and ``coming`` are the
    demand and the forecasts of the series drawn, in the order of ``drawn``.
    """

    groups: Sequence[Any]
    tops: Sequence[Any]
    coverage: Sequence[Any]
    accuracy: Sequence[Any]
    drawn: Sequence[Any]
    past: Sequence[Any]
    coming: Sequence[Any]
    overrides: Sequence[Any]
    occasions: Sequence[Any]


def figures_of(
    rows: DataFrame, demand: DataFrame, today: Plan, backtests: DataFrame, history: History, params: PageParams
) -> Figures:
    """The figures of the staged ``rows`` of REVIEWS and of what they were made from; a few hundred rows at most."""
    series = rows.select("unique_id", "demand_class")
    tops = _with_places(rows, params.report_top, params.report_charts).collect()
    drawn = _drawn(tops, params.report_charts)
    wanted = F.col("unique_id").isin([row["unique_id"] for row in drawn])
    coming = today.forecasts.where(wanted).orderBy("unique_id", "ds").collect() if drawn else []
    steps = max((row["step"] for row in coming), default=1)
    back = -max(_HISTORY_DRAWN * steps, min(history.periods.season_length, 60) + steps)
    first = history.periods.plus(history.last_ds, back)
    recent = demand.where(wanted & (F.col("ds") > history.periods.literal(first)))
    past = recent.orderBy("unique_id", "ds").collect() if drawn else []
    return Figures(
        _totals(rows).collect(),
        tops,
        _coverage(today.trials.join(series, "unique_id", "left_semi")).collect(),
        _accuracy(backtests, series).collect(),
        drawn,
        past,
        coming,
        _overrides(today.forecasts, rows, params.report_top).collect(),
        _occasions(rows, params.report_top).collect(),
    )


def _occasions(rows: DataFrame, top: int) -> DataFrame:
    most = F.max(F.struct("value", "unique_id", "item_name")).alias("_most")
    said = rows.where(F.col("label").isin(*OCCASIONS)).groupBy("label", "evidence")
    found = said.agg(F.count(F.lit(1)).alias("series"), F.sum("value").alias("value"), most)
    place = F.row_number().over(Window.partitionBy("label").orderBy(F.col("value").desc(), "evidence"))
    placed = found.withColumn("place", place).where(F.col("place") <= top)
    return placed.select("label", "evidence", "series", "_most.unique_id", "_most.item_name", "place")


def _overrides(forecasts: DataFrame, rows: DataFrame, top: int) -> DataFrame:
    # What a planner said is in the base forecasts; coherent ones may have moved since.
    if "base_y_hat" in forecasts.columns:
        forecasts = forecasts.withColumn("y_hat", F.col("base_y_hat"))
    sums = [F.sum(name).alias(name) for name in ("y_hat", "statistical_y_hat")]
    held = forecasts.where("override_reason IS NOT NULL").groupBy("unique_id", "override_reason")
    found = held.agg(F.count(F.lit(1)).alias("periods"), *sums)
    named = found.join(rows.select("unique_id", "item_name"), "unique_id", "inner")
    return named.orderBy(F.abs(F.col("y_hat") - F.col("statistical_y_hat")).desc(), "unique_id").limit(top)


def _totals(rows: DataFrame) -> DataFrame:
    def total(column: str | Column) -> Column:
        return F.coalesce(F.sum(column), F.lit(0.0))

    is_ordered = F.col("order_quantity") > 0
    known_before = F.col("order_up_to_before").isNotNull() & F.col("order_up_to").isNotNull()
    both = F.col("main_model").isNotNull() & F.col("main_model_before").isNotNull()
    return rows.groupBy("order_reason", "label").agg(
        F.count(F.lit(1)).alias("series"),
        F.count_if(is_ordered).alias("orders"),
        F.count_if(is_ordered & F.col("unit_value").isNull()).alias("unpriced"),
        F.count_if(F.col("stock_position").isNotNull()).alias("counted"),
        total("order_quantity").alias("units"),
        total("order_value").alias("worth"),
        total("expected_units").alias("expected"),
        F.max("compared_with").alias("compared_with"),
        F.count("same_units").alias("compared"),
        total("same_units").alias("same_units"),
        total("same_units_before").alias("same_units_before"),
        total("same_units_moved").alias("same_units_moved"),
        total(F.when(known_before, F.abs(F.col("order_up_to") - F.col("order_up_to_before")))).alias("level_moved"),
        total(F.when(known_before, F.col("order_up_to_before"))).alias("level_before"),
        F.count_if(both).alias("with_models"),
        F.count_if(both & (F.col("main_model") != F.col("main_model_before"))).alias("flipped"),
        F.max("judged_of").alias("judged_of"),
        F.max("judged_periods").alias("judged_periods"),
        F.coalesce(F.sum("judged_periods"), F.lit(0)).alias("judged_values"),
        F.coalesce(F.sum("periods_in_80"), F.lit(0)).alias("in_80"),
        *(total(name).alias(name) for name in ("judged_forecast", "judged_demand", "units_over", "units_under")),
        total(F.col("units_over") * F.col("unit_value")).alias("value_over"),
        total(F.col("units_under") * F.col("unit_value")).alias("value_under"),
    )


def _with_places(rows: DataFrame, top: int, charts: int) -> DataFrame:
    """The reviews that are among the first of a list, the most valuable first; worth goes before units.

    Places are those up to the end of a list, null beyond. Each list is cut before its rows are brought together: no
    task orders all series.
    """
    value, units = F.col("value").desc_nulls_last(), F.col("expected_units").desc_nulls_last()

    def first(name: str, worth: Column, counted: Column, *, only: Column, by: str | None = None) -> DataFrame:
        order = [worth.desc_nulls_last(), counted.desc_nulls_last(), F.col("unique_id")]
        within = Window.partitionBy(F.lit(0) if by is None else F.col(by)).orderBy(*order)
        listed = rows.where(only).select("unique_id", F.row_number().over(within).alias("_place"))
        end = charts if name == "value_place" else top
        return listed.where(F.col("_place") <= end).withColumn("_list", F.lit(name))

    def change(now: str, before: str) -> Column:
        return F.coalesce(F.abs(F.col(now) - F.col(before)), F.lit(0.0))

    moved = F.greatest(change("same_units", "same_units_before"), change("order_quantity", "order_quantity_before"))
    missed = F.col("units_over") + F.col("units_under")
    ordered, labels = F.col("order_quantity"), F.col("label").isNotNull()
    lists = [
        first("order_place", F.col("order_value"), ordered, only=ordered > 0, by="order_reason"),
        first("label_place", F.col("value"), F.col("expected_units"), only=labels, by="label"),
        first("change_place", moved * F.col("unit_value"), moved, only=moved > 0),
        first("miss_place", F.col("value_missed"), missed, only=missed > 0),
        first("value_place", F.col("value"), F.col("expected_units"), only=F.lit(True)),
    ]
    names = ("order_place", "label_place", "change_place", "miss_place")
    places = reduce(DataFrame.unionByName, lists).groupBy("unique_id")
    found = places.agg(*(F.max(F.when(F.col("_list") == name, F.col("_place"))).alias(name) for name in names))
    return rows.join(F.broadcast(found), "unique_id", "inner").orderBy(value, units, "unique_id")


def _drawn(tops: Sequence[Any], charts: int) -> list[Any]:
    """Half of the charts show what is exceptional, the most valuable of each label first; the others the largest."""
    # Stable: those of the same place stay in the order of their value.
    odd = sorted((row for row in tops if row["label_place"] is not None), key=lambda row: int(row["label_place"]))
    chosen = odd[: charts // 2]
    names = {row["unique_id"] for row in chosen}
    largest = [row for row in tops if row["unique_id"] not in names]
    return [*chosen, *largest[: charts - len(chosen)]]


def _coverage(trials: DataFrame) -> DataFrame:
    """By class of demand and, with a null class, in all: the mean over series, and how series differ."""
    rows = trials.where((F.col("model") == COMBINED) & F.col("coverage_80").isNotNull())
    found = [F.count(F.lit(1)).alias("series")]
    for band in ("coverage_80", "coverage_95"):
        found += [F.avg(band).alias(band), F.stddev_samp(band).alias(f"{band}_sd")]
    return rows.withColumn("demand_class", F.coalesce("demand_class", F.lit("none"))).rollup("demand_class").agg(*found)


def _accuracy(backtests: DataFrame, series: DataFrame) -> DataFrame:
    """Sums of errors and demand by class, of the weighted mean and the naive, on what both were tried on."""
    rows = backtests.where(F.col("model").isin(COMBINED, "seasonal_naive"))
    tried = rows.where(F.col("model") == COMBINED).select("unique_id", "cutoff").distinct()
    same = rows.join(tried, ["unique_id", "cutoff"], "left_semi")
    classed = same.join(series, "unique_id", "inner")
    sums = [F.sum(absolute_error()).alias("error"), F.sum(F.abs("y")).alias("demand")]
    return classed.groupBy("demand_class", "model").agg(*sums)
