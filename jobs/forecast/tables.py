"""The tables of the forecast family, and the columns that its jobs rely on in tables of other families.

Names follow Nixtla's: ``unique_id`` is a series, ``ds`` the first day of a period, ``y`` the units of demand in it,
``cutoff`` the last period that a forecast may know.
"""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.intake import PROVENANCE
from common.lake.table import Table
from common.privacy import KEY_ID_COLUMN

MONEY: Final = DecimalType(18, 4)

QUANTILES: Final[dict[str, float]] = {
    "q025": 0.025,
    "q100": 0.1,
    "q250": 0.25,
    "q500": 0.5,
    "q750": 0.75,
    "q900": 0.9,
    "q950": 0.95,
    "q975": 0.975,
    "q990": 0.99,
}
"""Column -> level of the published quantiles; the name is the level in thousandths."""


def _required(kind: DataType, *names: str) -> list[StructField]:
    return [StructField(name, kind, nullable=False) for name in names]


def _optional(kind: DataType, *names: str) -> list[StructField]:
    return [StructField(name, kind, nullable=True) for name in names]


_TEXT, _DAY, _NUMBER, _WHOLE = StringType(), DateType(), DoubleType(), IntegerType()

SALES_FEED: Final = StructType(
    [
        *_optional(_TEXT, "invoice_id", "transaction_id", "item_id", "item_name"),
        *_optional(_NUMBER, "quantity"),
        *_optional(TimestampType(), "sold_at"),
        *_optional(MONEY, "unit_price"),
        *_optional(_TEXT, "customer_id", "country", "currency", "unique_id"),
        *_optional(TimestampType(), "ds"),
        *_optional(_NUMBER, "y"),
    ]
)
"""What a source of sales may map to: sales lines (item_id, sold_at, quantity), or ready series (unique_id, ds, y)."""

SALES_RAW = Table(
    name="forecast.sales_raw",
    layer="bronze",
    schema=StructType([*SALES_FEED.fields, *PROVENANCE]),
    keys=(),
    day_column="ingest_date",
    personal_columns=("customer_id", "payload"),
    retention_days=90,
    description="Sales lines, or values of ready series, as sent: the record, what could be read, where it came from.",
)

SALES = Table(
    name="forecast.sales",
    layer="silver",
    schema=StructType(
        [
            *_required(_TEXT, "line_id"),
            *_required(_DAY, "sold_day"),
            *_required(TimestampType(), "sold_at"),
            *_required(_TEXT, "item_id"),
            *_required(_NUMBER, "quantity"),
            *_required(BooleanType(), "is_series"),
            *_optional(_TEXT, "invoice_id", "transaction_id", "item_name"),
            *_optional(MONEY, "unit_price"),
            *_optional(_TEXT, "customer_id", KEY_ID_COLUMN, "country", "currency"),
            *_required(_TEXT, "_batch_id"),
        ]
    ),
    keys=("line_id",),
    cluster_by=("sold_day",),
    personal_columns=("customer_id",),
    suite="forecast.sales",
    description=(
        "Sales lines, each once; a negative quantity gives goods back. is_series: the line is the value of a ready "
        "series, complete for its period. Customers are pseudonyms (key: pseudonym_key_id)."
    ),
)

DEMAND = Table(
    name="forecast.demand",
    layer="gold",
    schema=StructType(
        [
            *_required(_TEXT, "unique_id", "freq"),
            *_required(_DAY, "ds"),
            *_required(_NUMBER, "y", "units_sold", "units_returned"),
            *_required(BooleanType(), "is_closed"),
        ]
    ),
    keys=("unique_id", "ds"),
    day_column="ds",
    cluster_by=("unique_id",),
    suite="forecast.demand",
    description=(
        "Demand on a full grid, one row per series and period from its first sale on: a period without a row of sales "
        "is zero demand, or is_closed when nobody could buy."
    ),
)

SERIES = Table(
    name="forecast.series",
    layer="gold",
    schema=StructType(
        [
            *_required(_DAY, "as_of_date"),
            *_required(_TEXT, "unique_id", "freq", "status"),
            *_optional(_TEXT, "reason", "item_name"),
            *_optional(_DAY, "first_ds", "last_ds", "last_sale_ds"),
            *_required(LongType(), "periods", "open_periods", "demand_periods"),
            *_required(_NUMBER, "units", "value"),
            *_optional(_NUMBER, "adi", "cv2"),
            *_optional(_TEXT, "demand_class"),
        ]
    ),
    keys=("unique_id",),
    day_column="as_of_date",
    suite="forecast.series",
    description=(
        "What each series is as of a day: its class of demand, and whether it is modelled, forecast by a fallback, "
        "or left out, with the reason."
    ),
)

BACKTESTS = Table(
    name="forecast.backtests",
    layer="gold",
    schema=StructType(
        [
            *_required(_DAY, "as_of_date"),
            *_required(_TEXT, "unique_id", "model"),
            *_required(_DAY, "cutoff", "ds"),
            *_required(_WHOLE, "step"),
            *_required(_NUMBER, "y", "y_hat", "scale_mae", "scale_mse"),
        ]
    ),
    keys=("unique_id", "model", "cutoff", "ds"),
    day_column="as_of_date",
    cluster_by=("unique_id",),
    suite="forecast.backtests",
    description=(
        "Every forecast of the backtest beside what came. scale_mae and scale_mse are the in-sample errors of the "
        "seasonal naive (for MASE) and of the naive squared (for RMSSE), as of the cutoff."
    ),
)

TRIALS = Table(
    name="forecast.trials",
    layer="gold",
    schema=StructType(
        [
            *_required(_DAY, "as_of_date"),
            *_required(_TEXT, "unique_id", "model", "status"),
            *_optional(_TEXT, "reason", "demand_class"),
            *_required(_WHOLE, "windows", "season_length"),
            *_optional(_NUMBER, "mase", "rmsse", "smape", "wape", "scaled_pinball", "coverage_80", "coverage_95"),
            *_required(BooleanType(), "is_champion"),
            *_optional(_TEXT, "chosen_because"),
        ]
    ),
    keys=("unique_id", "model"),
    day_column="as_of_date",
    suite="forecast.trials",
    description="All trials of the backtest, one row per series and model, and which model was chosen and why.",
)

FORECASTS = Table(
    name="forecast.forecasts",
    layer="gold",
    schema=StructType(
        [
            *_required(_DAY, "as_of_date"),
            *_required(_TEXT, "unique_id", "freq"),
            *_required(_DAY, "ds"),
            *_required(_WHOLE, "step"),
            *_required(_TEXT, "model"),
            *_optional(_TEXT, "fallback_reason"),
            *_required(_NUMBER, "y_hat", "spread", *QUANTILES),
            *_required(_TEXT, "calibrated_on"),
        ]
    ),
    keys=("unique_id", "ds"),
    day_column="as_of_date",
    cluster_by=("unique_id",),
    suite="forecast.forecasts",
    description=(
        "Mean and quantiles of demand, each requested series and period once; units, never negative unless the history "
        "is. spread is the unit in which errors were pooled; calibrated_on the pool that gave the quantiles."
    ),
)

STOCK = Table(
    name="forecast.stock",
    layer="silver",
    schema=StructType([*_required(_TEXT, "unique_id"), *_required(_NUMBER, "on_hand", "on_order")]),
    keys=("unique_id",),
    is_owned=False,
    description="Optional, written by the company's stock system: units on the shelf and on their way, by series.",
)

ORDERS = Table(
    name="forecast.orders",
    layer="gold",
    schema=StructType(
        [
            *_required(_DAY, "as_of_date"),
            *_required(_TEXT, "unique_id"),
            *_optional(_TEXT, "item_name"),
            *_required(_TEXT, "model"),
            *_required(_WHOLE, "lead_time_periods", "review_periods"),
            *_required(_NUMBER, "service_level", "lead_time_demand", "protection_demand", "safety_stock"),
            *_required(_NUMBER, "reorder_point", "order_up_to"),
            *_optional(_NUMBER, "stock_position"),
            *_required(_NUMBER, "order_quantity", "expected_shortage"),
            *_required(_TEXT, "reason"),
        ]
    ),
    keys=("unique_id",),
    day_column="as_of_date",
    suite="forecast.orders",
    description="What to order for each series, and why; all quantities in units.",
)

FRAUD_LABELS = Table(
    name="fraud.labels",
    layer="silver",
    schema=StructType(
        [
            *_required(_TEXT, "transaction_id"),
            *_required(_DAY, "tx_day"),
            *_required(TimestampType(), "reported_at"),
            *_required(BooleanType(), "is_fraud"),
        ]
    ),
    keys=("transaction_id", "tx_day", "reported_at"),
    is_owned=False,
    description="Reports about transactions, of the fraud family: confirmed fraud is no demand.",
)

CLICKSTREAM_EVENTS = Table(
    name="clickstream.events",
    layer="silver",
    schema=StructType(
        [
            *_required(_TEXT, "event_id", "event_name"),
            *_required(_DAY, "event_date"),
            *_required(TimestampType(), "derived_tstamp"),
            *_optional(_TEXT, "domain_userid", KEY_ID_COLUMN, "geo_country", "item_id", "item_name"),
            *_optional(DecimalType(18, 3), "quantity"),
            *_optional(MONEY, "price"),
            *_optional(_TEXT, "currency", "transaction_id"),
            *_required(BooleanType(), "is_bot"),
        ]
    ),
    keys=("event_id",),
    day_column="event_date",
    personal_columns=("domain_userid",),
    is_owned=False,
    description="Events of the clickstream family: its purchases are sales.",
)
