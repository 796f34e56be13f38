"""Parameters of forecast.replenish."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from common.config.params import Params


class ReplenishParams(Params):
    """Parameters of ``forecast.replenish``."""

    beside_rows = ("report_top",)

    lead_time_periods: int = Field(2, ge=1, le=200, description="Periods from an order to its delivery.")
    review_periods: int = Field(1, ge=1, le=200, description="Periods between two reviews of the stock.")
    service_level: float = Field(
        0.95, gt=0, lt=1, description="Target probability of no stock-out in a cycle, unless costs are given."
    )
    holding_cost: float | None = Field(None, gt=0, le=1e9, description="Cost of holding a unit for one period.")
    shortage_cost: float | None = Field(None, gt=0, le=1e9, description="Cost of a unit short.")
    pack_size: int = Field(1, ge=1, le=1_000_000, description="Units per pack; orders are whole packs.")
    min_calibration: int = Field(
        40,
        ge=1,
        le=100_000,
        description="Fewest residual paths to calibrate by class; with fewer, a wider pool is used.",
    )
    calibration_series: int = Field(
        5_000,
        ge=10,
        le=1_000_000,
        description="Most series whose residuals calibrate the orders; beyond that, a sample.",
    )
    report_top: int = Field(20, ge=3, le=100, description="Orders listed in the report.")

    @model_validator(mode="after")
    def _both_costs(self) -> Self:
        if (self.holding_cost is None) != (self.shortage_cost is None):
            raise ValueError("give holding_cost and shortage_cost together, or neither")
        return self

    @property
    def critical_ratio(self) -> float:
        """The target non-stock-out probability: from the costs (newsvendor) where they are given."""
        if self.holding_cost is None or self.shortage_cost is None:
            return self.service_level
        return self.shortage_cost / (self.shortage_cost + self.holding_cost)
