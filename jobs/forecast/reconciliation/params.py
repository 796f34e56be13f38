"""Parameters of forecast.reconcile."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params

Method = Literal["bottom_up", "top_down", "top_down_history", "ols", "wls_structural", "wls_variance", "mint_shrink"]


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
    report_top: int = Field(12, ge=3, le=50, description="Aggregates listed in the report.")
