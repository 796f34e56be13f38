"""Coherent forecasts."""

from __future__ import annotations

from pyspark.sql.types import BooleanType, StructType

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.trials.tables import QUANTILES

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

LONGER = Table(
    name="forecast.longer_periods",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id", "freq"),
            *required(DAY, "ds"),
            *required(WHOLE, "step", "periods"),
            *required(BooleanType(), "is_whole"),
            *required(NUMBER, "y_hat", "spread", *QUANTILES),
            *required(TEXT, "calibrated_on"),
            *optional(TEXT, "level"),
        ]
    ),
    keys=("unique_id", "freq", "ds"),
    day_column="as_of_date",
    cluster_by=("unique_id",),
    suite="forecast.longer_periods",
    description=(
        "Forecasts of forecast.reconciled summed to longer periods, freq with the first day ds: y_hat is exactly the "
        "sum of their periods, of a week in two months the days in each. periods is how many have a part in it, "
        "is_whole says that it is forecast as a whole. Quantiles are those of the sum, spread their unit, level that "
        "of an aggregate."
    ),
)
