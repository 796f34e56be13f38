"""Why an order is what it is: a few kinds of reason, each said once."""

from __future__ import annotations

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F

TOO_LATE, UNTIL_NEXT, SAFETY = "runs out before goods come", "runs out before the next order", "below safety stock"
UNKNOWN, ENOUGH, NO_DEMAND = "stock unknown", "enough", "no demand"
ORDER_REASONS: Final = (TOO_LATE, UNTIL_NEXT, SAFETY, UNKNOWN, ENOUGH, NO_DEMAND)
"""The most urgent first."""


def order_reason() -> Column:
    """One of ORDER_REASONS for a row of ORDERS.

    By what stock and open orders (``stock_position``) would cover: less than is expected to be sold until goods
    ordered today come; less than until those of the next review come; less than that and the safety stock.
    """
    position = F.col("stock_position")
    return (
        F.when(F.col("order_up_to") <= 0, NO_DEMAND)
        .when(position.isNull(), UNKNOWN)
        .when(F.col("order_quantity") <= 0, ENOUGH)
        .when(position < F.col("lead_time_demand"), TOO_LATE)
        .when(~F.col("policy").eqNullSafe("(r, Q)") & (position < F.col("protection_demand")), UNTIL_NEXT)
        .otherwise(SAFETY)
    )
