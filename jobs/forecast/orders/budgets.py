"""Money that is not enough for all orders of a review: spent where a unit of money saves the most shortage."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_EPS = 1e-9


def within_budget(
    wanted: Numbers, unit_costs: Numbers, short: Numbers, packs: Numbers, minimums: Numbers, *, budget: float
) -> Numbers:
    """``wanted`` units of each series of a supplier, cut to what ``budget`` pays for.

    The order that prevents the most expected units ``short`` per money comes first (of equals the first one). The
    first that the money left does not pay for is cut to whole packs, or to nothing below its minimum; those after it
    wait for the next review. A series without a cost is ordered as wanted.
    """
    money = np.where(np.isfinite(unit_costs), unit_costs, 0.0) * wanted
    if money.sum() <= budget + _EPS:
        return wanted
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = np.where(money > 0, short / money, np.inf)
    order = np.argsort(-worth, kind="stable")
    left = np.empty_like(money)
    left[order] = budget - np.concatenate([[0.0], np.cumsum(money[order])[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        payable = np.floor(np.maximum(left, 0.0) / (unit_costs * packs) + _EPS) * packs
    cut = np.where(payable + _EPS >= minimums, payable, 0.0)
    return np.asarray(np.where((money <= 0) | (money <= left + _EPS), wanted, np.minimum(cut, wanted)))
