"""One review per series: today's order and why, what is exceptional, what has changed, what was wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.planning.reasons import order_reason
from jobs.forecast.planning.tables import REVIEWS


@dataclass(frozen=True)
class Plan:
    """What was planned as of a day: rows of FORECASTS, ORDERS (None: no table) and TRIALS."""

    day: date
    forecasts: DataFrame
    orders: DataFrame | None
    trials: DataFrame


def reviews(
    series: DataFrame,
    today: Plan,
    labels: DataFrame,
    before: Plan | None,
    judged: DataFrame | None,
    *,
    judged_of: date | None,
) -> DataFrame:
    """Rows of REVIEWS for those of ``series`` (SERIES). ``labels`` as exceptions.py, ``judged`` as hindsight gives."""
    units, value = F.col("units"), F.col("value")
    rows = series.select(
        "unique_id",
        "item_name",
        "demand_class",
        "value",
        F.when((units > 0) & (value > 0), value / units).alias("unit_value"),
    )
    expected = today.forecasts.groupBy("unique_id").agg(F.sum("y_hat").alias("expected_units"))
    rows = rows.join(expected, "unique_id", "inner").join(labels, "unique_id", "left")
    parts = [_ordered(today.orders)] if today.orders is not None else []
    parts.append(_main_models(today.trials, "main_model"))
    if before is not None:
        parts += _since(today, before)
    if judged is not None:
        parts.append(judged)
    for part in parts:
        rows = rows.join(part, "unique_id", "left")
    given = {
        "as_of_date": F.lit(today.day),
        "order_value": F.col("order_quantity") * F.col("unit_value") if today.orders is not None else F.lit(None),
        "compared_with": F.lit(None if before is None else before.day),
        "judged_of": F.lit(judged_of),
        "value_missed": (F.col("units_over") + F.col("units_under")) * F.col("unit_value")
        if judged is not None
        else F.lit(None),
    }
    there = set(rows.columns)
    columns = [
        given[item.name] if item.name in given else F.col(item.name) if item.name in there else F.lit(None)
        for item in REVIEWS.schema
    ]
    return rows.select(
        *(column.cast(item.dataType).alias(item.name) for column, item in zip(columns, REVIEWS.schema, strict=True))
    )


def _ordered(orders: DataFrame) -> DataFrame:
    return orders.select(
        "unique_id", order_reason().alias("order_reason"), "order_quantity", "stock_position", "order_up_to"
    )


def _main_models(trials: DataFrame, name: str) -> DataFrame:
    return trials.where("is_champion").groupBy("unique_id").agg(F.min("model").alias(name))


def _since(today: Plan, before: Plan) -> list[DataFrame]:
    """What was planned before, and how far the forecasts of the same periods moved."""
    earlier = before.forecasts.select("unique_id", "ds", F.col("y_hat").alias("_before"))
    same = today.forecasts.select("unique_id", "ds", "y_hat").join(earlier, ["unique_id", "ds"], "inner")
    moved = same.groupBy("unique_id").agg(
        F.sum("y_hat").alias("same_units"),
        F.sum("_before").alias("same_units_before"),
        F.sum(F.abs(F.col("y_hat") - F.col("_before"))).alias("same_units_moved"),
    )
    found = [moved, _main_models(before.trials, "main_model_before")]
    if before.orders is not None:
        found.append(
            before.orders.select(
                "unique_id",
                F.col("order_quantity").alias("order_quantity_before"),
                F.col("order_up_to").alias("order_up_to_before"),
            )
        )
    return found


def hindsight(forecasts: DataFrame, demand: DataFrame) -> DataFrame:
    """Forecasts of an earlier day against ``demand`` (unique_id, ds, y) known by now, one row per series with any."""
    known = forecasts.join(demand.where(F.col("y").isNotNull()), ["unique_id", "ds"], "inner")
    error = F.col("y") - F.col("y_hat")
    return known.groupBy("unique_id").agg(
        F.count(F.lit(1)).cast("int").alias("judged_periods"),
        F.count_if(F.col("y").between(F.col("q100"), F.col("q900"))).cast("int").alias("periods_in_80"),
        F.sum("y_hat").alias("judged_forecast"),
        F.sum("y").alias("judged_demand"),
        F.sum(F.greatest(-error, F.lit(0.0))).alias("units_over"),
        F.sum(F.greatest(error, F.lit(0.0))).alias("units_under"),
    )
