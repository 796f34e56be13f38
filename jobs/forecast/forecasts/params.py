"""Parameters of forecast.predict."""

from __future__ import annotations

from pydantic import Field

from common.config.params import Params
from jobs.forecast.demand.params import Grouping


class PredictParams(Params):
    """Parameters of ``forecast.predict``."""

    beside_rows = ("report_top",)

    horizon: int | None = Field(
        None, ge=1, le=400, description="Periods ahead, no more than the backtest tried; null: as many."
    )
    min_calibration: int = Field(
        40,
        ge=1,
        le=100_000,
        description="Errors of the backtest that a pool needs at least; a smaller pool gives way to a wider one.",
    )
    calibration_series: int = Field(
        5_000,
        ge=10,
        le=1_000_000,
        description="Series whose errors calibrate the bands, at most; of more, a sample.",
    )
    alike_by: tuple[Grouping, ...] | None = Field(
        None,
        max_length=6,
        description="Attributes that make items alike, for forecasts by analogy: where too few launches share all, "
        "the last is given up first; null: those of forecast.series, the ones with the fewest values first.",
    )
    min_analogues: int = Field(
        8, ge=1, le=1_000, description="Fewest launches of like items; with fewer, less like ones count too."
    )
    most_analogues: int = Field(
        500, ge=10, le=10_000, description="Most launches that an item is compared with; beyond that, a sample."
    )
    rows_per_bucket: int = Field(
        5_000,
        ge=10,
        le=5_000_000,
        description="History rows in one task of the local models, up to 20 times as many where there would be very "
        "many tasks; smaller means more even ones.",
    )
    global_rows_limit: int = Field(
        600_000,
        ge=100,
        le=50_000_000,
        description="Rows up to which LightGBM is one model; beyond that, one per segment.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of LightGBM.")
    report_top: int = Field(4, ge=1, le=12, description="Series drawn in the report.")
