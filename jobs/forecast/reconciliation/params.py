"""Parameters of forecast.reconcile."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params
from jobs.forecast.demand.params import Weekday

Method = Literal["bottom_up", "top_down", "top_down_history", "ols", "wls_structural", "wls_variance", "mint_shrink"]

LongerFrequency = Literal["D", "W", "M", "Q", "Y"]


class ReconcileParams(Params):
    """Parameters of ``forecast.reconcile``."""

    beside_rows = ("report_top",)

    method: Method = Field(
        "mint_shrink", description="How base forecasts of all levels become forecasts whose sums agree."
    )
    nonnegative: bool = Field(
        True,
        description="No forecast below zero, except of series whose history is: series are raised to 0 before they "
        "are summed.",
    )
    most_paths: int = Field(100, ge=20, le=1_000, description="Most joint errors of the backtest that make quantiles.")
    temporal: tuple[LongerFrequency, ...] = Field(
        (),
        max_length=5,
        description="Longer periods to sum the forecasts to as well, such as [M] or [M,Q] for weeks.",
    )
    week_begins: Weekday = Field("Monday", description="The first day of weeks that hours or days are summed to.")
    min_calibration: int = Field(
        40,
        ge=1,
        le=100_000,
        description="Fewest errors to calibrate longer periods by class; with fewer, a wider pool is used.",
    )
    calibration_series: int = Field(
        5_000, ge=10, le=1_000_000, description="Most series whose errors calibrate longer periods; beyond, a sample."
    )
    report_top: int = Field(12, ge=3, le=50, description="Aggregates listed in the report.")
