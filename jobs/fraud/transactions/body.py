"""The body of fraud.ingest: raw card transactions to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.intake.batches import Batch
from common.intake.feed import Feed, take_in
from common.run.pseudonym_key import pseudonym_key
from jobs.fraud.transactions.feeds import judged_transactions, transaction_rules
from jobs.fraud.transactions.params import IngestParams
from jobs.fraud.transactions.report import write_report
from jobs.fraud.transactions.tables import TRANSACTION_FEED, TRANSACTIONS, TRANSACTIONS_RAW

if TYPE_CHECKING:
    from common.lake.audited import AuditedRows
    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of fraud.ingest. Raises LakejobsError."""
    params = context.params_as(IngestParams)
    rules = transaction_rules(
        context.started_at + timedelta(minutes=params.clock_tolerance_minutes), params.highest_amount
    )

    key = pseudonym_key(context)

    def judge(bronze: DataFrame) -> DataFrame:
        return judged_transactions(bronze, _stored(context, bronze), rules, key)

    def publish(rows: AuditedRows, _batch: Batch) -> None:
        context.lake.upsert(rows)

    feed = Feed(
        TRANSACTION_FEED,
        (tuple(TRANSACTION_FEED.names),),
        TRANSACTIONS_RAW,
        TRANSACTIONS,
        judge,
        publish,
        key="transaction_id",
        day_column="tx_day",
        identifiers=("transaction_id", "customer_id", "terminal_id"),
    )
    write_report(context, take_in(context, feed), noun="transactions")


def _stored(context: RunContext, bronze: DataFrame) -> DataFrame | None:
    """The silver rows of the days that the batch touches."""
    if not context.lake.exists(TRANSACTIONS):
        return None
    day = F.to_date("tx_datetime")
    believed = bronze.where(F.col("tx_datetime") <= F.lit(context.started_at))
    span = believed.agg(F.min(day).alias("first"), F.max(day).alias("last")).first()
    if span is None or span["first"] is None:
        return None
    return context.lake.read(TRANSACTIONS, days=DayRange(span["first"], span["last"]))
