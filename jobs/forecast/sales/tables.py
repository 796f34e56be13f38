"""Sales lines, as sent and as used."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    BooleanType,
    DataType,
    StructField,
    StructType,
    TimestampType,
)

from common.intake.bronze import bronze_table
from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from common.sources.mapping.extra import FIELDS as EXTRA_FIELDS
from common.sources.mapping.free_columns import EXTRA_MAPS
from jobs.forecast.fields import DAY, MONEY, NUMBER, TEXT, WHOLE, optional, required

_SENT: Final[dict[str, tuple[DataType, str]]] = {
    "invoice_id": (TEXT, "receipt or invoice of a line"),
    "transaction_id": (TEXT, "its transaction, as the clickstream and fraud feeds name it"),
    "item_id": (TEXT, "product"),
    "item_name": (TEXT, "its name"),
    "is_product": (BooleanType(), "false for postage, fees, vouchers; null counts as true"),
    "quantity": (NUMBER, "units sold; less than zero gives goods back"),
    "sold_at": (TimestampType(), "when it was sold"),
    "unit_price": (MONEY, "price per unit"),
    "customer_id": (TEXT, "customer; published as a pseudonym"),
    "store": (TEXT, "store"),
    "promotion": (BooleanType(), "whether it was on promotion"),
    "stock": (NUMBER, "units on hand in the store, at the end of the day or period"),
    "country": (TEXT, "country"),
    "currency": (TEXT, "currency of the price, ISO 4217"),
    "unique_id": (TEXT, "series, of a feed of ready series"),
    "ds": (TimestampType(), "first day of a period"),
    "y": (NUMBER, "units in it"),
}
SALES_FEED: Final = StructType(
    [
        *(StructField(name, kind, metadata={"comment": meaning}) for name, (kind, meaning) in _SENT.items()),
        *EXTRA_FIELDS,
    ]
)
"""What a source of sales may map to: sales lines (item_id, sold_at, quantity), or ready series (unique_id, ds, y).

The comment of a field is its meaning.
"""


REQUIRED: Final = (("item_id", "sold_at", "quantity"), ("unique_id", "ds", "y"))
"""A source maps all of one of these."""


SALE_RECORDS = bronze_table(
    "forecast.sale_records", "Every record of every file of sales lines or of ready series, as sent."
)


SALES = Table(
    name="forecast.sales",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "line_id"),
            *required(DAY, "sold_day"),
            *required(TimestampType(), "sold_at"),
            *required(TEXT, "item_id"),
            *required(NUMBER, "quantity"),
            *required(BooleanType(), "is_series"),
            *optional(TEXT, "invoice_id", "transaction_id", "item_name"),
            *optional(MONEY, "unit_price"),
            *optional(TEXT, "customer_id", KEY_ID_COLUMN, "country", "currency"),
            *required(TEXT, "_batch_id"),
            # Null in rows of earlier releases.
            *optional(TEXT, "store", "_file_sha256"),
            *optional(BooleanType(), "promotion", "is_product"),
            *optional(NUMBER, "stock"),
            *optional(WHOLE, "sold_hour"),
            *EXTRA_FIELDS,
        ]
    ),
    keys=("line_id",),
    cluster_by=("sold_day",),
    personal_columns=("customer_id", *EXTRA_MAPS),
    suite="forecast.sales",
    description=(
        "Sales lines, each once; a negative quantity gives goods back. is_series: the line is the value of a ready "
        "series, complete for its period. is_product is false for postage, fees and the like. Customers are pseudonyms "
        "(key: pseudonym_key_id). sold_hour is the hour of sold_day by the same clock; null for a date without a time."
    ),
)
