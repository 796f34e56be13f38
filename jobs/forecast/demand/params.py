"""Parameters of forecast.history."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params

Frequency = Literal["D", "W", "M", "Q", "Y"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# Ids of receipts and customers would make series of a line or two, and of persons.
SeriesColumn = Literal["item_id", "item_name", "store", "country", "currency"]


class HistoryParams(Params):
    """Parameters of ``forecast.history``."""

    beside_rows = ("report_top",)

    freq: Frequency = Field("W", description="Length of a period: day, week, month, quarter or year.")
    week_begins: Weekday | None = Field(
        None,
        description="The day on which weeks begin; null: that on which ready-made series are dated where there are no "
        "sales lines, otherwise Monday.",
    )
    series_by: tuple[SeriesColumn, ...] = Field(
        ("item_id",), min_length=1, description="Columns of a sales line that make a series."
    )
    no_products: tuple[str, ...] = Field(
        (),
        max_length=500,
        description="Item codes, as regular expressions, that are no products, beside those that the source of the "
        "sales says are none (is_product).",
    )
    return_days: int = Field(
        90, ge=0, le=3_650, description="A return is netted against purchases up to this many days earlier."
    )
    purchases_from_clickstream: bool = Field(
        False, description="Count purchases in clickstream events too, unless their transaction is among the sales."
    )
    leave_out_fraud: bool = Field(True, description="Leave out transactions confirmed as fraud by then.")
    min_periods: int | None = Field(
        None,
        ge=2,
        le=10_000,
        description="Series with fewer periods are forecast by a fallback; null: by frequency, 12, of years 6.",
    )
    ended_after_periods: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Periods without demand before a series may have ended and be left out; null: by frequency, "
        "182 days, 26 weeks, 12 months, 6 quarters, 4 years.",
    )
    ended_chance: float = Field(
        0.005,
        ge=0,
        lt=1,
        description="A series has ended when its own rhythm makes so long a silence less likely than this; 0: never.",
    )
    max_series: int = Field(
        0, ge=0, le=10_000_000, description="Forecast only this many series, the most valuable ones; 0: all."
    )
    report_top: int = Field(12, ge=3, le=50, description="Series listed in the report.")
