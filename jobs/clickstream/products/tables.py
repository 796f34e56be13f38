"""The table that clickstream.items owns: one row per product of an event."""

from __future__ import annotations

from pyspark.sql.types import (
    BooleanType,
    DateType,
    DecimalType,
    IntegerType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from jobs.clickstream.events.tables import ITEM

_TEXT = StringType()
_MONEY = DecimalType(18, 4)

EVENT_ITEMS = Table(
    name="clickstream.event_items",
    layer="gold",
    schema=StructType(
        [
            StructField("event_id", _TEXT, nullable=False),
            StructField("item_index", IntegerType(), nullable=False),
            StructField("event_date", DateType(), nullable=False),
            StructField("derived_tstamp", TimestampType(), nullable=False),
            StructField("event_name", _TEXT, nullable=False),
            StructField("domain_userid", _TEXT),
            StructField(KEY_ID_COLUMN, _TEXT),
            StructField("is_bot", BooleanType(), nullable=False),
            StructField("transaction_id", _TEXT),
            *ITEM.fields,
            StructField("currency", _TEXT),
        ]
    ),
    keys=("event_id", "item_index"),
    day_column="event_date",
    cluster_by=("domain_userid", "derived_tstamp"),
    personal_columns=("domain_userid",),
    suite="clickstream.event_items",
    description=(
        "One row per product of an event, numbered from 0 in the order sent; price and list_price are per unit. An "
        "event about one product has one."
    ),
)
