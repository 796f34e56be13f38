"""Inventory mathematics against published numbers (Snyder and Shen's textbook, as other implementations print them)."""

from __future__ import annotations

from statistics import NormalDist

import pytest

from jobs.forecast.orders.inventory import (
    base_stock,
    newsvendor,
    normal_loss,
    order_up_to_policy,
    reorder_policy,
    safety_stock,
)
from jobs.forecast.orders.params import ReplenishParams

pytestmark = pytest.mark.unit


def test_the_newsvendor_orders_132_8155_at_a_cost_of_35_0997() -> None:
    level, cost = newsvendor(2, 18, 120, 10)
    assert (round(level, 4), round(cost, 4)) == (132.8155, 35.0997)


def test_the_newsvendor_equals_example_4_3() -> None:
    level, cost = newsvendor(0.18, 0.70, 50, 8)
    assert (round(level, 5), round(cost, 6)) == (56.60396, 1.997605)


def test_the_base_stock_level_with_a_lead_time_equals_example_4_4() -> None:
    level, cost = base_stock(0.18, 0.70, 50, 8, 4)
    assert (round(level, 4), round(cost, 6)) == (264.7669, 4.466781)


def test_the_reorder_policy_equals_example_5_2() -> None:
    point, quantity, cost = reorder_policy(0.225, 7.5, 8, 1300, 150, 1 / 12)
    assert (round(point, 3), round(quantity, 3), round(cost, 4)) == (213.970, 318.590, 95.4511)


def test_a_reorder_policy_with_shortages_for_nearly_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="too little"):
        reorder_policy(10, 0.001, 8, 1300, 150, 1 / 12)


def test_the_order_up_to_policy_equals_example_4_7() -> None:
    s, upper, cost = order_up_to_policy(1, 4, 5, 6)
    assert (s, upper, round(cost, 6)) == (4, 10, 8.034112)


def test_safety_stock_without_a_varying_lead_time_is_z_root_l_sd() -> None:
    assert safety_stock(2, 4, 10, 50, 0) == pytest.approx(40)
    assert safety_stock(2, 4, 0, 50, 3) == pytest.approx(300)


def test_the_loss_at_zero_is_the_density_there() -> None:
    assert normal_loss(0) == pytest.approx(NormalDist().pdf(0))


def test_costs_give_the_service_level_of_the_newsvendor() -> None:
    assert ReplenishParams(holding_cost=2, shortage_cost=18).critical_ratio == pytest.approx(0.9)
    assert ReplenishParams(service_level=0.8).critical_ratio == 0.8
    with pytest.raises(ValueError, match="together"):
        ReplenishParams(holding_cost=2)
