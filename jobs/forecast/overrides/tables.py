"""What planners know better than the forecast, with their reasons."""

from __future__ import annotations

from pyspark.sql.types import StructType, TimestampType

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, optional, required

OVERRIDES = Table(
    name="forecast.overrides",
    layer="silver",
    schema=StructType(
        [
            *required(TEXT, "unique_id"),
            *required(DAY, "first_ds"),
            *optional(DAY, "last_ds"),
            *optional(NUMBER, "y_hat", "factor"),
            *required(TEXT, "reason"),
            *required(TimestampType(), "made_at"),
        ]
    ),
    keys=("unique_id", "first_ds", "made_at"),
    is_owned=False,
    description=(
        "Overrides of planners, written outside the suite: for the periods of a series that begin from first_ds to "
        "last_ds (null: only first_ds), units y_hat, or a factor of what the forecast says, with the reason."
    ),
)
