"""Parameters of forecast.backtest."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params

Model = Literal[
    "seasonal_naive",
    "window_average",
    "croston_sba",
    "tsb",
    "adida",
    "imapa",
    "theta",
    "ets",
    "ces",
    "mfles",
    "stl_theta",
    "log_stl_ets",
    "lightgbm",
    "lightgbm_diff",
]

DEFAULT_MODELS: tuple[Model, ...] = (
    "seasonal_naive",
    "window_average",
    "tsb",
    "imapa",
    "theta",
    "ets",
    "stl_theta",
    "log_stl_ets",
    "lightgbm",
    "lightgbm_diff",
)
"""About as good as all of them together on seven public sets (docs/benchmarks.md), for a third of the time."""


class BacktestParams(Params):
    """Parameters of ``forecast.backtest``."""

    models: tuple[Model, ...] = Field(DEFAULT_MODELS, min_length=1, description="The models to try.")
    horizon: int | None = Field(
        None,
        ge=1,
        le=400,
        description="Periods ahead; null: by frequency, 48 hours, 28 days, 8 weeks, 12 months, 8 quarters, 6 years.",
    )
    windows: int = Field(3, ge=1, le=52, description="Rolling origins.")
    stride: int | None = Field(
        None,
        ge=1,
        le=400,
        description="Periods from an origin to the next, for hours in whole days; null: the horizon.",
    )
    season_length: int | None = Field(
        None,
        ge=1,
        le=400,
        description="Periods in a season; null: by frequency, 24 hours, 7 days, 52 weeks, 12 months, 4 quarters, "
        "1 year.",
    )
    rows_per_bucket: int = Field(
        5_000,
        ge=10,
        le=5_000_000,
        description="History rows in one task of the local models; smaller means more even tasks.",
    )
    global_rows_limit: int = Field(
        2_000_000,
        ge=100,
        le=50_000_000,
        description="Rows up to which LightGBM is one model; beyond that, one per segment.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of LightGBM.")
    leakage_probe_series: int = Field(
        3, ge=0, le=100, description="Series used to probe for leakage with planted future values; 0: no probe."
    )
