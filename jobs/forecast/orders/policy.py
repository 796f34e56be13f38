"""The stock policies to choose from, and what each needs to know of demand."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.forecast.orders.params import ReplenishParams, ReviewPolicy


@dataclass(frozen=True)
class Costs:
    """Holding a unit for a period, a unit short, and an order, in the same money."""

    holding: float
    shortage: float
    order: float


@dataclass(frozen=True)
class Policy:
    """The stock policy; the service level is the target probability that a cycle ends without a shortage.

    ``periodic``: every R periods, order up to S. What is not ordered now comes only after the next review and its lead
    time, so S covers demand over L + R. ``continuous``: whenever stock and open orders fall to r, order Q; r covers
    demand over L. With ``costs`` a fixed cost per order makes the first one (s, S), and decides on Q in the second.
    (Silver, Pyke and Thomas, Inventory and Production Management, chapter 6.)
    """

    lead_time_periods: int
    review_periods: int
    service_level: float
    pack_size: int = 1
    review: ReviewPolicy = "periodic"
    costs: Costs | None = None

    @property
    def is_periodic(self) -> bool:
        """The stock is looked at every ``review_periods``, not all the time."""
        return self.review == "periodic"

    @property
    def is_costed(self) -> bool:
        """Levels weigh the fixed cost of an order."""
        return self.costs is not None

    @property
    def name(self) -> str:
        """The textbook's name: ``(R, S)``, ``(R, s, S)`` or ``(r, Q)``."""
        if not self.is_periodic:
            return "(r, Q)"
        return "(R, S)" if self.costs is None else "(R, s, S)"

    @property
    def protection_periods(self) -> int:
        """Lead time and review: how long it takes until what is ordered at the next review is there."""
        return self.lead_time_periods + self.review_periods

    @property
    def covered_periods(self) -> int:
        """How long the stock position at the reorder point must last."""
        return self.protection_periods if self.is_periodic else self.lead_time_periods


def policy_of(params: ReplenishParams) -> Policy:
    """The policy that the parameters ask for."""
    costs = None
    if params.order_cost is not None and params.holding_cost is not None and params.shortage_cost is not None:
        costs = Costs(params.holding_cost, params.shortage_cost, params.order_cost)
    return Policy(
        params.lead_time_periods,
        params.review_periods,
        params.critical_ratio,
        params.pack_size,
        params.policy,
        costs,
    )
