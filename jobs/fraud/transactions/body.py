"""The body of fraud.ingest: raw card transactions to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from common.intake.feed import Feed, Published
from common.intake.take import take_in
from common.intake.waiting import with_waiting
from common.run.pseudonym_key import pseudonym_key
from jobs.fraud.transactions.feeds import (
    CLASH,
    FUTURE_TRANSACTION,
    prepared_transactions,
    settled_transactions,
    transaction_rules,
)
from jobs.fraud.transactions.params import IngestParams
from jobs.fraud.transactions.report import write_report
from jobs.fraud.transactions.tables import TRANSACTION_FEED, TRANSACTION_RECORDS, TRANSACTION_REQUIRED, TRANSACTIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.run.context import RunContext
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of fraud.ingest. Raises LakejobsError."""
    params = context.params_as(IngestParams)
    latest = context.started_at + timedelta(minutes=params.clock_tolerance_minutes)
    rules = transaction_rules(latest, params.highest_amount, params.earliest_day)
    key = pseudonym_key(context)

    def prepare(mapped: DataFrame, _source: Source) -> DataFrame:
        prepared = prepared_transactions(mapped, rules, key)
        return with_waiting(prepared, FUTURE_TRANSACTION, "tx_datetime", latest, context.started_at)

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return settled_transactions(prepared, published.others)

    feed = Feed(
        TRANSACTION_FEED,
        TRANSACTION_REQUIRED,
        TRANSACTION_RECORDS,
        TRANSACTIONS,
        ("transaction_id", "customer_id", "terminal_id", "merchant_id", "device"),
        prepare,
        settle,
        key="transaction_id",
        day_column="tx_day",
        clashes=(CLASH,),
    )
    write_report(context, take_in(context, feed, params), noun="transactions")
