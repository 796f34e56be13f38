"""Forecasts with a fallback for every series, quantiles, and orders, on three or four rows."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil, log
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.forecasts.steps import local_forecasts, with_class_shares, with_global, with_quantiles
from jobs.forecast.orders.policy import Policy
from jobs.forecast.orders.steps import covered_demand, orders
from jobs.forecast.stock.steps import without_old_counts
from jobs.forecast.trials.calibration import sampled, sampled_of
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
WEEKS = Periods("W")
STOCK = "unique_id string, on_hand double, on_order double"
RESIDUALS = "unique_id string, model string, demand_class string, step int, r double"


def history(name: str, values: list[float], weights: dict[str, float], reason: str | None = None) -> pd.DataFrame:
    days = [MONDAY + timedelta(days=7 * n) for n in range(len(values))]
    lists = {"models": [list(weights)] * len(values), "weights": [list(weights.values())] * len(values)}
    return pd.DataFrame({"unique_id": name, "ds": days, "y": values, **lists, "reason": reason})


def test_every_series_gets_every_period_once_with_the_reason_for_a_fallback() -> None:
    rows = pd.concat(
        [
            history("mean", [1.0, 2.0, 3.0], {"seasonal_naive": 0.5, "window_average": 0.5}),
            history("short", [5.0], {}, "FCT-202 a single period of history"),
            history("zeros", [0.0] * 9, {"theta": 1.0}),
            history("never", [0.0, 0.0], {}, "FCT-203 no demand at all"),
            history("global", [4.0, 2.0], {"lightgbm": 1.0}),
            history("too few", [6.0, 2.0, 4.0], {"theta": 0.5, "lightgbm": 0.5}),
            history("broken", [np.nan, 6.0, np.inf, 2.0], {}, "no model could be scored"),
        ]
    )
    found = local_forecasts(rows.sample(frac=1, random_state=1), WEEKS, horizon=2, season_length=52)
    assert not found.duplicated(["unique_id", "ds"]).any()
    firsts = found[found["step"] == 1].set_index("unique_id")
    assert firsts[["model", "y_hat", "weight", "fallback_reason"]].to_dict("index") == {
        "mean": {"model": "combined", "y_hat": 2.5, "weight": 1.0, "fallback_reason": None},
        "short": {
            "model": "seasonal_naive", "y_hat": 5.0, "weight": 0.0,
            "fallback_reason": "FCT-202 a single period of history",
        },
        "zeros": {"model": "zero", "y_hat": 0.0, "weight": 0.0, "fallback_reason": "no demand at all"},
        "never": {"model": "zero", "y_hat": 0.0, "weight": 0.0, "fallback_reason": "FCT-203 no demand at all"},
        "global": {"model": "seasonal_naive", "y_hat": 2.0, "weight": 0.0, "fallback_reason": None},
        "too few": {
            "model": "seasonal_naive", "y_hat": 4.0, "weight": 0.0,
            "fallback_reason": "theta needs 5 periods, 3 are there",
        },
        "broken": {
            "model": "seasonal_naive", "y_hat": 2.0, "weight": 0.0, "fallback_reason": "no model could be scored",
        },
    }  # fmt: skip
    assert firsts.loc["mean", "ds"] == MONDAY + timedelta(days=21)
    # Fewer than four values are too few to measure how far off a forecast is, and so are equal ones.
    rows = pd.concat(
        [history("few", [5.0, 7.0, 9.0], {}), history("flat", [0.5] * 9, {}), history("own", [1.5, 2.0, 3.5, 4.0], {})]
    )
    spreads = local_forecasts(rows, WEEKS, horizon=1, season_length=1).set_index("unique_id")["spread"]
    assert spreads.isna().to_dict() == {"few": True, "flat": True, "own": False}
    assert spreads["own"] == pytest.approx((0.5 + 1.5 + 0.5) / 3)


def test_a_series_that_no_origin_could_score_has_the_shares_of_its_class(spark: SparkSession) -> None:
    weights = spark.createDataFrame(
        [("a", "theta", 0.5), ("a", "ets", 0.5), ("b", "theta", 1.0), ("c", "imapa", 1.0)],
        "unique_id string, model string, weight double",
    ).withColumn("demand_class", F.lit("as tested"))
    series = spark.createDataFrame(
        [("a", "modelled", "smooth"), ("b", "modelled", "smooth"), ("c", "modelled", "lumpy"),
         ("new", "modelled", "smooth"), ("short", "fallback", "smooth"), ("odd", "modelled", "erratic")],
        "unique_id string, status string, demand_class string",
    )  # fmt: skip
    found = with_class_shares(weights, series).where("is_of_class").collect()
    assert {(row["unique_id"], row["model"], row["weight"]) for row in found} == {
        ("new", "theta", 0.75),
        ("new", "ets", 0.25),
    }


def forecasts(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    return spark.createDataFrame(
        list(rows),
        "unique_id string, ds date, step int, model string, fallback_reason string, y_hat double, spread double, "
        "is_floored boolean, demand_class string",
    )


def test_global_models_have_their_share_in_the_series_that_give_them_one(spark: SparkSession) -> None:
    rows = [
        ("half", MONDAY, 1, "combined", None, 5.0, 1.0, True, "smooth"),
        ("none", MONDAY, 1, "combined", None, 7.0, 1.0, True, "smooth"),
        ("gone", MONDAY, 1, "combined", None, 9.0, 1.0, True, "smooth"),
        ("only", MONDAY, 1, "seasonal_naive", None, 1.0, 1.0, True, "smooth"),
    ]
    own = {"half": 0.5, "none": 1.0, "gone": 0.6, "only": 0.0}
    local = forecasts(spark, *rows).join(
        spark.createDataFrame(list(own.items()), "unique_id string, weight double"), "unique_id"
    )
    weights = spark.createDataFrame(
        [("half", "lightgbm", 0.25), ("half", "lightgbm_diff", 0.25), ("gone", "lightgbm", 0.4),
         ("only", "lightgbm", 1.0)],
        "unique_id string, model string, weight double",
    )  # fmt: skip
    predicted = spark.createDataFrame(
        [("half", MONDAY, "lightgbm", 6.0, None), ("half", MONDAY, "lightgbm_diff", 8.0, None),
         ("none", MONDAY, "lightgbm", 99.0, None), ("only", MONDAY, "lightgbm", 3.0, None),
         ("gone", MONDAY, "lightgbm", None, "lightgbm failed: ValueError")],
        "unique_id string, ds date, model string, global_y_hat double, failure string",
    )  # fmt: skip
    found = {row["unique_id"]: row for row in with_global(local, predicted, weights).collect()}
    assert {name: (row["model"], row["y_hat"], row["fallback_reason"]) for name, row in found.items()} == {
        "half": ("combined", 0.5 * 5 + 0.25 * 6 + 0.25 * 8, None),
        "none": ("combined", 7.0, None),
        "gone": ("combined", 9.0, "lightgbm failed: ValueError"),
        "only": ("combined", 3.0, None),
    }


def test_quantiles_rise_are_floored_where_demand_is_and_have_the_band_of_the_class_without_any(
    spark: SparkSession,
) -> None:
    rows = forecasts(
        spark,
        ("floored", MONDAY, 1, "combined", None, 1.0, 2.0, True, "smooth"),
        ("free", MONDAY, 1, "combined", None, 1.0, 2.0, False, "smooth"),
        ("zero", MONDAY, 1, "zero", "no demand at all", 0.0, 1.0, True, "smooth"),
        ("lonely", MONDAY, 1, "zero", "no demand at all", 0.0, 1.0, True, "lumpy"),
        ("short", MONDAY, 1, "seasonal_naive", "FCT-202", 40.0, None, True, "smooth"),
        ("alone", MONDAY, 1, "seasonal_naive", "FCT-202", 40.0, None, True, "erratic"),
    )
    rows = rows.unionByName(rows.where("unique_id = 'floored'").withColumn("unique_id", F.lit("whole")))
    rows = rows.withColumn("is_whole", F.col("unique_id") == "whole").withColumn("weight", F.lit(1.0))
    residuals = spark.createDataFrame(
        [(name, "combined", "smooth", 1, float(n)) for name in "ab" for n in range(-2, 3)], RESIDUALS
    )
    found = {row["unique_id"]: row for row in with_quantiles(rows, residuals, fewest=5).collect()}
    # Ten errors, each of -2 ... 2 twice: ranks 1, 2, 6, 9 and 10 of levels .1 to .9; 1 + 2 r. The others lie beyond
    # level 10 / 11, so far beyond the middle as 2 x ln(1 / (1 - q)) / ln(11).
    far = {level: 2 * 2 * log(1 / (1 - level)) / log(11) for level in (0.95, 0.975, 0.99)}
    expected = [1 - far[0.975], -3.0, -3.0, 1.0, 5.0, 5.0, *(1 + far[level] for level in (0.95, 0.975, 0.99))]
    assert [found["free"][name] for name in QUANTILES] == pytest.approx(expected)
    assert [found["floored"][name] for name in QUANTILES] == pytest.approx([max(value, 0.0) for value in expected])
    assert [found["whole"][name] for name in QUANTILES] == [max(round(value), 0) for value in expected]
    # Around nothing, in units of the middle spread of its class.
    assert (found["zero"]["model"], found["zero"]["spread"]) == ("zero", 2.0)
    assert [found["zero"][name] for name in QUANTILES] == pytest.approx([max(value - 1, 0.0) for value in expected])
    assert {found["lonely"][name] for name in QUANTILES} == {0.0}  # nobody else of its class
    # The others of its class are forecast as 1 with a spread of 2.
    assert (found["short"]["spread"], found["alone"]["spread"]) == (80.0, 40.0)
    assert (found["lonely"]["calibrated_on"], found["free"]["calibrated_on"]) == ("no demand at all", "class and step")


def order_rows(spark: SparkSession, policy: Policy, stock: DataFrame | None) -> dict[str, Any]:
    """Orders of three series that sell 10 a period, spread 2; nine errors 1 ... 9 times the length of the path."""
    rows = forecasts(
        spark,
        *((name, MONDAY + timedelta(days=7 * n), n, "m", None, 10.0, 2.0, True, "smooth")
          for name in ("unknown", "low", "high") for n in (1, 2, 3)),
    )  # fmt: skip
    errors = [(name, "m", "smooth", step, float(step * n)) for name in "ab" for step in (1, 2) for n in range(1, 10)]
    demand = covered_demand(rows, policy).withColumns(
        {"demand_class": F.lit("smooth"), "largest_plausible": F.lit(1e9)}
    )
    found = orders(demand, spark.createDataFrame(errors, RESIDUALS), stock, policy, fewest=5)
    return {row["unique_id"]: row for row in found.collect()}


def test_a_periodic_review_fills_up_to_what_lasts_until_the_order_after_it_has_come(spark: SparkSession) -> None:
    stock = spark.createDataFrame([("low", 20.0, 8.0), ("high", 50.0, 6.0)], STOCK)
    policy = Policy(lead_time_periods=1, review_periods=1, service_level=0.9, pack_size=6)
    found = order_rows(spark, policy, stock)
    # Eighteen errors 2, 2, 4, 4 ... 18, 18 over two periods: rank ceil(19 x 0.9) = the 18th. 2 x 10 + 18 x 2.
    low = found["low"]
    assert (low["lead_time_demand"], low["protection_demand"]) == (10, 20)
    assert (low["reorder_point"], low["order_up_to"], low["safety_stock"]) == (56, 56, 36)
    assert {name: row["order_quantity"] for name, row in found.items()} == {
        "unknown": 12.0,  # what a review period sells, 10, in packs of 6
        "low": ceil((56 - 28) / 6) * 6,
        "high": 0.0,  # 56 are just enough
    }
    assert found["unknown"]["reason"] == "stock unknown: at each review fill up to 56"
    assert found["low"]["reason"] == "stock and open orders of 28 are filled up to 56 for 2 periods"
    # Beyond level 18 / 19 the distance from the middle error, 10, to the highest, 18, is stretched.
    beyond = [16 * (log(1 / (1 - level)) / log(19) - 1) for level in (0.955, 0.965, 0.975, 0.985, 0.995)]
    assert low["expected_shortage"] == pytest.approx(sum(beyond) / 100)


def test_a_count_that_is_too_old_is_no_stock_and_the_order_says_how_old(spark: SparkSession) -> None:
    counts = spark.createDataFrame(
        [("low", 20.0, 8.0, MONDAY - timedelta(days=32)), ("high", 50.0, 6.0, MONDAY - timedelta(days=31))],
        "unique_id string, on_hand double, on_order double, counted_on date",
    )
    policy = Policy(lead_time_periods=1, review_periods=1, service_level=0.9, pack_size=6)
    found = order_rows(spark, policy, without_old_counts(counts, MONDAY, 31))
    assert (found["low"]["order_quantity"], found["low"]["stock_position"]) == (12.0, None)
    assert found["low"]["reason"] == "stock unknown: at each review fill up to 56; its last count is 32 days old"
    assert (found["high"]["order_quantity"], found["high"]["stock_position"]) == (0.0, 56.0)


def test_a_watched_stock_is_filled_by_a_fixed_quantity_when_it_is_at_its_reorder_point(spark: SparkSession) -> None:
    stock = spark.createDataFrame([("low", 20.0, 8.0), ("high", 20.0, 9.0), ("unknown", -7.0, 0.0)], STOCK)
    policy = Policy(lead_time_periods=1, review_periods=2, service_level=0.9, review="continuous")
    found = order_rows(spark, policy, stock)
    # Rank 18 of 1, 1 ... 9, 9: 10 + 9 x 2 over the lead time; an order lasts two periods.
    assert (found["low"]["reorder_point"], found["low"]["order_up_to"]) == (28, 48)
    quantities = {name: row["order_quantity"] for name, row in found.items()}
    # From -7 one order of 20 brings it to 13, two of them to 33: above 28.
    assert quantities == {"low": 20.0, "high": 0.0, "unknown": 40.0}
    assert "above the reorder point 28" in found["high"]["reason"]


def test_without_errors_of_its_own_a_sum_over_periods_varies_as_independent_periods_do(spark: SparkSession) -> None:
    rows = forecasts(spark, *(("a", MONDAY, n, "m", None, 10.0, 2.0, True, "smooth") for n in (1, 2, 3, 4)))
    demand = covered_demand(rows, Policy(3, 1, 0.95)).withColumns(
        {"demand_class": F.lit("smooth"), "largest_plausible": F.lit(1e9)}
    )
    (row,) = orders(demand, spark.createDataFrame([], RESIDUALS), None, Policy(3, 1, 0.95), fewest=5).collect()
    # Four periods of 10, each with a standard deviation of 2: 40 + 1.644854 x 2 x 2.
    assert row["order_up_to"] == pytest.approx(40 + 1.644854 * 4)


def test_one_broken_series_does_not_move_the_orders_of_the_others(spark: SparkSession) -> None:
    def up_to(broken: float) -> float:
        rows = forecasts(spark, *(("a", MONDAY, n, "m", None, 10.0, 2.0, True, "smooth") for n in (1, 2)))
        errors = [(f"s{n}", "m", "smooth", 2, float(r)) for n in range(20) for r in (-n, n)]
        errors += [("broken", "m", "smooth", 2, broken * sign) for sign in (-1.0, 1.0, 1.0)]
        policy = Policy(1, 1, 0.99)
        demand = covered_demand(rows, policy).withColumns(
            {"demand_class": F.lit("smooth"), "largest_plausible": F.lit(1e9)}
        )
        (row,) = orders(demand, spark.createDataFrame(errors, RESIDUALS), None, policy, fewest=5).collect()
        return float(row["order_up_to"])

    # Level .99 of 43 errors lies beyond the outermost, which counts as 19: 20 + 2 x 19 x ln(100) / ln(44).
    assert up_to(9e8) == up_to(19.0) == pytest.approx(20 + 2 * 19 * log(100) / log(44))


def test_residuals_of_too_many_series_are_sampled_the_same_whoever_counts_the_series(spark: SparkSession) -> None:
    series = spark.createDataFrame([(f"item {n}",) for n in range(20)], "unique_id string")
    few = [row["unique_id"] for row in sampled_of(series, series, 4).collect()]
    assert 0 < len(few) < 12
    assert few == [row["unique_id"] for row in sampled(series, 20, 4).collect()]
    assert sampled_of(series, series, 20).count() == 20
    assert sampled_of(series, series.limit(0), 20).count() == 20
