"""Inventory mathematics: plain numbers in, plain numbers out.

Sources: Snyder and Shen, Fundamentals of Supply Chain Theory (2019), chapters 4 and 5; Zheng and Federgruen (1991) for
the (s, S) policy. Costs are per unit and period, demand is per period.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD = NormalDist()


def normal_loss(z: float) -> float:
    """Expected shortage of a standard normal demand beyond ``z``: phi(z) - z (1 - Phi(z))."""
    return _STANDARD.pdf(z) - z * (1 - _STANDARD.cdf(z))


def newsvendor(holding_cost: float, shortage_cost: float, mean: float, sd: float) -> tuple[float, float]:
    """Order-up-to level for one period of normal demand, and its expected cost."""
    z = _STANDARD.inv_cdf(shortage_cost / (shortage_cost + holding_cost))
    return mean + z * sd, (holding_cost + shortage_cost) * _STANDARD.pdf(z) * sd


def base_stock(
    holding_cost: float, shortage_cost: float, mean: float, sd: float, lead_time_periods: float
) -> tuple[float, float]:
    """Base-stock level over lead time and one review period of independent normal demands, and its cost a period."""
    cycles = lead_time_periods + 1
    return newsvendor(holding_cost, shortage_cost, mean * cycles, sd * math.sqrt(cycles))


def safety_stock(
    z: float, lead_time_periods: float, demand_sd: float, demand_mean: float, lead_time_sd: float
) -> float:
    """z sqrt(L sd_d^2 + d^2 sd_L^2): stock against varying demand and a varying lead time."""
    return z * math.sqrt(lead_time_periods * demand_sd**2 + demand_mean**2 * lead_time_sd**2)


def reorder_policy(
    holding_cost: float, shortage_cost: float, order_cost: float, mean: float, sd: float, lead_time_periods: float
) -> tuple[float, float, float]:
    """The (r, Q) policy under normal lead-time demand: reorder point, order quantity, expected cost a period.

    By the expected-inventory-level approximation (Snyder and Shen, section 5.3.1): Q = sqrt(2 d (K + p n(r)) / h) and
    F(r) = 1 - Q h / (p d), in turn until neither moves. Raises ValueError when a shortage is too cheap to avoid.
    """
    lead_mean, lead_sd = mean * lead_time_periods, sd * math.sqrt(lead_time_periods)
    quantity, point = math.sqrt(2 * order_cost * mean / holding_cost), math.inf
    for _ in range(1_000):
        chance = 1 - quantity * holding_cost / (shortage_cost * mean)
        if not 0 < chance < 1:
            raise ValueError("a shortage costs too little for a reorder point: it is cheaper never to stock")
        before, point = point, lead_mean + _STANDARD.inv_cdf(chance) * lead_sd
        short = lead_sd * normal_loss((point - lead_mean) / lead_sd)
        quantity = math.sqrt(2 * mean * (order_cost + shortage_cost * short) / holding_cost)
        if abs(point - before) < 1e-9 * lead_sd:
            break
    holding = holding_cost * (point - lead_mean + quantity / 2)
    return point, quantity, holding + (order_cost + shortage_cost * short) * mean / quantity


def order_up_to_policy(
    holding_cost: float, shortage_cost: float, order_cost: float, poisson_mean: float
) -> tuple[int, int, float]:
    """The exact (s, S) policy without lead time under Poisson demand: reorder at or below s up to S, cost a period."""
    top = int(poisson_mean + 12 * math.sqrt(poisson_mean) + 20)
    chances = [math.exp(-poisson_mean + n * math.log(poisson_mean) - math.lgamma(n + 1)) for n in range(2 * top)]

    def rate(level: int) -> float:
        return sum(
            chance * (holding_cost * max(level - n, 0) + shortage_cost * max(n - level, 0))
            for n, chance in enumerate(chances)
        )

    rates = {level: rate(level) for level in range(-top, 3 * top)}
    renewals = [1 / (1 - chances[0])]
    for n in range(1, 2 * top):
        renewals.append(sum(chances[m] * renewals[n - m] for m in range(1, n + 1)) / (1 - chances[0]))

    def cost(s: int, upper: int) -> float:
        visits = renewals[: upper - s]
        return (order_cost + sum(v * rates[upper - n] for n, v in enumerate(visits))) / sum(visits)

    best_level = min(rates, key=lambda level: rates[level])
    s = best_level - 1
    while cost(s, best_level) > rates[s]:
        s -= 1
    upper, least = best_level, cost(s, best_level)
    level = best_level + 1
    while rates[level] <= least and level < 3 * top - 1:
        if cost(s, level) < least:
            upper = level
            while cost(s, upper) <= rates[s + 1]:
                s += 1
            least = cost(s, upper)
        level += 1
    return s, upper, least
