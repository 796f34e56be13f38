"""Forecasts with a fallback for every series, quantiles, and orders, on three or four rows."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.forecasts.steps import local_forecasts, with_global, with_quantiles
from jobs.forecast.orders.steps import Policy, lead_time_demand, orders
from jobs.forecast.orders.tables import STOCK
from jobs.forecast.trials.calibration import sampled, sampled_of
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
WEEKS = Periods("W")
RESIDUALS = "model string, demand_class string, step int, r double"


def history(name: str, values: list[float], champion: str, reason: str | None = None) -> pd.DataFrame:
    days = [MONDAY + timedelta(days=7 * n) for n in range(len(values))]
    return pd.DataFrame({"unique_id": name, "ds": days, "y": values, "champion": champion, "reason": reason})


def test_every_series_gets_every_period_once_with_the_reason_for_a_fallback() -> None:
    rows = pd.concat(
        [
            history("naive", [1.0, 2.0, 3.0], "seasonal_naive"),
            history("short", [5.0], "none", "FCT-202 a single period of history"),
            history("zeros", [0.0] * 9, "theta"),
            history("global", [4.0, 2.0], "lightgbm"),
            history("broken", [np.nan, 6.0, np.inf, 2.0], "none", "no model could be scored"),
        ]
    )
    found = local_forecasts(rows.sample(frac=1, random_state=1), WEEKS, horizon=2, season_length=52)
    assert not found.duplicated(["unique_id", "ds"]).any()
    firsts = found[found["step"] == 1].set_index("unique_id")
    assert firsts[["model", "y_hat", "fallback_reason"]].to_dict("index") == {
        "naive": {"model": "seasonal_naive", "y_hat": 3.0, "fallback_reason": None},
        "short": {"model": "seasonal_naive", "y_hat": 5.0, "fallback_reason": "FCT-202 a single period of history"},
        "zeros": {"model": "zero", "y_hat": 0.0, "fallback_reason": "no demand at all"},
        "global": {"model": "seasonal_naive", "y_hat": 2.0, "fallback_reason": "lightgbm gave no forecast"},
        "broken": {"model": "seasonal_naive", "y_hat": 2.0, "fallback_reason": "no model could be scored"},
    }
    assert firsts.loc["naive", "ds"] == MONDAY + timedelta(days=21)


def forecasts(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(
        list(rows),
        "unique_id string, ds date, step int, model string, fallback_reason string, y_hat double, spread double, "
        "is_floored boolean, demand_class string",
    )


def test_the_global_model_replaces_the_fallback_of_its_own_series_only(spark: SparkSession) -> None:
    local = forecasts(
        spark,
        ("a", MONDAY, 1, "seasonal_naive", "lightgbm gave no forecast", 5.0, 1.0, True, "smooth"),
        ("b", MONDAY, 1, "theta", None, 7.0, 1.0, True, "smooth"),
        ("c", MONDAY, 1, "seasonal_naive", "lightgbm gave no forecast", 9.0, 1.0, True, "smooth"),
    )
    champions = spark.createDataFrame(
        [("a", "lightgbm"), ("b", "theta"), ("c", "lightgbm")], "unique_id string, champion string"
    )
    predicted = spark.createDataFrame(
        [("a", MONDAY, 6.0, None), ("b", MONDAY, 99.0, None)],
        "unique_id string, ds date, global_y_hat double, failure string",
    )
    found = with_global(local, predicted, champions).orderBy("unique_id").collect()
    assert [(row["model"], row["y_hat"], row["fallback_reason"]) for row in found] == [
        ("lightgbm", 6.0, None),
        ("theta", 7.0, None),
        ("seasonal_naive", 9.0, "lightgbm gave no forecast"),
    ]


def test_quantiles_rise_are_floored_where_demand_is_and_are_zero_without_any(spark: SparkSession) -> None:
    rows = forecasts(
        spark,
        ("floored", MONDAY, 1, "m", None, 1.0, 2.0, True, "smooth"),
        ("free", MONDAY, 1, "m", None, 1.0, 2.0, False, "smooth"),
        ("zero", MONDAY, 1, "zero", "no demand at all", 0.0, 1.0, True, None),
    )
    residuals = spark.createDataFrame([("m", "smooth", 1, float(n)) for n in range(-2, 3)], RESIDUALS)
    found = {row["unique_id"]: row for row in with_quantiles(rows, residuals, fewest=5).collect()}
    # Five errors -2 ... 2: ranks 1, 1, 1, 3, 5, 5, 5, 5, 5 of the nine levels; 1 + 2 r.
    assert [found["free"][name] for name in QUANTILES] == [-3.0, -3.0, -3.0, 1.0, 5.0, 5.0, 5.0, 5.0, 5.0]
    assert [found["floored"][name] for name in QUANTILES] == [0.0, 0.0, 0.0, 1.0, 5.0, 5.0, 5.0, 5.0, 5.0]
    assert {found["zero"][name] for name in QUANTILES} == {0.0}
    assert found["free"]["calibrated_on"] == "class and step"


def test_orders_follow_from_the_forecast_the_errors_and_the_stock(spark: SparkSession) -> None:
    policy = Policy(lead_time_periods=1, review_periods=1, service_level=0.9, pack_size=6)
    rows = forecasts(
        spark,
        *((name, MONDAY + timedelta(days=7 * n), n, "m", None, 10.0, 2.0, True, "smooth")
          for name in ("unknown", "low", "high") for n in (1, 2, 3)),
    )  # fmt: skip
    demand = lead_time_demand(rows, policy)
    assert {(row["lead_time_demand"], row["protection_demand"]) for row in demand.collect()} == {(10.0, 20.0)}
    # Nine errors 1 ... 9 of the lead time, 2 ... 18 of the whole time: rank ceil(10 x 0.9) = the 9th.
    errors = [("m", "smooth", step, float(step * n)) for step in (1, 2) for n in range(1, 10)]
    stock = spark.createDataFrame([("low", 20.0, 8.0), ("high", 20.0, 9.0)], STOCK.schema)
    classes = demand.withColumn("demand_class", F.lit("smooth"))
    found = {
        row["unique_id"]: row
        for row in orders(classes, spark.createDataFrame(errors, RESIDUALS), stock, policy, fewest=5).collect()
    }
    low = found["low"]
    assert (low["reorder_point"], low["order_up_to"], low["safety_stock"]) == (10 + 9 * 2, 20 + 18 * 2, 18)
    assert {name: row["order_quantity"] for name, row in found.items()} == {
        "unknown": ceil((56 - 28) / 6) * 6,
        "low": ceil((56 - 28) / 6) * 6,  # 20 on the shelf and 8 on their way are just the reorder point
        "high": 0.0,
    }
    assert "stock unknown" in found["unknown"]["reason"]
    assert "above the reorder point" in found["high"]["reason"]
    # Nothing of the nine errors lies above the 9th.
    assert low["expected_shortage"] == pytest.approx(0.0)


def test_residuals_of_too_many_series_are_sampled_the_same_whoever_counts_the_series(spark: SparkSession) -> None:
    series = spark.createDataFrame([(f"item {n}",) for n in range(20)], "unique_id string")
    few = [row["unique_id"] for row in sampled_of(series, series, 4).collect()]
    assert 0 < len(few) < 12
    assert few == [row["unique_id"] for row in sampled(series, 20, 4).collect()]
    assert sampled_of(series, series, 20).count() == 20
    assert sampled_of(series, series.limit(0), 20).count() == 20
