"""Suppliers and series of a replay, in its report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.replays.params import ReplayParams
from jobs.forecast.replays.wording import of_hundred
from jobs.forecast.trials.report import model_words
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    from common.report.builder import ReportBuilder

_MOST_SUPPLIERS = 30
# From here on nobody reads the decimals.
_WHOLE_MONEY = 100.0


def write_suppliers(report: ReportBuilder, rows: DataFrame, params: ReplayParams, policy: str) -> None:
    """What orders at each supplier would have served and cost; nothing where no series has one."""
    here = rows.where((F.col("policy") == policy) & (F.col("service_level") == params.service_level))
    found = (
        here.where((F.col("method") == COMBINED) & F.col("supplier").isNotNull())
        .groupBy("supplier")
        .agg(
            F.count(F.lit(1)).alias("series"),
            F.min("lead_time_periods").alias("lead_time"),
            (1 - F.try_divide(F.sum("units_short"), F.sum("demand"))).alias("served"),
            F.sum("money").alias("money"),
            F.sum("orders").alias("orders"),
            F.sum("orders_cut").alias("cut"),
        )
    )
    shown = found.orderBy(F.col("money").desc_nulls_last(), "supplier").limit(_MOST_SUPPLIERS).collect()
    if not shown:
        return
    report.table(
        "By supplier",
        ("supplier", "series", "lead time", "served, %", "cost", "orders", "cut"),
        [
            (
                row["supplier"],
                row["series"],
                row["lead_time"],
                of_hundred(row["served"]),
                None if row["money"] is None else round(row["money"]),
                row["orders"],
                row["cut"],
            )
            for row in shown
        ],
        note="Orders by the weighted mean, by the terms of today. cut: orders for which the budget of a review was "
        "not enough.",
        stack=True,
    )


def write_dearest(report: ReportBuilder, rows: DataFrame, params: ReplayParams, policy: str, benchmark: str) -> None:
    """The series on which the combined forecasts lose the most against the benchmark, and gain the most."""
    if benchmark == COMBINED:
        return
    here = rows.where((F.col("policy") == policy) & (F.col("service_level") == params.service_level))
    cost = F.coalesce("money", "mean_stock")
    of = here.groupBy("unique_id").agg(
        F.sum(F.when(F.col("method") == COMBINED, cost)).alias("mean"),
        F.sum(F.when(F.col("method") == benchmark, cost)).alias("naive"),
        F.sum(F.when(F.col("method") == COMBINED, F.col("units_short"))).alias("short"),
        F.count("money").alias("priced"),
    )
    difference = of.withColumn("lost", F.col("mean") - F.col("naive"))
    worst = difference.where("lost > 0").orderBy(F.col("lost").desc(), "unique_id").limit(params.report_top).collect()
    heading = f"Where the {model_words(benchmark)} would have been cheaper"
    if not worst:
        report.text(heading, ["For no series."])
        return
    places = 0 if max(row["mean"] for row in worst) >= _WHOLE_MONEY else 2
    report.table(
        heading,
        ("series", "weighted mean", model_words(benchmark), "difference", "units short"),
        [
            (
                row["unique_id"],
                *(_rounded(row[name], places) for name in ("mean", "naive", "lost")),
                round(row["short"], 1),
            )
            for row in worst
        ],
        note="Cost of each series; in units of stock where it has no price.",
        stack=True,
    )


def _rounded(value: float, places: int) -> float:
    return round(value, places) if places else round(value)
