"""What forecast.replenish orders from each supplier, in its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.report.wording import plural
from jobs.forecast.orders.suppliers import BUDGET_SPENT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.report.builder import ReportBuilder

_MOST_SUPPLIERS = 30


def write_supply(report: ReportBuilder, rows: DataFrame) -> None:
    """A table of the suppliers that ``rows`` of ORDERS name, those with the largest orders first; nothing without."""
    found = (
        rows.where("supplier IS NOT NULL")
        .groupBy("supplier")
        .agg(
            F.count(F.lit(1)).alias("series"),
            F.min("lead_time_periods").alias("lead_time"),
            F.count_if(F.col("order_quantity") > 0).alias("orders"),
            F.sum("order_quantity").alias("units"),
            F.sum("order_money").alias("money"),
            F.count_if(F.col("reason").contains(BUDGET_SPENT)).alias("cut"),
        )
        .orderBy(F.col("money").desc_nulls_last(), F.col("units").desc(), "supplier")
    )
    shown = found.limit(_MOST_SUPPLIERS + 1).collect()
    if not shown:
        return
    cut = sum(row["cut"] for row in shown)
    words = "Series with terms of a supplier are ordered by its lead time, packs and minimum."
    if cut:
        words += (
            f" A budget was not enough for {plural(cut, 'order')}: cut to what it pays for, or waiting for the next "
            "review. Their reasons say what was wanted."
        )
    if len(shown) > _MOST_SUPPLIERS:
        words += f" The {_MOST_SUPPLIERS} with the largest orders are shown."
    report.table(
        "By supplier",
        ("supplier", "series", "lead time", "orders", "units", "money", "cut"),
        [
            (
                row["supplier"],
                row["series"],
                row["lead_time"],
                row["orders"],
                round(row["units"]),
                None if row["money"] is None else round(row["money"]),
                row["cut"],
            )
            for row in shown[:_MOST_SUPPLIERS]
        ],
        note=words,
        stack=True,
    )
