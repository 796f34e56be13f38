"""Orders."""

from __future__ import annotations

from pyspark.sql.types import (
    StructType,
)

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required

ORDERS = Table(
    name="forecast.orders",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id"),
            *optional(TEXT, "item_name"),
            *required(TEXT, "model"),
            *required(WHOLE, "lead_time_periods", "review_periods"),
            *required(NUMBER, "service_level", "lead_time_demand", "protection_demand", "safety_stock"),
            *required(NUMBER, "reorder_point", "order_up_to"),
            *optional(NUMBER, "stock_position"),
            *required(NUMBER, "order_quantity", "expected_shortage"),
            *required(TEXT, "reason"),
            # Null in rows of earlier releases.
            *optional(TEXT, "policy"),
            *optional(NUMBER, "largest_plausible"),
            *optional(TEXT, "supplier"),
            *optional(NUMBER, "order_money"),
        ]
    ),
    keys=("unique_id",),
    day_column="as_of_date",
    suite="forecast.orders",
    description=(
        "What to order for each series, and why; all quantities in units. safety_stock is what the reorder point has "
        "on top of the demand expected until then, expected_shortage what a cycle lacks on average, largest_plausible "
        "how far its history lets an order fill up, order_money what it costs at its supplier."
    ),
)
