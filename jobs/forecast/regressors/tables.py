"""Calendars of what is planned, as sent and as used, and the regressors of each series and period."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import DataType, StructField, StructType, TimestampType

from common.intake.bronze import bronze_table
from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required

_SENT: Final[dict[str, tuple[DataType, str]]] = {
    "name": (TEXT, "what is planned: promotion, price, an event; a regressor of forecast.backtest has the same name"),
    "unique_id": (TEXT, "series for which it holds, as forecast.history names it"),
    "item_id": (TEXT, "product for which it holds; without series, product and store it holds for all"),
    "store": (TEXT, "store for which it holds"),
    "starts_on": (TimestampType(), "first day"),
    "ends_on": (TimestampType(), "last day; the first one where none is sent"),
    "ds": (TimestampType(), "instead of both: a day in the period for which it holds"),
    "value": (NUMBER, "how much, a price for example; 1 where no source maps it, 0 takes a promotion back"),
    "known_at": (TimestampType(), "when it was decided: forecasts made before do not know it"),
}
CALENDAR_FEED: Final = StructType(
    [StructField(name, kind, metadata={"comment": meaning}) for name, (kind, meaning) in _SENT.items()]
)
"""What a source of a calendar may map to: a row is one value for some days. The comment of a field is its meaning."""

REQUIRED: Final = (("name", "starts_on", "known_at"), ("name", "ds", "known_at"))
"""A source maps all of one of these."""

CALENDAR_RECORDS = bronze_table("forecast.calendar_records", "Every record of every file of a calendar, as sent.")

CALENDAR = Table(
    name="forecast.calendar",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "line_id", "name"),
            *optional(TEXT, "unique_id", "item_id", "store"),
            *required(DAY, "first_day"),
            *optional(DAY, "last_day"),
            *required(NUMBER, "value"),
            *required(DAY, "known_on"),
            *required(TimestampType(), "known_at"),
            *optional(TEXT, "_file_sha256"),
            *required(TEXT, "_batch_id"),
        ]
    ),
    keys=("line_id",),
    cluster_by=("first_day",),
    suite="forecast.calendar",
    description=(
        "What is planned: a value for the days first_day to last_day (null: to the end of the period), for a series, a "
        "product or a store, or for all. Nobody knows it before known_on. Of two entries for a day the more special "
        "one holds, then the one that was known last."
    ),
)

REGRESSORS = Table(
    name="forecast.regressors",
    layer="gold",
    schema=StructType(
        [
            *optional(TEXT, "unique_id"),
            *required(TEXT, "name", "kind"),
            *required(DAY, "ds", "known_on"),
            *required(NUMBER, "value"),
            *optional(WHOLE, "hour"),
        ]
    ),
    keys=("unique_id", "name", "ds", "hour", "known_on"),
    day_column="ds",
    cluster_by=("unique_id",),
    suite="forecast.regressors",
    description=(
        "The value of a regressor of a series in the period ds, and from which day on it was known: as of a day the "
        "last one by then holds. Rows without a unique_id hold for every series that has none of its own. kind is "
        "lagged or known_ahead."
    ),
)
