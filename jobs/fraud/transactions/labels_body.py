"""The body of fraud.ingest_labels: reports about transactions, each with the transaction that it refers to."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError
from common.intake.batches import Batch
from common.intake.feed import Feed, take_in
from jobs.fraud.transactions.feeds import judged_labels, label_rules, looked_up_labels
from jobs.fraud.transactions.params import IngestLabelsParams
from jobs.fraud.transactions.report import write_report
from jobs.fraud.transactions.tables import LABEL_FEED, LABELS, LABELS_RAW, TRANSACTIONS

if TYPE_CHECKING:
    from common.lake.audited import AuditedRows
    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of fraud.ingest_labels. Raises LakejobsError."""
    params = context.params_as(IngestLabelsParams)
    if not context.lake.exists(TRANSACTIONS):
        raise InputMissingError(
            "FRD-003",
            "Labels cannot be ingested before their transactions.",
            cause=f"There is no table {TRANSACTIONS.name} yet.",
            remedy="Run fraud.ingest first, then this job again.",
        )
    rules = label_rules(context.started_at)

    def judge(bronze: DataFrame) -> DataFrame:
        days = _transaction_days(context, bronze, params)
        transactions = context.lake.read(TRANSACTIONS, days=days)
        stored = context.lake.read(LABELS, days=days) if context.lake.exists(LABELS) else None
        return judged_labels(looked_up_labels(bronze, transactions), stored, rules)

    def publish(rows: AuditedRows, _batch: Batch) -> None:
        context.lake.upsert(rows)

    required = tuple(name for name in LABEL_FEED.names if name != "fraud_scenario")
    feed = Feed(
        LABEL_FEED,
        (required,),
        LABELS_RAW,
        LABELS,
        judge,
        publish,
        key="transaction_id",
        day_column="tx_day",
        identifiers=("transaction_id",),
    )
    write_report(context, take_in(context, feed), noun="reports")


def _transaction_days(context: RunContext, bronze: DataFrame, params: IngestLabelsParams) -> DayRange:
    """The days on which the reported transactions may be: from the oldest accepted one to the last report."""
    believed = bronze.where(F.col("reported_at") <= F.lit(context.started_at))
    day = F.to_date("reported_at")
    span = believed.agg(F.min(day).alias("first"), F.max(day).alias("last")).first()
    today = context.started_at.date()
    first = span["first"] if span is not None and span["first"] is not None else today
    last = span["last"] if span is not None and span["last"] is not None else today
    return DayRange(first - timedelta(days=params.oldest_transaction_days), last)
