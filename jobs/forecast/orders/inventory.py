"""Stock policies with a fixed cost per order: demand as an array of equally likely outcomes in, plain numbers out.

Sources: Snyder and Shen, Fundamentals of Supply Chain Theory (2019), chapters 4 and 5; Zheng and Federgruen (1991) for
the (s, S) policy. Without a fixed cost the best level is the quantile p / (p + h) of demand over the time that an order
must last (newsvendor, base stock): steps.py takes it from the forecast.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


def reorder_policy(
    holding_cost: float, shortage_cost: float, order_cost: float, mean: float, lead_time_demand: Numbers
) -> tuple[float, float, float]:
    """The (r, Q) policy of continuous review: reorder point, order quantity, expected cost per period.

    ``mean`` is demand per period, ``lead_time_demand`` outcomes of demand over the lead time, ascending. By the
    expected-inventory-level approximation (Snyder and Shen, section 5.3.1): Q = sqrt(2 d (K + p n(r)) / h) and F(r) =
    1 - Q h / (p d), in turn until neither moves. Raises ValueError when a shortage is too cheap to avoid.
    """
    quantity, point, short = float(np.sqrt(2 * order_cost * mean / holding_cost)), np.inf, 0.0
    for _ in range(1_000):
        chance = 1 - quantity * holding_cost / (shortage_cost * mean)
        if not 0 < chance < 1:
            raise ValueError("a shortage costs too little for a reorder point: it is cheaper never to stock")
        before, point = point, _quantile(lead_time_demand, chance)
        short = float(np.mean(np.maximum(lead_time_demand - point, 0.0)))
        quantity = float(np.sqrt(2 * mean * (order_cost + shortage_cost * short) / holding_cost))
        if abs(point - before) <= 1e-9 * max(1.0, abs(point)):
            break
    holding = holding_cost * (point - float(np.mean(lead_time_demand)) + quantity / 2)
    return point, quantity, holding + (order_cost + shortage_cost * short) * mean / quantity


def _quantile(outcomes: Numbers, level: float) -> float:
    """Between the outcomes, so that a policy does not jump from one to the next while it is sought."""
    return float(np.quantile(outcomes, level, method="hazen"))


def min_max_policy(order_cost: float, review_chances: Numbers, rate: Callable[[int], float]) -> tuple[int, int, float]:
    """The best (s, S) policy of periodic review: order at or below s, up to S; and its expected cost per review.

    ``review_chances[n]`` is the probability that a review period sells n units; ``rate`` gives the expected cost of
    holding and shortages of one review from an inventory position on, and is quasiconvex.
    """
    chances = review_chances
    renewals = [1 / (1 - chances[0])]

    def visits(count: int) -> Numbers:
        while len(renewals) < count:
            n = len(renewals)
            reach = min(n, len(chances) - 1)
            later = np.asarray(renewals[n - reach : n][::-1])
            renewals.append(float(chances[1 : reach + 1] @ later) / (1 - chances[0]))
        return np.asarray(renewals[:count])

    known: dict[int, float] = {}

    def rated(level: int) -> float:
        if level not in known:
            known[level] = rate(level)
        return known[level]

    def cost(s: int, upper: int) -> float:
        seen = visits(upper - s)
        rates = np.asarray([rated(level) for level in range(upper, s, -1)])
        return (order_cost + float(seen @ rates)) / float(seen.sum())

    best = 0
    while rated(best + 1) <= rated(best):
        best += 1
    s = best - 1
    while cost(s, best) > rated(s):
        s -= 1
    upper, least = best, cost(s, best)
    level = best + 1
    while rated(level) <= least:
        if cost(s, level) < least:
            upper = level
            while cost(s, upper) <= rated(s + 1):
                s += 1
            least = cost(s, upper)
        level += 1
    return s, upper, least
