"""What a planner says of items, as sent and as used."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import DataType, StructField, StructType, TimestampType

from common.intake.bronze import bronze_table
from common.lake.table import Table
from common.sources.mapping.extra import FIELDS as EXTRA_FIELDS
from common.sources.mapping.free_columns import EXTRA_MAPS
from jobs.forecast.fields import DAY, NUMBER, TEXT, optional, required

_SENT: Final[dict[str, tuple[DataType, str]]] = {
    "unique_id": (TEXT, "series, as forecast.history names it; otherwise the columns of series_by name it"),
    "item_id": (TEXT, "product"),
    "item_name": (TEXT, "its name"),
    "store": (TEXT, "store"),
    "country": (TEXT, "country"),
    "currency": (TEXT, "currency"),
    "replaces": (TEXT, "what it replaces: a series where unique_id is mapped, otherwise a product"),
    "factor": (
        NUMBER,
        "units of it for one unit of what it replaces; 1 where it is not said, 0: it replaces it no longer",
    ),
    "known_at": (TimestampType(), "from when this holds; where it is not said, from the first day on sale"),
    "starts_at": (TimestampType(), "first day on sale"),
}
ITEMS_FEED: Final = StructType(
    [
        *(StructField(name, kind, metadata={"comment": meaning}) for name, (kind, meaning) in _SENT.items()),
        *EXTRA_FIELDS,
    ]
)
"""What a source of items may map to: a row is what is known of a series from a day on.

The comment of a field is its meaning.
"""


REQUIRED: Final = tuple((item, day) for item in ("unique_id", "item_id") for day in ("known_at", "starts_at"))
"""A source maps all of one of these."""


ITEM_RECORDS = bronze_table("forecast.item_records", "Every record of every file about items, as sent.")


ITEMS = Table(
    name="forecast.items",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "line_id", "unique_id"),
            *required(DAY, "known_day"),
            *optional(TEXT, "item_id", "item_name", "replaces"),
            *optional(NUMBER, "factor"),
            *optional(DAY, "starts_day"),
            *EXTRA_FIELDS,
            *optional(TEXT, "_file_sha256"),
            *required(TEXT, "_batch_id"),
        ]
    ),
    keys=("line_id",),
    cluster_by=("known_day",),
    personal_columns=EXTRA_MAPS,
    # A replacement holds as long as there are sales.
    retention_days=36_500,
    retention_column="known_day",
    suite="forecast.items",
    description=(
        "What is known of a series from known_day on, until the next known_day of it: which series it replaces (factor "
        "units of it stand for one of that), its first day on sale, its attributes in the free columns."
    ),
)
