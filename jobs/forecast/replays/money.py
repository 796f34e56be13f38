"""What a unit costs, and what a replay would have cost."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.replays.params import ReplayParams


def last_prices(changes: DataFrame, known_by: date) -> DataFrame:
    """``unique_id, unit_price``: the mean price in the last period with sales, of DEMAND_CHANGES up to a day."""
    known = changes.where(F.col("known_on") <= F.lit(known_by)).groupBy("unique_id", "ds")
    sums = known.agg(F.sum(F.col("units_sold") - F.col("units_returned")).alias("units"), F.sum("value").alias("value"))
    priced = sums.where((F.col("units") > 0) & (F.col("value") > 0))
    return priced.groupBy("unique_id").agg(F.max_by(F.col("value") / F.col("units"), "ds").alias("unit_price"))


def with_unit_costs(facts: DataFrame, params: ReplayParams, year_share: float) -> DataFrame:
    """``facts`` (unit_price, unit_cost of the supplier; each may be null) with what follows from them.

    ``unit_cost``, ``holding_cost`` of a unit for a period, ``shortage_cost`` of a unit: what its sale would have left
    over. Null where neither price nor cost is known. ``supplier_cost`` is what the supplier says, and a budget pays.
    """
    cost = F.coalesce("unit_cost", F.col("unit_price") * params.cost_share)
    price = F.coalesce("unit_price", F.col("unit_cost") / params.cost_share)
    return facts.withColumns(
        {
            "unit_cost": cost,
            "holding_cost": cost * (params.holding_rate * year_share),
            # The greatest of nothing and zero would be zero.
            "shortage_cost": F.when(price < cost, 0.0).otherwise(price - cost),
            "supplier_cost": F.col("unit_cost"),
        }
    )


def with_money(rows: DataFrame, order_cost: float) -> DataFrame:
    """Counted ``rows`` with costs per unit (see ``with_unit_costs``) and MONEY_COLUMNS; null where costs are."""
    parts = {
        "holding_money": F.col("holding_cost") * F.col("stock"),
        "ordering_money": F.when(F.col("unit_cost").isNotNull(), F.col("orders") * F.lit(order_cost)),
        "shortage_money": F.col("shortage_cost") * F.col("units_short"),
        "write_off_money": F.col("unit_cost") * F.col("units_written_off"),
    }
    rounded = {name: F.round(part, 6) for name, part in parts.items()}
    total = F.col("holding_money") + F.col("ordering_money") + F.col("shortage_money") + F.col("write_off_money")
    return rows.withColumns(rounded).withColumn("money", F.round(total, 6))
