"""Parameters of forecast.page."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params


class PageParams(Params):
    """Parameters of ``forecast.page``."""

    beside_rows = ("report_top", "report_charts")

    forecasts: Literal["base", "reconciled"] = Field(
        "base", description="base: as forecast.predict made them; reconciled: as forecast.reconcile made them add up."
    )
    look_back_days: int = Field(
        400,
        ge=1,
        le=4_000,
        description="Days before the run among which earlier forecasts and orders are looked for, to compare with.",
    )
    recent_periods: int | None = Field(
        None,
        ge=2,
        le=400,
        description="Periods that count as recent when a series is compared with its past; null: by frequency.",
    )
    old_stock_days: int = Field(
        7, ge=0, le=400, description="Days after which the count of a stock is too old to order by without a look."
    )
    report_top: int = Field(8, ge=1, le=50, description="Items listed in each part of the page.")
    report_charts: int = Field(4, ge=0, le=12, description="Series drawn with their bands.")
