"""Parameters of forecast.history."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import AfterValidator, Field, field_validator, model_validator

from common.config.params import Params
from common.sources.mapping.free_columns import is_name

Frequency = Literal["H", "D", "W", "M", "Q", "Y"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
# Ids of receipts and customers would make series of a line or two, and of persons.
SeriesColumn = Literal["item_id", "item_name", "store", "country", "currency"]
SERIES_COLUMNS: Final[tuple[SeriesColumn, ...]] = get_args(SeriesColumn)
_OF_A_LINE = frozenset(
    {
        "invoice_id",
        "transaction_id",
        "customer_id",
        "quantity",
        "sold_at",
        "unit_price",
        "stock",
        "promotion",
        "is_product",
    }
)


# Spark matches by the rules of Java: what these mean there Python does not know, or allows in fewer places.
_OF_JAVA: Final = (
    (re.compile(r"\\Q.*?\\E|\\[pP]\{\w+\}|\\x\{\w+\}|\\[hHRXzGe]"), "a"),
    (re.compile(r"\(\?[a-zA-Z-]+\)"), "(?:)"),
    (re.compile(r"\(\?<[a-zA-Z]\w*>"), "("),
)


def _groups(name: str) -> str:
    if name in _OF_A_LINE or not is_name(name):
        raise ValueError(f"use {', '.join(SERIES_COLUMNS)} or the name of a free category of the source")
    return name


Grouping = Annotated[str, AfterValidator(_groups)]
"""A column of SERIES_COLUMNS, or a free category: its values divide series."""


class HistoryParams(Params):
    """Parameters of ``forecast.history``."""

    beside_rows = ("report_top",)

    freq: Frequency | None = Field(
        None,
        description="Length of a period: hour, day, week, month, quarter or year; null: months, quarters or years "
        "where the sales have one date in each, otherwise weeks.",
    )
    week_begins: Weekday | None = Field(
        None,
        description="The day on which weeks begin; null: that on which ready-made series are dated where there are no "
        "sales lines, otherwise Monday.",
    )
    series_by: tuple[Grouping, ...] = Field(
        ("item_id",), min_length=1, description="Columns of a sales line, or free categories, that make a series."
    )
    hierarchy: tuple[tuple[Grouping, ...], ...] = Field(
        (),
        max_length=12,
        description="Levels of aggregates above the series, from the top, each a list of columns or free categories; "
        "[] is the total.",
    )
    crossed: bool = Field(
        False,
        description="Levels divide the series in ways of their own (by region, by product); false: each divides the "
        "one before.",
    )
    changed_parents: Literal["refuse", "last"] = Field(
        "refuse",
        description="A series with several values of a column of the hierarchy: refuse, or the last one counts.",
    )
    attributes: tuple[Grouping, ...] = Field(
        (),
        max_length=50,
        description="Columns or free categories kept with each series, besides those of the hierarchy.",
    )
    no_products: tuple[str, ...] = Field(
        (),
        max_length=500,
        description="Item codes, as regular expressions, that are no products, besides those that the source of the "
        "sales says are none (is_product).",
    )
    gaps: Literal["unknown", "zero"] = Field(
        "unknown",
        description="What a period means that a ready-made series leaves out: nothing is known of it, or its demand is "
        "zero; with zero, values below zero are returns.",
    )
    return_days: int = Field(
        90, ge=0, le=3_650, description="A return is netted against purchases up to this many days earlier."
    )
    censored: Literal["correct", "unknown", "ignore"] = Field(
        "correct",
        description="Periods out of stock: correct their demand by what the series sold when it was there, hold it for "
        "unknown, or ignore the stock.",
    )
    purchases_from_clickstream: bool = Field(
        False, description="Count purchases in clickstream events too, unless their transaction is among the sales."
    )
    leave_out_fraud: bool = Field(True, description="Leave out transactions confirmed as fraud by then.")
    min_periods: int | None = Field(
        None,
        ge=2,
        le=10_000,
        description="Series with fewer periods are forecast by a fallback; null: by frequency, 12, of "
        "hours 48, of years 6.",
    )
    ended_after_periods: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="Periods without demand before a series may have ended and be left out; null: by frequency, "
        "182 days (also of hours), 26 weeks, 12 months, 6 quarters, 4 years.",
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

    @field_validator("no_products")
    @classmethod
    def _are_patterns(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        for code in codes:
            plain = code
            for of_java, of_python in _OF_JAVA:
                plain = of_java.sub(of_python, plain)
            try:
                re.compile(plain)
            except re.error as error:
                raise ValueError(f"'{code}' is not a regular expression") from error
        return codes

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        sets = [frozenset(level) for level in self.hierarchy]
        if any(len(level) != len(columns) for level, columns in zip(sets, self.hierarchy, strict=True)):
            raise ValueError("a level of the hierarchy names a column twice")
        if frozenset({"total"}) in sets:
            raise ValueError("total is the level without columns: call the free category otherwise")
        if len(set(sets)) != len(sets):
            raise ValueError("two levels of the hierarchy have the same columns")
        if frozenset(self.series_by) in sets:
            raise ValueError("series_by is the lowest level already: leave it out of the hierarchy")
        return self
