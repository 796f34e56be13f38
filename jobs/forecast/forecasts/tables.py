"""Forecasts with their quantiles."""

from __future__ import annotations

from pyspark.sql.types import (
    StructType,
)

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required
from jobs.forecast.trials.tables import QUANTILES

FORECASTS = Table(
    name="forecast.forecasts",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id", "freq"),
            *required(DAY, "ds"),
            *required(WHOLE, "step"),
            *required(TEXT, "model"),
            *optional(TEXT, "fallback_reason"),
            *required(NUMBER, "y_hat", "spread", *QUANTILES),
            *required(TEXT, "calibrated_on"),
            # Null in rows of earlier releases.
            *optional(WHOLE, "hour"),
            *optional(NUMBER, "statistical_y_hat"),
            *optional(TEXT, "override_reason"),
        ]
    ),
    keys=("unique_id", "ds", "hour"),
    day_column="as_of_date",
    cluster_by=("unique_id",),
    suite="forecast.forecasts",
    description=(
        "Mean and quantiles of demand, each requested series and period once; units, never negative unless the history "
        "is. spread is the unit in which errors were pooled; calibrated_on the pool that gave the quantiles. Where a "
        "planner's override holds, it is in all of them, with its reason; statistical_y_hat is the mean without it."
    ),
)
