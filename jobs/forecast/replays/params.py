"""Parameters of forecast.replay."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from common.config.params import Params

ReplayedPolicy = Literal["periodic", "min_max", "continuous"]
Unmet = Literal["lost", "waits"]


class ReplayParams(Params):
    """Parameters of ``forecast.replay``."""

    beside_rows = ("report_top",)

    policies: tuple[ReplayedPolicy, ...] = Field(
        ("periodic",),
        min_length=1,
        description="The policies to compare: periodic, (R, S); min_max, (R, s, S), which needs order_cost; "
        "continuous, (r, Q).",
    )
    methods: tuple[str, ...] | None = Field(
        None, min_length=1, description="The models to compare; null: all that forecast.backtest tried."
    )
    benchmark: str = Field("seasonal_naive", description="The model that the others are held against.")
    service_level: float = Field(0.95, gt=0, lt=1, description="The service level of the headline and of the tables.")
    service_levels: tuple[float, ...] = Field(
        (0.8, 0.85, 0.9, 0.95, 0.98, 0.99), max_length=30, description="The service levels of the trade-off curve."
    )
    lead_time_periods: int = Field(2, ge=1, le=200, description="Periods from an order to its delivery.")
    review_periods: int = Field(
        1,
        ge=1,
        le=200,
        description="periodic: periods between two reviews of the stock; continuous: periods that an order should "
        "last, unless order_cost is given.",
    )
    pack_size: int = Field(1, ge=1, le=1_000_000, description="Units per pack; orders are whole packs.")
    unmet_demand: Unmet = Field(
        "lost", description="What is not there is lost (customers buy elsewhere), or waits for the next delivery."
    )
    shelf_life_periods: int | None = Field(
        None, ge=1, le=400, description="Periods in which goods can be sold after their delivery; null: for ever."
    )
    cost_share: float = Field(
        0.6, gt=0, le=1, description="Cost of a unit as a share of its last price, where no supplier gives a cost."
    )
    holding_rate: float = Field(
        0.25, ge=0, le=100, description="Cost of holding stock for a year, as a share of what it cost."
    )
    order_cost: float | None = Field(None, gt=0, le=1e9, description="Fixed cost of an order.")
    min_calibration: int = Field(
        40,
        ge=1,
        le=100_000,
        description="Fewest residual paths to calibrate by class; with fewer, a wider pool is used.",
    )
    calibration_series: int = Field(
        2_000,
        ge=10,
        le=1_000_000,
        description="Most series whose residuals calibrate the levels; beyond that, a sample.",
    )
    series_per_bucket: int = Field(500, ge=1, le=100_000, description="Series that one task follows at once.")
    currency: str = Field("", max_length=8, description="What stands before money on the page, such as £.")
    report_top: int = Field(10, ge=1, le=100, description="Series listed in the report.")

    @model_validator(mode="after")
    def _can_be_replayed(self) -> Self:
        if "min_max" in self.policies and self.order_cost is None:
            raise ValueError("the policy min_max needs order_cost")
        if not all(0 < level < 1 for level in self.service_levels):
            raise ValueError("service_levels lie between 0 and 1")
        return self

    @property
    def levels(self) -> tuple[float, ...]:
        """All service levels to replay, ascending."""
        return tuple(sorted({*self.service_levels, self.service_level}))
