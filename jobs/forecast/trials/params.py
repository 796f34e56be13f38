"""Parameters of forecast.backtest."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from common.config.params import Params
from jobs.forecast.demand.params import Grouping
from jobs.forecast.regressors.declared import COUNTRY, WITH_REGRESSORS, Declared, Kind, refusals
from jobs.forecast.regressors.public_holidays import is_place

SeasonLength = Annotated[int, Field(ge=1, le=400)]

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
    "arima",
    "ar",
    "seasonal_ar",
    "long_seasonal_ar",
    "lightgbm",
    "lightgbm_diff",
    "lightgbm_x",
    "lightgbm_diff_x",
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
    "ar",
    "seasonal_ar",
    "long_seasonal_ar",
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
    cpu_seconds_per_series: float | None = Field(
        None,
        gt=0,
        le=3_600,
        description="What backtest and forecasts may cost for a series, by estimated prices; the "
        "dearest models are left out first, then windows. null: no limit.",
    )
    stride: int | None = Field(
        None,
        ge=1,
        le=400,
        description="Periods from an origin to the next, for hours in whole days; null: the horizon.",
    )
    season_length: SeasonLength | tuple[SeasonLength, ...] | None = Field(
        None,
        description="Periods in a season, or in several as [24, 168]; null: by frequency, 24 and 168 hours, 7 and 365 "
        "days, 52 weeks, 12 months, 4 quarters, 1 year. A season counts in a history longer than two of them.",
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
    leakage_probe_series: int = Field(
        3, ge=0, le=100, description="Series used to probe for leakage with planted future values; 0: no probe."
    )
    regressors: dict[str, Kind] = Field(
        {},
        description="What else explains demand, by name: lagged (price, promotion, stock, views, a free number of the "
        "sales) or known_ahead (what forecast.calendar has).",
    )
    holidays_of: str | dict[str, str] | None = Field(
        None,
        description="Country whose public holidays explain demand, such as GB, or with a region US-CA; or the one of "
        "each value of holidays_by, as {France: FR, Bavaria: DE-BY}.",
    )
    holidays_by: Grouping = Field(COUNTRY, description="Column of the sales that says whose holidays a series has.")
    series_by: tuple[Grouping, ...] = Field(
        ("item_id",), min_length=1, description="Columns that make a series, for regressors: those of forecast.history."
    )

    @model_validator(mode="after")
    def _regressors_can_be(self) -> Self:
        problems = refusals(self.declared)
        places = [self.holidays_of] if isinstance(self.holidays_of, str) else [*(self.holidays_of or {}).values()]
        strange = [place for place in places if not is_place(place)]
        if strange or self.holidays_of == {}:
            found = f", not {strange[0]}" if strange else ", or names one for each value of holidays_by"
            problems.append(f"holidays_of is a country, as GB, or a country and one of its regions, as US-CA{found}")
        if not self.declared and set(self.models) & set(WITH_REGRESSORS):
            problems.append("lightgbm_x and lightgbm_diff_x need regressors, or holidays_of")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def declared(self) -> Declared:
        """The regressors that are declared."""
        return Declared(self.regressors, self.holidays_of, self.holidays_by)

    @property
    def tried(self) -> tuple[str, ...]:
        """The models to try: where there are regressors, LightGBM with them beside the same without."""
        added = [name for name, model in WITH_REGRESSORS.items() if self.declared and model in self.models]
        return tuple(dict.fromkeys((*self.models, *added)))
