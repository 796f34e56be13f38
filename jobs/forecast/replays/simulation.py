"""A stock room followed over real demand, period by period: many series and service levels at once, in numpy.

A period begins with what is delivered, then comes the review, then the demand. What is ordered at a review of period t
is there when period t + L begins. (Silver, Pyke and Thomas, Inventory and Production Management, chapter 6.)
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from jobs.forecast.orders.budgets import within_budget

Numbers = NDArray[np.float64]
_EPS = 1e-9


@dataclass(frozen=True)
class Room:
    """What is ordered by, for n series, T periods and K service levels.

    ``demand`` (n, T), not-a-number where it is unknown; ``points`` and ``uppers`` (n, T, K): order at or below the
    point, up to the upper level; ``starts`` (n): the period with which a series begins. ``lead_times`` (n) are periods
    from an order to its delivery; ``packs`` and ``minimums`` (n) are units. ``shares`` (n), above 0 and at most 1, say
    how far between point and upper level the stock of a series begins. ``shelf_life``: goods can be sold in so many
    periods from their delivery on; 0: for ever. ``rule`` is the name of the policy; ``slices`` are periods per level:
    under (r, Q) a period of the forecast is watched in several of them. ``waits``: customers wait for what is not
    there; otherwise they buy elsewhere. ``budget`` is money for the orders of a review (or watched period), all series
    together, each unit of a series at ``unit_costs`` (n); ``outcomes`` (n, T / slices, G) are equally likely amounts of
    demand over the time an order must last: they say which order prevents the most shortage.
    """

    demand: Numbers
    points: Numbers
    uppers: Numbers
    starts: NDArray[np.int64]
    lead_times: NDArray[np.int64]
    packs: Numbers
    minimums: Numbers
    shares: Numbers
    rule: str = "(R, S)"
    review: int = 1
    slices: int = 1
    waits: bool = False
    shelf_life: int = 0
    budget: float | None = None
    unit_costs: Numbers = field(default_factory=lambda: np.ones(0))
    outcomes: Numbers | None = None

    @property
    def is_periodic(self) -> bool:
        """The stock is looked at every ``review`` periods, not all the time."""
        return self.rule != "(r, Q)"

    def levels_at(self, period: int) -> tuple[Numbers, Numbers]:
        """Reorder points and upper levels (n, K) by which is ordered in ``period``."""
        return self.points[:, period // self.slices, :], self.uppers[:, period // self.slices, :]


@dataclass
class Followed:
    """What happened, each (n, K), in the periods that count: those that an order of the replay could still reach."""

    periods: Numbers
    demand: Numbers
    units_short: Numbers
    periods_short: Numbers
    stock: Numbers
    cycles: Numbers
    cycles_without_shortage: Numbers
    orders: Numbers
    units_ordered: Numbers
    units_written_off: Numbers
    flips: Numbers
    cut: Numbers

    @classmethod
    def nothing(cls, series: int, levels: int) -> Followed:
        """All zero."""
        return cls(*(np.zeros((series, levels)) for _ in fields(cls)))

    def add(self, places: NDArray[np.int64], more: Followed) -> None:
        """Add what happened to the series at ``places`` meanwhile."""
        for one in fields(self):
            getattr(self, one.name)[places] += getattr(more, one.name)


def order_quantity(room: Room, period: int, position: Numbers) -> Numbers:
    """Units to order at a review (n, K), in whole packs and no fewer than the minimum: the rule of forecast.replenish.

    ``position`` is stock and open orders less what customers wait for.
    """
    point, upper = room.levels_at(period)
    # Under (R, S) the two levels are one: what was sold since the last review is ordered again.
    is_due = position < point - _EPS if room.rule == "(R, S)" else position <= point + _EPS
    missing = upper - position
    if not room.is_periodic:
        fixed = upper - point
        with np.errstate(divide="ignore", invalid="ignore"):
            times = np.where(fixed > 0, np.floor((point - position) / fixed) + 1, 1.0)
        missing = np.maximum(times, 1.0) * fixed
    wanted = np.where(is_due, np.maximum(missing, 0.0), 0.0)
    return whole_packs(wanted, room.packs[:, None], room.minimums[:, None])


def whole_packs(wanted: Numbers, pack: Numbers, minimum: Numbers) -> Numbers:
    """``wanted`` units, at least ``minimum`` where there are any, rounded up to whole packs."""
    least = np.where(wanted > _EPS, np.maximum(wanted, minimum), 0.0)
    return np.asarray(np.ceil(np.round(least / pack, 9)) * pack, dtype=np.float64)


def follow(room: Room) -> Followed:
    """Follow the stock of all series over their demand, and count.

    A series begins with its stock between the two levels (see ``shares``; with one level: at it) and nothing on order.
    Nothing counts before the first order of the replay could have come and a review has passed: until then the stock
    is what it began with. A cycle is the time from one delivery to the next.
    """
    series, periods = room.demand.shape
    levels = room.points.shape[2]
    found = Followed.nothing(series, levels)
    shape = (series, levels)
    longest = int(room.lead_times.max(initial=1))
    coming = np.zeros((series, periods + longest + 1, levels))
    # One heap for each period that goods may still be sold in, the oldest first; what outlives the replay is one heap.
    expires = 0 < room.shelf_life < periods
    stock = np.zeros((*shape, room.shelf_life if expires else 1))
    owed, on_order = np.zeros(shape), np.zeros(shape)
    is_open, is_short, was_ordered = np.zeros(shape, bool), np.zeros(shape, bool), np.full(shape, np.nan)
    first_that_counts = room.starts + room.lead_times + (room.review - 1 if room.is_periodic else 0)
    left = np.full(levels, room.budget or 0.0)
    is_ordered, is_period_short = np.zeros(shape, bool), np.zeros(shape, bool)
    rows = np.arange(series)
    for period in range(periods):
        begins, runs = room.starts == period, (room.starts <= period)[:, None]
        if begins.any():
            point, upper = room.levels_at(period)
            between = np.maximum(point + room.shares[:, None] * (upper - point), 0.0)
            unit = np.minimum(room.packs, 1.0)[:, None]  # of a unit there is never a part
            stock[begins, :, -1] = (np.ceil(np.round(between / unit, 6)) * unit)[begins]
        counts = (first_that_counts <= period)[:, None] & ~np.isnan(room.demand[:, period])[:, None]
        arrived = coming[:, period, :]
        on_order -= arrived
        ends = (arrived > 0) & (first_that_counts < period)[:, None]
        found.cycles += ends & is_open
        found.cycles_without_shortage += ends & is_open & ~is_short
        is_open |= ends
        is_short &= ~(arrived > 0)
        paid = np.minimum(owed, arrived)
        owed -= paid
        stock[:, :, -1] += arrived - paid
        if not room.is_periodic or period % room.review == 0:
            quantity = np.where(runs, order_quantity(room, period, stock.sum(axis=2) - owed + on_order), 0.0)
            if room.budget is not None:
                if period % room.slices == 0:
                    left = np.full(levels, room.budget)
                asked = quantity
                quantity = _paid_for(room, period, quantity, stock.sum(axis=2) - owed + on_order, left)
                left -= (np.nan_to_num(room.unit_costs)[:, None] * quantity).sum(axis=0)
                found.cut += counts * (quantity < asked - _EPS)
            coming[rows, period + room.lead_times, :] += quantity
            on_order += quantity
            found.orders += counts * (quantity > 0)
            found.units_ordered += counts * quantity
            is_ordered |= quantity > 0
            if (period + 1) % room.slices == 0:
                found.flips += counts * (is_ordered != (was_ordered > 0)) * ~np.isnan(was_ordered)
                was_ordered, is_ordered = np.where(counts, is_ordered, np.nan), np.zeros(shape, bool)
        asked_for = np.where(runs, np.maximum(np.nan_to_num(room.demand[:, period]), 0.0)[:, None], 0.0)
        before = np.concatenate([np.zeros((*shape, 1)), np.cumsum(stock, axis=2)], axis=2)
        sold = np.diff(np.minimum(before, asked_for[:, :, None]), axis=2)  # first expired, first out
        stock -= sold
        short = np.maximum(asked_for - before[:, :, -1], 0.0)
        short[short < _EPS] = 0.0
        if room.waits:
            owed += short
        is_short |= (short > 0) | (owed > 0)
        is_period_short = (short > 0) | (is_period_short & (period % room.slices > 0))
        if (period + 1) % room.slices == 0:
            found.periods += counts
            found.periods_short += counts * is_period_short
        found.demand += counts * asked_for
        found.units_short += counts * short
        found.stock += counts * stock.sum(axis=2) / room.slices
        if expires:
            found.units_written_off += counts * stock[:, :, 0]
            stock = np.concatenate([stock[:, :, 1:], np.zeros((*shape, 1))], axis=2)
    return found


def _paid_for(room: Room, period: int, quantity: Numbers, position: Numbers, left: Numbers) -> Numbers:
    """``quantity`` (n, K) as far as the money ``left`` (K) pays for it."""
    short = np.ones_like(position)
    if room.outcomes is not None:
        lacking = room.outcomes[:, period // room.slices, None, :] - position[:, :, None]
        short = np.maximum(lacking, 0.0).mean(axis=2)
    bought = [
        within_budget(quantity[:, k], room.unit_costs, short[:, k], room.packs, room.minimums, budget=money)
        for k, money in enumerate(left)
    ]
    return np.stack(bought, axis=1)
