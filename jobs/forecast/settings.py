"""Parameters of the forecast jobs: defaults, bounds and meaning."""

from __future__ import annotations

from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from common.config import Params

SeriesColumn = Literal["item_id", "country", "currency"]
Model = Literal["seasonal_naive", "croston_sba", "imapa", "theta", "ets", "lightgbm"]

# From the simplest to the most complex: of equally good models the first is taken.
MODELS: tuple[Model, ...] = ("seasonal_naive", "croston_sba", "imapa", "theta", "ets", "lightgbm")


class IngestParams(Params):
    """Parameters of ``forecast.ingest``."""

    duplicates: Literal["drop", "keep"] = Field(
        "drop", description="Equal invoice lines: drop (one line sent twice) or keep (two sales)."
    )
    time_zone: str = Field("UTC", description="The shop's clock, by which the day of a sale is told.")
    largest_quantity: float = Field(1e9, gt=0, le=1e15, description="Larger quantities are quarantined, in units.")
    future_days: int = Field(1, ge=0, le=400, description="How far after the start of the run a sale may lie.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{zone}' is not an IANA time zone, e.g. Europe/London") from error
        return zone


class HistoryParams(Params):
    """Parameters of ``forecast.history``."""

    freq: Literal["D", "W", "M", "Q"] = Field("W", description="Length of a period: day, week, month or quarter.")
    series_by: tuple[SeriesColumn, ...] = Field(
        ("item_id",), min_length=1, description="Columns of a sales line that make a series."
    )
    no_products: tuple[str, ...] = Field(
        ("POST", "DOT", "C2", "M", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK", "GIFT_.*", "ADJUST.*", "TEST.*"),
        max_length=500,
        description="Item codes, as regular expressions, that are postage, fees, discounts: no products.",
    )
    return_days: int = Field(
        90, ge=0, le=3_650, description="A return is taken off purchases of up to so many days before."
    )
    purchases_from_clickstream: bool = Field(
        False, description="Count purchases in clickstream events too, unless their transaction is among the sales."
    )
    leave_out_fraud: bool = Field(True, description="Leave out transactions confirmed as fraud by then.")
    min_periods: int = Field(12, ge=2, le=10_000, description="Shorter series are forecast by a fallback.")
    ended_after_days: int = Field(
        91, ge=1, le=10_000, description="A series without demand for longer has ended and is left out."
    )
    max_series: int = Field(
        0, ge=0, le=10_000_000, description="Forecast only so many series, the most valuable ones; 0: all."
    )
    report_top: int = Field(12, ge=3, le=50, description="Series listed in the report.")


class BacktestParams(Params):
    """Parameters of ``forecast.backtest``."""

    models: tuple[Model, ...] = Field(MODELS, min_length=1, description="The models tried.")
    horizon: int | None = Field(
        None, ge=1, le=400, description="Periods ahead; null: by frequency, 28 days, 8 weeks, 12 months, 8 quarters."
    )
    windows: int = Field(3, ge=1, le=52, description="Rolling origins.")
    stride: int | None = Field(None, ge=1, le=400, description="Periods from an origin to the next; null: the horizon.")
    season_length: int | None = Field(
        None,
        ge=1,
        le=400,
        description="Periods in a season; null: by frequency, 7 days, 52 weeks, 12 months, 4 quarters.",
    )
    choose_by: Literal["rmsse", "mase", "smape", "wape"] = Field(
        "rmsse", description="The metric by which a series' model is chosen."
    )
    tie_tolerance: float = Field(
        0.02, ge=0, le=1, description="Models within this share of the best are as good: incumbent, then simplest."
    )
    rows_per_bucket: int = Field(
        5_000, ge=10, le=5_000_000, description="History rows in one task of the local models; small: even tasks."
    )
    global_rows_limit: int = Field(
        2_000_000, ge=100, le=50_000_000, description="Rows up to which LightGBM is one model; above: one a segment."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of LightGBM.")
    leakage_probe_series: int = Field(
        3, ge=0, le=100, description="Series on which planted future values must change nothing; 0: no probe."
    )


class PredictParams(Params):
    """Parameters of ``forecast.predict``."""

    horizon: int | None = Field(None, ge=1, le=400, description="Periods ahead; null: as in the backtest.")
    season_length: int | None = Field(None, ge=1, le=400, description="Periods in a season; null: by frequency.")
    min_calibration: int = Field(
        40, ge=1, le=100_000, description="Fewest residuals for calibration by class and step; fewer: pooled wider."
    )
    calibration_series: int = Field(
        5_000, ge=10, le=1_000_000, description="Series whose residuals calibrate the intervals; more are sampled."
    )
    rows_per_bucket: int = Field(
        5_000, ge=10, le=5_000_000, description="History rows in one task of the local models; small: even tasks."
    )
    global_rows_limit: int = Field(
        2_000_000, ge=100, le=50_000_000, description="Rows up to which LightGBM is one model; above: one a segment."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of LightGBM.")
    report_top: int = Field(4, ge=1, le=12, description="Series drawn in the report.")


class ReplenishParams(Params):
    """Parameters of ``forecast.replenish``."""

    lead_time_periods: int = Field(2, ge=1, le=200, description="Periods from an order to its goods.")
    review_periods: int = Field(1, ge=1, le=200, description="Periods from a review of the stock to the next.")
    service_level: float = Field(
        0.95, gt=0, lt=1, description="Wanted chance that a cycle sees no stock-out, unless costs are given."
    )
    holding_cost: float | None = Field(None, gt=0, le=1e9, description="Cost of a unit left over, a period.")
    shortage_cost: float | None = Field(None, gt=0, le=1e9, description="Cost of a unit short.")
    pack_size: int = Field(1, ge=1, le=1_000_000, description="Orders are whole packs of so many units.")
    min_calibration: int = Field(
        40, ge=1, le=100_000, description="Fewest residual paths for calibration by class; fewer: pooled wider."
    )
    calibration_series: int = Field(
        5_000, ge=10, le=1_000_000, description="Series whose residuals calibrate the orders; more are sampled."
    )
    report_top: int = Field(20, ge=3, le=100, description="Orders listed in the report.")

    @model_validator(mode="after")
    def _both_costs(self) -> Self:
        if (self.holding_cost is None) != (self.shortage_cost is None):
            raise ValueError("give holding_cost and shortage_cost together, or neither")
        return self

    @property
    def critical_ratio(self) -> float:
        """The wanted non-stock-out probability: from the costs (newsvendor) where they are given."""
        if self.holding_cost is None or self.shortage_cost is None:
            return self.service_level
        return self.shortage_cost / (self.shortage_cost + self.holding_cost)
