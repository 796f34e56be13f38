"""What each series would have had in stock, sold, and cost."""

from __future__ import annotations

from pyspark.sql.types import (
    StructType,
)

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required

COUNTED = (
    "demand",
    "units_short",
    "mean_stock",
    "units_ordered",
    "units_written_off",
)
COUNTS = ("periods", "periods_short", "cycles", "cycles_without_shortage", "orders", "orders_cut", "order_flips")
MONEY_COLUMNS = ("unit_cost", "holding_money", "ordering_money", "shortage_money", "write_off_money", "money")

REPLAYS = Table(
    name="forecast.replays",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id", "method", "policy"),
            *required(NUMBER, "service_level"),
            *optional(TEXT, "demand_class", "supplier"),
            *required(WHOLE, "lead_time_periods", "review_periods"),
            *required(WHOLE, *COUNTS),
            *required(NUMBER, *COUNTED),
            *optional(NUMBER, *MONEY_COLUMNS),
        ]
    ),
    keys=("unique_id", "method", "policy", "service_level"),
    day_column="as_of_date",
    cluster_by=("unique_id",),
    suite="forecast.replays",
    description=(
        "What a series would have had in stock, sold and cost if its orders had followed the forecasts of a method at "
        "a service level, over the periods that the backtest forecast. Units, and money where prices are known: "
        "money is holding, ordering, shortage and write-offs together."
    ),
)
