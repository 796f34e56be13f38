"""The body of fraud.simulate: raw files of transactions and of labels, as two feeds would deliver them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import UsageError
from common.lake.landing import write_landing
from jobs.fraud.simulation.params import SimulateParams
from jobs.fraud.simulation.world import World, simulate_transactions
from jobs.fraud.transactions.tables import NEEDED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.run.context import RunContext

TRANSACTIONS_FOLDER, LABELS_FOLDER = "landing/fraud/transactions", "landing/fraud/labels"
_SCENARIOS = {
    0: "honest",
    1: "amount above 220",
    2: "terminal in wrong hands for 28 days",
    3: "leaked card data, five times the amount, for 14 days",
}


def run(context: RunContext) -> None:
    """One run of fraud.simulate. Raises UsageError FRD-004 for days before the simulated world began."""
    params = context.params_as(SimulateParams)
    if context.days.first < params.first_day:
        raise UsageError(
            "FRD-004",
            f"The simulated world begins on {params.first_day}; {context.days.first} is earlier.",
            remedy="Choose later days, or set simulate.first_day.",
        )
    world = World(
        seed=params.seed,
        customers=params.customers,
        terminals=params.terminals,
        first_day=params.first_day,
        radius=params.radius,
        terminals_a_day=params.terminals_a_day,
        customers_a_day=params.customers_a_day,
        report_within_days=params.report_within_days,
    )
    spark = context.spark
    # Frauds of earlier days may be reported within these days.
    before = max(0, min(math.ceil(world.report_within_days), (context.days.first - world.first_day).days))
    days = context.days.extended(before_days=before)
    rows = simulate_transactions(spark.range(world.customers), spark.range(world.terminals), world, days).cache()
    try:
        _write(context, rows)
    finally:
        rows.unpersist()


def _write(context: RunContext, rows: DataFrame) -> None:
    feed = rows.where(context.days.predicate("tx_day")).select("tx_day", *NEEDED)
    order = ("tx_datetime", "transaction_id")
    written = write_landing(
        feed, context.settings, TRANSACTIONS_FOLDER, days=context.days, day_column="tx_day", order=order
    )
    context.fault("simulate.transactions_written")
    # A report lands on its own day: only frauds are reported, and those of the last days are still to come.
    reports = rows.where(F.col("is_fraud")).select(
        F.to_date("reported_at").alias("report_day"), "transaction_id", "reported_at", "is_fraud", "fraud_scenario"
    )
    within = reports.where(context.days.predicate("report_day"))
    order = ("reported_at", "transaction_id")
    labels = write_landing(
        within, context.settings, LABELS_FOLDER, days=context.days, day_column="report_day", order=order
    )
    # Made rows are counted from the simulation, written ones by the tasks that wrote the files.
    own = rows.where(context.days.predicate("tx_day")).groupBy("fraud_scenario").count()
    scenarios = {row["fraud_scenario"]: row["count"] for row in own.collect()}
    context.counts.add(rows_read=sum(scenarios.values()) + within.count(), rows_written=written + labels)
    context.counts.detail("transactions", written)
    context.counts.detail("labels", labels)
    _report(context, scenarios, written, labels)


def _report(context: RunContext, scenarios: Mapping[int, int], written: int, labels: int) -> None:
    frauds = written - scenarios.get(0, 0)
    report = context.report
    report.headline("Transactions", f"{written:,}")
    report.headline("Frauds", f"{frauds:,}", f"{frauds / written:.2%} of all" if written else "")
    report.headline("Labels delivered", f"{labels:,}", "reports of the last days are still to come")
    report.text(
        "What this is",
        ["Data simulated by the published process of the Fraud Detection Handbook. There are no real cards in it."],
    )
    table = [(number, words, scenarios.get(number, 0)) for number, words in _SCENARIOS.items()]
    report.table("Transactions by scenario", ("scenario", "what happens", "transactions"), table)
    context.log.info("wrote files to %s and %s", TRANSACTIONS_FOLDER, LABELS_FOLDER)
