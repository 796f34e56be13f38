"""Counts of stock and open orders, as sent and as used."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import DataType, StructField, StructType, TimestampType

from common.intake.bronze import bronze_table
from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, optional, required

_SENT: Final[dict[str, tuple[DataType, str]]] = {
    "unique_id": (TEXT, "series, as forecast.history names it; otherwise the columns of series_by name it"),
    "item_id": (TEXT, "product"),
    "item_name": (TEXT, "its name"),
    "store": (TEXT, "store"),
    "country": (TEXT, "country"),
    "currency": (TEXT, "currency"),
    "counted_at": (TimestampType(), "when the stock was counted, or the open orders listed"),
    "on_hand": (NUMBER, "units on hand: the row is a count"),
    "on_order": (NUMBER, "units ordered and not yet there: of a count all of them, else of one open order"),
    "due_on": (TimestampType(), "day on which an open order is due"),
    "order_id": (TEXT, "number of an open order, or of its line; tells equal ones apart"),
    "supplier": (TEXT, "who delivers the series, on which terms from counted_at on; a row may say only this"),
    "lead_time_days": (NUMBER, "terms: days from an order to its delivery"),
    "pack_size": (NUMBER, "terms: units per pack"),
    "min_order": (NUMBER, "terms: fewest units of an order"),
    "unit_cost": (NUMBER, "terms: money for a unit"),
    "budget": (NUMBER, "terms: money for all orders of one review at this supplier; the smallest of its series holds"),
}
STOCK_FEED: Final = StructType(
    [StructField(name, kind, metadata={"comment": meaning}) for name, (kind, meaning) in _SENT.items()]
)
"""What a source of stock may map to: a row is the count of a series, one of its open orders, or a supplier's terms.

The comment of a field is its meaning.
"""


REQUIRED: Final = tuple(
    (series, "counted_at", said)
    for series in ("unique_id", "item_id", "store")
    for said in ("on_hand", "on_order", "supplier")
)
"""A source maps all of one of these."""


TERMS: Final = ("lead_time_days", "pack_size", "min_order", "unit_cost", "budget")
"""The numbers of a supplier's terms."""

LONGEST_DAYS: Final = 3_660.0
"""The longest lead time believed."""

MOST: Final = 1e12
"""The largest pack, minimum, cost and budget believed."""


STOCK_RECORDS = bronze_table("forecast.stock_records", "Every record of every file of counts and open orders, as sent.")


STOCK = Table(
    name="forecast.stock",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "unique_id"),
            *optional(NUMBER, "on_hand", "on_order"),
            # Null in a table that the company's own stock system writes: one row per series, as it is today.
            *optional(TEXT, "line_id"),
            *optional(DAY, "as_of_day"),
            *optional(TimestampType(), "counted_at"),
            *optional(DAY, "due_on"),
            *optional(TEXT, "order_id", "_file_sha256", "_batch_id"),
            # Null in rows of earlier releases, and in those that say no terms.
            *optional(TEXT, "supplier"),
            *optional(NUMBER, *TERMS),
        ]
    ),
    keys=("line_id",),
    cluster_by=("as_of_day",),
    suite="forecast.stock",
    description=(
        "Counts of stock, in units: on_hand, and on_order where the count says it. A row without on_hand is an open "
        "order, or where it names a supplier his terms. Counts and terms hold from as_of_day to the next of the series."
    ),
)
