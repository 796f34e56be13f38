"""Orders keep their service level: Monte Carlo on known demand, and published levels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import exp, log
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from stock_room import cost_per_period, cycles_without_shortage, lead_times_without_shortage

from jobs.forecast.orders.policy import Costs, Policy
from jobs.forecast.orders.steps import covered_demand, orders

pytestmark = pytest.mark.unit

PERIODS = 60_000
_RANKS = 4_000
Quantile = Callable[[float, int], float]
"""(level, periods) -> the quantile of demand summed over so many periods."""


def normal(mean: float, sd: float) -> Quantile:
    return lambda level, periods: NormalDist(mean * periods, sd * periods**0.5).inv_cdf(level)


def poisson(mean: float) -> Quantile:
    def quantile(level: float, periods: int) -> float:
        units, chance = 0, exp(-mean * periods)
        total = chance
        while total < level:
            units += 1
            chance *= mean * periods / units
            total += chance
        return units

    return quantile


def levels(spark: SparkSession, policy: Policy, mean: float, quantile: Quantile) -> Any:
    """The order of a series whose demand per period is ``mean``, with errors spread as ``quantile`` says."""
    first = date(2026, 1, 5)
    forecasts = spark.createDataFrame(
        [("a", first + timedelta(days=7 * n), n, "m", mean, 2.0) for n in range(1, policy.protection_periods + 1)],
        "unique_id string, ds date, step int, model string, y_hat double, spread double",
    )
    demand = covered_demand(forecasts, policy).withColumns(
        {"demand_class": F.lit("smooth"), "largest_plausible": F.lit(1e9)}
    )
    # Error number n of 3,999 is the quantile n / 4,000: the rank of a level is that quantile exactly.
    errors = [
        ("a", "m", "smooth", length, (quantile(n / _RANKS, length) - mean * length) / 2.0)
        for length in {policy.covered_periods, policy.review_periods}
        for n in range(1, _RANKS)
    ]
    residuals = spark.createDataFrame(errors, "unique_id string, model string, demand_class string, step int, r double")
    return orders(demand, residuals, None, policy, fewest=40).collect()[0]


CASES = [
    (100.0, normal(100, 30), 2, 1),
    (100.0, normal(100, 30), 2, 4),
    (5.0, poisson(5), 7, 7),
]


def sold(mean: float, case: int) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(7)
    return random.normal(100, 30, PERIODS) if case < 2 else random.poisson(mean, PERIODS)


@pytest.mark.parametrize("case", range(3))
def test_ordering_up_to_the_level_at_every_review_keeps_the_service_level(spark: SparkSession, case: int) -> None:
    mean, quantile, lead_time, review = CASES[case]
    found = levels(spark, Policy(lead_time, review, 0.95), mean, quantile)
    assert found["reorder_point"] == found["order_up_to"]
    service = cycles_without_shortage(
        sold(mean, case), lead_time=lead_time, review=review, reorder_point=found["reorder_point"],
        order_up_to=found["order_up_to"], due_at=False,
    )  # fmt: skip
    assert service == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(("case", "missed"), [(0, 0.599), (1, 0.151), (2, 0.249)])
def test_a_reorder_point_that_covers_the_lead_time_only_would_miss_it(case: int, missed: float) -> None:
    """What is not ordered now comes only after the next review: the stock room finds the known shortfall."""
    mean, quantile, lead_time, review = CASES[case]
    service = cycles_without_shortage(
        sold(mean, case), lead_time=lead_time, review=review, reorder_point=quantile(0.95, lead_time),
        order_up_to=quantile(0.95, lead_time + review), due_at=True,
    )  # fmt: skip
    assert service == pytest.approx(missed, abs=0.02)


def test_a_watched_stock_keeps_the_service_level_over_the_lead_time(spark: SparkSession) -> None:
    policy = Policy(2, 3, 0.95, review="continuous")
    found = levels(spark, policy, 5.0, poisson(5))
    assert (found["reorder_point"], found["order_up_to"]) == (15, 15 + 3 * 5)  # P(Poisson(10) <= 15) = .951
    gaps = np.random.default_rng(7).exponential(1 / 5, 300_000)
    service = lead_times_without_shortage(
        gaps, lead_time=2, reorder_point=found["reorder_point"], quantity=found["order_up_to"] - found["reorder_point"]
    )
    assert service == pytest.approx(0.95, abs=0.01)


def test_levels_by_cost_equal_the_published_ones(spark: SparkSession) -> None:
    """Newsvendor: h 2, p 18, N(120, 10). Base stock: h .18, p .70, N(50, 8), lead time 4, review 1 (example 4.4)."""
    newsvendor = levels(spark, Policy(0, 1, 18 / 20), 120.0, normal(120, 10))
    assert newsvendor["order_up_to"] == pytest.approx(132.8155, abs=5e-4)
    base_stock = levels(spark, Policy(4, 1, 0.70 / 0.88), 50.0, normal(50, 8))
    assert base_stock["order_up_to"] == pytest.approx(264.7669, abs=0.01)


def test_a_fixed_cost_orders_more_at_a_time(spark: SparkSession) -> None:
    """Example 4.7 (s 4, S 10) and, for a watched stock, about example 5.2 (r 213.97, Q 318.59): by a grid of 1,000."""
    periodic = levels(spark, Policy(0, 1, 0.8, costs=Costs(1, 4, 5)), 6.0, poisson(6))
    assert (periodic["reorder_point"], periodic["order_up_to"]) == (4, 10)
    assert periodic["policy"] == "(R, s, S)"
    demand = np.random.default_rng(7).poisson(6, PERIODS)
    cost, _ = cost_per_period(
        demand, lead_time=0, reorder_point=periodic["reorder_point"], order_up_to=periodic["order_up_to"],
        holding=1, shortage=4, order=5,
    )  # fmt: skip
    assert cost == pytest.approx(8.034112, rel=0.01)

    def lead_time_of_a_month(level: float, _: int) -> float:
        return NormalDist(1300 / 12, 150 / 12**0.5).inv_cdf(level)

    # Periods are months here: 1,300 a year are 108.33 a month, and a unit is held for a twelfth of the year's cost.
    watched = Policy(1, 1, 0.9, review="continuous", costs=Costs(0.225 / 12, 7.5, 8))
    found = levels(spark, watched, 1300 / 12, lead_time_of_a_month)
    quantity = found["order_up_to"] - found["reorder_point"]
    assert (found["reorder_point"], quantity) == pytest.approx((213.970, 318.590), rel=0.01)


def test_levels_with_a_lead_time_and_a_fixed_cost_are_as_cheap_as_any_near_them(spark: SparkSession) -> None:
    """No published levels: the stock room tries those around, on the same demand."""
    costs = Costs(1, 9, 64)
    found = levels(spark, Policy(2, 1, 0.9, costs=costs), 10.0, poisson(10))
    demand = np.random.default_rng(7).poisson(10, PERIODS)

    def cost(s: float, upper: float) -> float:
        return cost_per_period(
            demand, lead_time=2, reorder_point=s, order_up_to=upper, holding=1, shortage=9, order=64
        )[0]  # fmt: skip

    s, upper = found["reorder_point"], found["order_up_to"]
    around = [cost(s + down, upper + up) for down in (-3, 0, 3) for up in (-6, 0, 6)]
    assert cost(s, upper) <= 1.01 * min(around)


def test_a_pool_stretches_its_tail_by_a_stated_rule_instead_of_ending_at_its_worst_error(spark: SparkSession) -> None:
    """Nine errors -4 ... 4 reach level .9. At .99: the middle 0, and 4 x ln(100) / ln(10) = 8 beyond it."""
    from jobs.forecast.trials.calibration import OFFSETS, with_offsets

    errors = spark.createDataFrame(
        [("a" if n % 2 else "b", "m", "smooth", 1, float(r)) for n, r in enumerate([-4, -3, -2, -1, 0, 1, 2, 3, 4])]
        + [("flat", "m", "smooth", 1, None)],
        "unique_id string, model string, demand_class string, step int, r double",
    )
    target = spark.createDataFrame(
        [("c", "m", "smooth", 1)], "unique_id string, model string, demand_class string, step int"
    )
    (row,) = with_offsets(target, errors, [0.01, 0.1, 0.5, 0.9, 0.99], fewest=5).collect()
    # The worst error counts as that of the other series: 3 above ("a"), -3 below.
    assert row[OFFSETS] == pytest.approx([-3 * log(100) / log(10), -3, 0, 3, 3 * log(100) / log(10)])
