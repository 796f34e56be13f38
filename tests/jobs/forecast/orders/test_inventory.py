"""Policies with a fixed cost per order, against published numbers (Snyder and Shen's textbook)."""

from __future__ import annotations

from math import exp, factorial, lgamma, log
from statistics import NormalDist

import numpy as np
import pytest

from jobs.forecast.orders.inventory import min_max_policy, reorder_policy
from jobs.forecast.orders.params import ReplenishParams

pytestmark = pytest.mark.unit


def equally_likely(distribution: NormalDist, count: int = 200_000) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([distribution.inv_cdf((n + 0.5) / count) for n in range(count)])


def test_the_reorder_policy_equals_example_5_2() -> None:
    lead_time_demand = equally_likely(NormalDist(1300 / 12, 150 / 12**0.5))
    point, quantity, cost = reorder_policy(0.225, 7.5, 8, 1300, lead_time_demand)
    assert (point, quantity, cost) == pytest.approx((213.970, 318.590, 95.4511), rel=1e-5)


def test_a_reorder_policy_with_shortages_for_nearly_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="too little"):
        reorder_policy(10, 0.001, 8, 1300, equally_likely(NormalDist(108, 43), 100))


def test_the_min_max_policy_equals_example_4_7() -> None:
    """Poisson demand of 6, h = 1, p = 4, K = 5."""
    chances = np.array([exp(-6) * 6**n / factorial(n) for n in range(60)])

    def rate(level: int) -> float:
        return float(sum(c * (max(level - n, 0) + 4 * max(n - level, 0)) for n, c in enumerate(chances)))

    s, upper, cost = min_max_policy(5, chances, rate)
    assert (s, upper, round(cost, 6)) == (4, 10, 8.034112)


@pytest.mark.parametrize(
    ("mean", "s", "upper", "cost"),
    [(10, 6, 40, 35.022), (15, 10, 49, 42.698), (20, 14, 62, 49.173), (65, 56, 75, 78.518)],
)
def test_the_min_max_policy_equals_the_published_table(mean: int, s: int, upper: int, cost: float) -> None:
    """Zheng and Federgruen (1991), the test set of Veinott and Wagner: Poisson demand, h = 1, p = 9, K = 64."""
    chances = np.array([exp(-mean + n * log(mean) - lgamma(n + 1)) for n in range(300)])
    units = np.arange(300)

    def rate(level: int) -> float:
        return float(chances @ (np.maximum(level - units, 0) + 9 * np.maximum(units - level, 0)))

    found = min_max_policy(64, chances, rate)
    assert (found[0], found[1], round(found[2], 3)) == (s, upper, cost)


def test_costs_give_the_service_level_of_the_newsvendor_for_a_whole_cycle() -> None:
    assert ReplenishParams(holding_cost=2, shortage_cost=18).critical_ratio == pytest.approx(0.9)
    # A unit too many lies there for four periods: 18 / (18 + 2 x 4).
    assert ReplenishParams(holding_cost=2, shortage_cost=18, review_periods=4).critical_ratio == pytest.approx(18 / 26)
    assert ReplenishParams(service_level=0.8).critical_ratio == 0.8
    with pytest.raises(ValueError, match="together"):
        ReplenishParams(holding_cost=2)
    with pytest.raises(ValueError, match="order_cost needs"):
        ReplenishParams(order_cost=2)
