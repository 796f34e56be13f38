"""Parameters of forecast.replenish."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from common.config.params import Params

ReviewPolicy = Literal["periodic", "continuous"]


class ReplenishParams(Params):
    """Parameters of ``forecast.replenish``."""

    beside_rows = ("report_top",)

    policy: ReviewPolicy = Field(
        "periodic",
        description="periodic: at every review, order up to a level; continuous: the stock is watched all the time, "
        "and a fixed quantity is ordered when it falls to the reorder point.",
    )
    forecasts: Literal["base", "reconciled"] = Field(
        "base", description="base: as forecast.predict made them; reconciled: as forecast.reconcile made them add up."
    )
    lead_time_periods: int = Field(2, ge=1, le=200, description="Periods from an order to its delivery.")
    review_periods: int = Field(
        1,
        ge=1,
        le=200,
        description="periodic: periods between two reviews of the stock; continuous: periods that an order should "
        "last, unless order_cost is given.",
    )
    service_level: float = Field(
        0.95, gt=0, lt=1, description="Target probability of no stock-out in a cycle, unless costs are given."
    )
    holding_cost: float | None = Field(None, gt=0, le=1e9, description="Cost of holding a unit for one period.")
    shortage_cost: float | None = Field(None, gt=0, le=1e9, description="Cost of a unit short.")
    order_cost: float | None = Field(
        None, gt=0, le=1e9, description="Fixed cost of an order; needs the two other costs: larger orders, less often."
    )
    pack_size: int = Field(1, ge=1, le=1_000_000, description="Units per pack; orders are whole packs.")
    most_of_history: float = Field(
        10,
        gt=0,
        le=10_000,
        description="The run fails if an order fills up to more than this many times all demand of its series.",
    )
    min_calibration: int = Field(
        40,
        ge=1,
        le=100_000,
        description="Paths of errors that a pool needs at least; a smaller pool gives way to a wider one.",
    )
    calibration_series: int = Field(
        5_000,
        ge=10,
        le=1_000_000,
        description="Series whose errors calibrate the orders, at most; of more, a sample.",
    )
    old_stock_days: int = Field(
        31,
        ge=0,
        le=3_650,
        description="Days after which a count is too old to order by: the order is then the usual one.",
    )
    report_top: int = Field(20, ge=3, le=100, description="Orders listed in the report.")

    @model_validator(mode="after")
    def _costs_go_together(self) -> Self:
        if (self.holding_cost is None) != (self.shortage_cost is None):
            raise ValueError("give holding_cost and shortage_cost together, or neither")
        if self.order_cost is not None and self.holding_cost is None:
            raise ValueError("order_cost needs holding_cost and shortage_cost")
        return self

    @property
    def critical_ratio(self) -> float:
        """The target probability of no stock-out: from the costs where they are given (newsvendor).

        p / (p + h R): a unit too many is held for a cycle, R periods.
        """
        if self.holding_cost is None or self.shortage_cost is None:
            return self.service_level
        return self.shortage_cost / (self.shortage_cost + self.holding_cost * self.review_periods)
