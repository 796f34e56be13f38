"""A stock room on known demand: how often a cycle ends without a shortage when a policy is followed to the letter.

Unmet demand is delivered later. Independent of the code under test: it knows levels, not how they were found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np


def cycles_without_shortage(
    demand: Sequence[float], *, lead_time: int, review: int, reorder_point: float, order_up_to: float, due_at: bool
) -> float:
    """Periodic review: the share of cycles, from a delivery to the next one, that end with stock at hand.

    A period begins with a delivery, then a review (every ``review`` periods) and then its demand. ``due_at`` says
    whether a position exactly at the reorder point is due.
    """
    on_hand, coming = order_up_to, deque([0.0] * lead_time)
    position, good, cycles, is_open = order_up_to, 0, 0, False
    warm = 10 * (lead_time + review)
    for period, units in enumerate(demand):
        arrived = coming.popleft()
        if arrived > 0 and period > warm:
            # What was there just before the delivery says whether the cycle that ends here was short.
            if is_open:
                cycles += 1
                good += on_hand >= 0
            is_open = True
        on_hand += arrived
        ordered = 0.0
        if period % review == 0 and (position < reorder_point or (due_at and position == reorder_point)):
            ordered = order_up_to - position
            position += ordered
        coming.append(ordered)
        on_hand -= units
        position -= units
    return good / cycles


def lead_times_without_shortage(
    gaps: np.ndarray[tuple[int], np.dtype[np.float64]], *, lead_time: float, reorder_point: float, quantity: float
) -> float:
    """Continuous review of single units sold ``gaps`` periods apart: the share of lead times without a shortage."""
    moment, position, on_hand, due = 0.0, reorder_point + quantity, reorder_point + quantity, deque[float]()
    good = cycles = 0
    for gap in gaps:
        moment += gap
        while due and due[0] <= moment:
            due.popleft()
            cycles += 1
            good += on_hand >= 0
            on_hand += quantity
        on_hand -= 1
        position -= 1
        if position <= reorder_point:
            position += quantity
            due.append(moment + lead_time)
    return good / cycles


def cost_per_period(
    demand: Sequence[float],
    *,
    lead_time: int,
    reorder_point: float,
    order_up_to: float,
    holding: float,
    shortage: float,
    order: float,
) -> tuple[float, float]:
    """A review in every period, (s, S): the mean cost of a period, and the share of periods with an order.

    At the end of each period a unit at hand costs ``holding``, one that a customer waits for ``shortage``.
    """
    on_hand, coming, position = order_up_to, deque([0.0] * lead_time), order_up_to
    money = orders = 0.0
    for units in demand:
        ordered = 0.0
        if position <= reorder_point:
            ordered = order_up_to - position
            orders += 1
        coming.append(ordered)
        on_hand += coming.popleft() - units
        position += ordered - units
        money += holding * max(on_hand, 0.0) + shortage * max(-on_hand, 0.0)
    return (money + order * orders) / len(demand), orders / len(demand)
