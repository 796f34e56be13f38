"""Coherent forecasts."""

from __future__ import annotations

from pyspark.sql.types import StructType

from common.lake.table import Table
from jobs.forecast.fields import NUMBER, TEXT, optional, required
from jobs.forecast.forecasts.tables import FORECASTS

RECONCILED = Table(
    name="forecast.reconciled",
    layer="gold",
    schema=StructType(
        [*FORECASTS.schema, *required(TEXT, "method"), *required(NUMBER, "base_y_hat"), *optional(TEXT, "level")]
    ),
    keys=FORECASTS.keys,
    day_column=FORECASTS.day_column,
    cluster_by=FORECASTS.cluster_by,
    suite="forecast.reconciled",
    description=(
        "The forecasts of forecast.forecasts, made coherent: y_hat of an aggregate is exactly the sum of y_hat of its "
        "series. base_y_hat is the forecast before, method how it changed, level that of an aggregate, null for a "
        "series of its own."
    ),
)
