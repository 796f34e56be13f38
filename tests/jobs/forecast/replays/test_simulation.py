"""A stock room followed by hand over three or four periods, and over thousands where a policy must keep its level."""

from __future__ import annotations

from math import exp, lgamma, log
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from stock_room import cost_per_period

from jobs.forecast.orders.budgets import within_budget
from jobs.forecast.orders.inventory import min_max_policy
from jobs.forecast.replays.groups import WATCHES, in_slices
from jobs.forecast.replays.simulation import Followed, Room, follow

pytestmark = pytest.mark.unit

NAN = float("nan")


def room(demand: list[float], level: float | list[float], *, upper: float | None = None, **more: Any) -> Room:
    """One series, one service level; from the first period on; a lead time of 1 and packs of 1 unless given."""
    levels = np.array(level if isinstance(level, list) else [level] * len(demand), dtype=float)[None, :, None]
    given: dict[str, Any] = {
        "starts": np.array([0]), "lead_times": np.array([1]), "packs": np.ones(1), "minimums": np.zeros(1),
        "shares": np.ones(1), **more,
    }  # fmt: skip
    uppers = levels if upper is None else np.full_like(levels, upper)
    return Room(np.array([demand], dtype=float), levels, uppers, **given)


def told(found: Followed, *names: str) -> list[float]:
    return [float(getattr(found, name)[0, 0]) for name in names]


def test_what_is_ordered_comes_after_its_lead_time_and_is_short_until_then() -> None:
    # Level 10, lead time 2, lost sales. Period 0: 10 there, 6 sold. 1: 6 ordered, 4 there, 5 asked for: 4 sold, 1 lost.
    # 2: position 0 + 6, 4 ordered; nothing there, 3 lost. 3: the 6 come, 2 sold, position 6 + 4 - nothing ordered.
    # 4: the 4 come: 8 there, 2 of them ordered before demand. Counting begins with period 2.
    found = follow(room([6, 5, 3, 2, 1], 10, lead_times=np.array([2])))
    assert told(found, "periods", "demand", "units_short", "periods_short") == [3, 3 + 2 + 1, 3, 1]
    assert told(found, "stock") == [0 + 4 + 7]
    assert told(found, "orders", "units_ordered") == [2, 4 + 2]


def test_customers_who_wait_are_served_from_the_next_delivery() -> None:
    # Level 10, lead time 1. 0: 7 sold. 1: 7 ordered; 3 there, 5 asked for, 2 wait. 2: 7 come, 2 are for those who
    # wait: 5 there, 5 ordered, 4 sold. 3: 5 come: 1 + 5 = 6, 4 ordered, 6 sold.
    waiting = follow(room([7, 5, 4, 6], 10, waits=True))
    assert told(waiting, "demand", "units_short", "periods_short", "stock") == [15, 2, 1, 0 + 1 + 0]
    assert told(waiting, "units_ordered") == [7 + 5 + 4]
    # Who does not wait is lost: 2: all 7 are there, 3 ordered, 3 left; 3: 3 come, 6 there, 4 ordered, 6 sold.
    lost = follow(room([7, 5, 4, 6], 10))
    assert told(lost, "demand", "units_short", "stock", "units_ordered") == [15, 2, 0 + 3 + 0, 7 + 3 + 4]


def test_a_cycle_is_short_when_anybody_was_not_served_before_its_next_delivery() -> None:
    # Deliveries in 2, 3 and 4; the cycle from 2 to 3 is good, in that from 3 to 4 seven are asked for and five there.
    found = follow(room([4, 4, 4, 7, 1], 8, waits=True))
    assert told(found, "cycles", "cycles_without_shortage") == [2, 1]


def test_the_oldest_goods_are_sold_first_and_what_nobody_bought_in_time_is_written_off() -> None:
    # Goods last two periods, level 10, lead time 1. 0: 10 fresh, 4 sold, 6 left for one more. 1: 4 ordered; 3 sold of
    # the 6, 3 written off. 2: 4 come, 6 are ordered; 1 sold, 3 left. 3: 6 come, 1 is ordered; 3 asked for: the 3 old
    # ones are sold, nothing is written off, the 6 stay.
    found = follow(room([4, 3, 1, 3], 10, shelf_life=2))
    assert told(found, "units_written_off", "units_ordered") == [3 + 0 + 0, 4 + 6 + 1]
    assert told(found, "units_short", "stock") == [0, 3 + 3 + 6]


@pytest.mark.parametrize(
    ("pack", "minimum", "ordered"),
    [(1.0, 0.0, [7, 1]), (6.0, 0.0, [12, 0]), (1.0, 5.0, [7, 5]), (4.0, 5.0, [8, 0])],
)
def test_orders_are_whole_packs_and_no_smaller_than_the_minimum(
    pack: float, minimum: float, ordered: list[float]
) -> None:
    # Level 10: 7 are missing in period 1, and 1 more in period 2; 12 or 8 ordered before make that too many.
    found = follow(room([7, 1, 0], 10, packs=np.array([pack]), minimums=np.array([minimum])))
    assert told(found, "units_ordered", "orders") == [sum(ordered), np.count_nonzero(ordered)]


def test_a_review_every_second_period_orders_what_two_periods_sold() -> None:
    # Reviews in periods 0, 2 and 4. Counting begins with period 2: L + R - 1.
    found = follow(room([2, 3, 4, 1, 0], 20, review=2))
    assert told(found, "units_ordered", "orders", "periods") == [5 + 5, 2, 3]


def test_a_minimum_and_a_maximum_level_order_only_at_the_lower_one() -> None:
    # Up to 10, at or below 4. 0: 10, 6 sold. 1: at 4: 6 ordered, 1 sold. 2: 3 + 6, above 4. 3: 9 left, 5 sold.
    found = follow(room([6, 1, 0, 5], 4, upper=10, rule="(R, s, S)"))
    assert told(found, "orders", "units_ordered", "flips") == [1, 6, 1]


def test_a_fixed_quantity_is_ordered_as_often_as_it_takes_to_come_above_the_point() -> None:
    # Point 4, quantity 6. 0: 10, 9 sold: 1 left. 1: 6 ordered, 1 sold of the 3 asked for, 2 lost. 2: 6 come, above the
    # point, all sold. 3: nothing there, one order of 6 brings the position above the point.
    found = follow(room([9, 3, 6, 0], 4, upper=10, rule="(r, Q)"))
    assert told(found, "units_ordered", "units_short", "orders") == [6 + 6, 2, 2]


def test_a_period_without_known_demand_sells_nothing_and_does_not_count() -> None:
    found = follow(room([1, 2, NAN, 3], 10))
    assert told(found, "periods", "demand", "stock") == [2, 5, (10 - 3) + (10 - 3)]


def test_a_series_begins_with_the_period_in_which_it_is_first_forecast() -> None:
    found = follow(room([5, 5, 1, 2], 4, starts=np.array([2])))
    assert told(found, "periods", "demand", "units_short") == [1, 2, 0]


def test_a_budget_goes_first_to_the_order_that_prevents_the_most_shortage_per_money() -> None:
    wanted, costs = np.array([10.0, 6.0, 8.0]), np.array([2.0, 1.0, 5.0])
    short, packs, least = np.array([4.0, 3.0, 2.0]), np.array([1.0, 1.0, 2.0]), np.array([0.0, 0.0, 4.0])
    # Shortage per money: 4 / 20, 3 / 6, 2 / 40. 26 pay for the second and the first, nothing is left for the third.
    assert within_budget(wanted, costs, short, packs, least, budget=26).tolist() == [10, 6, 0]
    # 15 pay for the second, 9 are left: four units of the first.
    assert within_budget(wanted, costs, short, packs, least, budget=15).tolist() == [4, 6, 0]
    # 50 leave 24: four of the third, two packs. 40 leave 14: one pack, less than its minimum.
    assert within_budget(wanted, costs, short, packs, least, budget=50).tolist() == [10, 6, 4]
    assert within_budget(wanted, costs, short, packs, least, budget=40).tolist() == [10, 6, 0]
    assert within_budget(wanted, costs, short, packs, least, budget=66).tolist() == [10, 6, 8]
    assert within_budget(wanted, np.array([2.0, NAN, 5.0]), short, packs, least, budget=0).tolist() == [0, 6, 0]


def test_series_of_one_supplier_share_its_budget_at_each_review() -> None:
    # Both have 10 and sell 6 and 4. Five pay for the four of the second, which will lack more, and one of the first;
    # at the next review they pay for the other five.
    levels, two = np.full((2, 3, 1), 10.0), np.ones(2)
    found = follow(
        Room(
            np.array([[6.0, 0, 0], [4, 0, 0]]), levels, levels, np.zeros(2, int), np.ones(2, int), two, 0 * two, two,
            budget=5.0, unit_costs=two, outcomes=np.array([[[0.0]] * 3, [[20.0]] * 3]),
        )
    )  # fmt: skip
    assert found.units_ordered[:, 0].tolist() == [1 + 5, 4]
    assert found.cut[:, 0].tolist() == [1, 0]


LEVELS = (0.8, 0.9, 0.95, 0.99)


@pytest.mark.parametrize(("lead_time", "review"), [(2, 1), (2, 4), (7, 7)])
def test_a_periodic_review_on_known_demand_keeps_its_service_level_within_a_point(lead_time: int, review: int) -> None:
    covered, series, periods = lead_time + review, 400, 400
    spread = NormalDist(100 * covered, 30 * covered**0.5)
    levels = np.broadcast_to(np.array([spread.inv_cdf(level) for level in LEVELS]), (series, periods, len(LEVELS)))
    demand = np.random.default_rng(7).normal(100, 30, (series, periods))
    found = follow(
        Room(
            demand, levels, levels, np.zeros(series, int), np.full(series, lead_time), np.full(series, 1e-6),
            np.zeros(series), np.ones(series), review=review, waits=True,
        )
    )  # fmt: skip
    kept = found.cycles_without_shortage.sum(axis=0) / found.cycles.sum(axis=0)
    assert kept == pytest.approx(LEVELS, abs=0.01)


def test_a_minimum_and_a_maximum_on_known_demand_cost_what_zheng_and_federgruen_expect() -> None:
    """Poisson demand of 10 and a lead time of 1, h = 1, p = 9, K = 64: the best levels, and the stock room beside."""
    chances = {mean: np.array([exp(-mean + n * log(mean) - lgamma(n + 1)) for n in range(200)]) for mean in (10, 20)}
    units = np.arange(200)

    def rate(level: int) -> float:
        return float(chances[20] @ (np.maximum(level - units, 0) + 9 * np.maximum(units - level, 0)))

    s, upper, expected = min_max_policy(64, chances[10], rate)
    series, periods = 100, 400
    demand = np.random.default_rng(7).poisson(10, (series, periods)).astype(float)
    points, uppers = (np.full((series, periods, 1), float(level)) for level in (s, upper))
    found = follow(
        Room(
            demand, points, uppers, np.zeros(series, int), np.ones(series, int), np.ones(series), np.zeros(series),
            np.ones(series), rule="(R, s, S)", waits=True,
        )
    )  # fmt: skip
    money = found.stock.sum() + 9 * found.units_short.sum() + 64 * found.orders.sum()
    assert money / found.periods.sum() == pytest.approx(expected, rel=0.01)
    alone = [
        cost_per_period(row, lead_time=1, reorder_point=s, order_up_to=upper, holding=1, shortage=9, order=64)
        for row in demand
    ]
    assert found.orders.sum() == round(periods * sum(orders for _, orders in alone))
    assert np.mean([cost for cost, _ in alone]) == pytest.approx(expected, rel=0.01)


def test_a_watched_stock_on_known_demand_keeps_its_service_level_within_a_point() -> None:
    series, periods, points = 150, 200, (13, 14, 15, 18)
    demand = np.random.default_rng(7).poisson(5, (series, periods)).astype(float)
    point = np.broadcast_to(np.array(points, dtype=float), (series, periods, len(points)))
    found = follow(
        Room(
            in_slices(demand, [f"item {n}" for n in range(series)], WATCHES), point, point + 20, np.zeros(series, int),
            np.full(series, 2 * WATCHES), np.ones(series), np.zeros(series), np.linspace(0.05, 1, series),
            rule="(r, Q)", slices=WATCHES, waits=True,
        )
    )  # fmt: skip
    kept = found.cycles_without_shortage.sum(axis=0) / found.cycles.sum(axis=0)
    # P(Poisson(10) <= r): tables of the distribution of what two periods sell.
    assert kept == pytest.approx([0.8645, 0.9165, 0.9513, 0.9928], abs=0.01)
    assert found.periods.max() == periods - 2
