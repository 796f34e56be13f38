"""What a planner should know of each series, and what each step of the forecasts adds."""

from __future__ import annotations

from pyspark.sql.types import LongType, StructType

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required

REVIEWS = Table(
    name="forecast.reviews",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id"),
            *optional(TEXT, "item_name", "demand_class"),
            *required(NUMBER, "value"),
            *optional(NUMBER, "unit_value"),
            *required(NUMBER, "expected_units"),
            # The order of the day.
            *optional(TEXT, "order_reason"),
            *optional(NUMBER, "order_quantity", "order_value", "stock_position", "order_up_to"),
            # What is exceptional.
            *optional(TEXT, "label", "evidence"),
            # The last earlier day with forecasts, and how much has changed since.
            *optional(DAY, "compared_with"),
            *optional(NUMBER, "same_units", "same_units_before", "same_units_moved"),
            *optional(NUMBER, "order_quantity_before", "order_up_to_before"),
            *optional(TEXT, "main_model", "main_model_before"),
            # The last earlier day of whose forecasts the demand is known by now.
            *optional(DAY, "judged_of"),
            *optional(WHOLE, "judged_periods", "periods_in_80"),
            *optional(NUMBER, "judged_forecast", "judged_demand", "units_over", "units_under", "value_missed"),
        ]
    ),
    keys=("unique_id",),
    day_column="as_of_date",
    suite="forecast.reviews",
    description=(
        "One row per series with a forecast as of the day: the kind of reason for its order, at most one label of what "
        "is exceptional about it with the evidence, what changed since the last earlier forecast, and what an earlier "
        "one got wrong. Quantities in units, values in the currency of the sales, at their mean price (unit_value)."
    ),
)


VALUE_ADDED = Table(
    name="forecast.value_added",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "level", "demand_class"),
            *required(WHOLE, "step"),
            *required(TEXT, "name"),
            *required(LongType(), "series"),
            *required(NUMBER, "wape"),
            # Null for the first step, intervals also for fewer than eight series.
            *optional(NUMBER, "gain", "gain_low", "gain_high"),
            *optional(TEXT, "verdict"),
            *optional(NUMBER, "gain_over_naive", "over_naive_low", "over_naive_high"),
        ]
    ),
    keys=("level", "demand_class", "step"),
    day_column="as_of_date",
    suite="forecast.value_added",
    description=(
        "What each step of a forecast adds in the backtest of the day, on the same series and periods: its WAPE, and "
        "its fall against the step before (gain) and the seasonal naive, with paired intervals of 95 %. level is "
        "series, or that of aggregates; demand_class may be all; verdict is adds, subtracts or not certain."
    ),
)
