"""What planners know better than the forecast, with their reasons: as sent, as published, and as forecasts read it."""

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
    "first_ds": (TimestampType(), "first day of the first period for which it holds"),
    "last_ds": (TimestampType(), "first day of the last one; the first period alone where none is sent"),
    "y_hat": (NUMBER, "units in each of these periods"),
    "factor": (NUMBER, "instead of units: what the forecast is multiplied by; 1 takes an override back"),
    "reason": (TEXT, "why"),
    "made_at": (TimestampType(), "when it was made: forecasts as of an earlier day do not know it"),
}
OVERRIDES_FEED: Final = StructType(
    [StructField(name, kind, metadata={"comment": meaning}) for name, (kind, meaning) in _SENT.items()]
)
"""What a source of overrides may map to: a row is one override of a series. The comment of a field is its meaning."""


REQUIRED: Final = tuple(
    (series, "first_ds", said, "reason", "made_at")
    for series in ("unique_id", "item_id", "store")
    for said in ("y_hat", "factor")
)
"""A source maps all of one of these."""


OVERRIDE_RECORDS = bronze_table("forecast.override_records", "Every record of every file of overrides, as sent.")

_RELIED_ON: Final = (
    *required(TEXT, "unique_id"),
    *required(DAY, "first_ds"),
    *optional(DAY, "last_ds"),
    *optional(NUMBER, "y_hat", "factor"),
    *required(TEXT, "reason"),
    *required(TimestampType(), "made_at"),
)

OVERRIDES = Table(
    name="forecast.overrides",
    layer="silver",
    schema=StructType(
        [
            *_RELIED_ON,
            *required(TEXT, "line_id"),
            *required(DAY, "made_day"),
            *optional(TEXT, "_file_sha256"),
            *required(TEXT, "_batch_id"),
        ]
    ),
    keys=("line_id",),
    cluster_by=("made_day",),
    retention_column="made_day",
    suite="forecast.overrides",
    description=(
        "Overrides of planners: for the periods of a series that begin from first_ds to last_ds (null: only first_ds), "
        "units y_hat, or a factor of what the forecast says, with the reason. No forecast knows one before made_day."
    ),
)

KNOWN_OVERRIDES = Table(
    name=OVERRIDES.name,
    layer=OVERRIDES.layer,
    # Null in a table that the planners' own tool writes: the day is then that of made_at in UTC.
    schema=StructType([*_RELIED_ON, *optional(DAY, "made_day")]),
    keys=("unique_id", "first_ds", "made_at"),
    is_owned=False,
    description=(
        "OVERRIDES as a forecast reads it: the ingest writes the table, or the planners' own tool does, with whatever "
        "columns it has beside these."
    ),
)
