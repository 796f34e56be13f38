"""The tables of the forecast family, and the columns that its jobs rely on in tables of other families.

Names follow Nixtla's: ``unique_id`` is a series, ``ds`` the first day of a period, ``y`` the units of demand in it,
``cutoff`` the last period that a forecast may know.
"""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DecimalType,
    IntegerType,
    StructType,
    TimestampType,
)

from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from jobs.forecast.demand.tables import DEMAND, SERIES
from jobs.forecast.fields import DAY, MONEY, TEXT, optional, required
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.items.tables import ITEM_RECORDS, ITEMS
from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.overrides.tables import KNOWN_OVERRIDES, OVERRIDE_RECORDS, OVERRIDES
from jobs.forecast.planning.tables import REVIEWS, VALUE_ADDED
from jobs.forecast.reconciliation.tables import LONGER, RECONCILED
from jobs.forecast.regressors.tables import CALENDAR, CALENDAR_RECORDS, REGRESSORS
from jobs.forecast.replays.tables import REPLAYS
from jobs.forecast.sales.tables import SALE_RECORDS, SALES
from jobs.forecast.stock.tables import STOCK, STOCK_RECORDS
from jobs.forecast.trials.tables import BACKTESTS, TRIALS

FRAUD_LABELS = Table(
    name="fraud.labels",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "transaction_id"),
            *required(DAY, "tx_day"),
            *required(TimestampType(), "reported_at"),
            *required(BooleanType(), "is_fraud"),
        ]
    ),
    keys=("transaction_id", "tx_day", "reported_at"),
    is_owned=False,
    description="Reports about transactions, of the fraud family: confirmed fraud is no demand.",
)


EVENT_ITEM = StructType(
    [
        *optional(TEXT, "item_id", "item_name", "item_brand", "item_variant", "item_category"),
        *optional(MONEY, "price", "list_price"),
        *optional(DecimalType(18, 3), "quantity"),
        *optional(IntegerType(), "position"),
        *optional(TEXT, "coupon"),
    ]
)
"""A product of an event about several."""

CLICKSTREAM_EVENTS = Table(
    name="clickstream.events",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "event_id", "event_name"),
            *required(DAY, "event_date"),
            *required(TimestampType(), "derived_tstamp"),
            *optional(TEXT, "domain_userid", KEY_ID_COLUMN, "geo_country", "item_id", "item_name"),
            *optional(DecimalType(18, 3), "quantity"),
            *optional(MONEY, "price"),
            *optional(TEXT, "currency", "transaction_id"),
            *optional(ArrayType(EVENT_ITEM), "items"),
            *required(BooleanType(), "is_bot"),
        ]
    ),
    keys=("event_id",),
    day_column="event_date",
    personal_columns=("domain_userid",),
    is_owned=False,
    description="Events of the clickstream family: its purchases are sales.",
)

__all__ = [
    "BACKTESTS",
    "CALENDAR",
    "CALENDAR_RECORDS",
    "CLICKSTREAM_EVENTS",
    "DEMAND",
    "FORECASTS",
    "FRAUD_LABELS",
    "ITEMS",
    "ITEM_RECORDS",
    "KNOWN_OVERRIDES",
    "LONGER",
    "ORDERS",
    "OVERRIDES",
    "OVERRIDE_RECORDS",
    "RECONCILED",
    "REGRESSORS",
    "REPLAYS",
    "REVIEWS",
    "SALES",
    "SALE_RECORDS",
    "SERIES",
    "STOCK",
    "STOCK_RECORDS",
    "TRIALS",
    "VALUE_ADDED",
]
