"""The body of fraud.ingest_labels: reports about transactions, each with the transaction that it refers to."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError
from common.intake.fates import is_unread
from common.intake.feed import LEFT_OUT, WAITS, Feed, Published
from common.intake.moments import believed_days, on_days
from common.intake.take import take_in
from common.intake.waiting import with_waiting
from common.lake.touched import LogGoneError, TableState, held_days, table_state, touches
from common.quality.rules import REASONS
from common.run.changed.inputs import is_upkeep
from jobs.fraud.transactions.feeds import (
    AMBIGUOUS,
    FUTURE_REPORT,
    LABEL_CLASH,
    UNKNOWN_TRANSACTION,
    label_rules,
    looked_up_labels,
    prepared_labels,
    settled_labels,
)
from jobs.fraud.transactions.following import outdated
from jobs.fraud.transactions.params import IngestLabelsParams
from jobs.fraud.transactions.report import write_report
from jobs.fraud.transactions.tables import LABEL_FEED, LABEL_RECORDS, LABEL_REQUIRED, LABELS, TRANSACTIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.storage.objects import ObjectStore
    from common.run.context import RunContext
    from common.sources.mapping.model import Source

_SEEN = f"_batches/{LABELS.name}/state/transactions.json"


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
    rules = label_rules(context.started_at, params.earliest_day)

    def prepare(mapped: DataFrame, source: Source) -> DataFrame:
        transactions = context.lake.read(TRANSACTIONS, days=_transaction_days(context, mapped, params))
        prepared = prepared_labels(looked_up_labels(mapped, transactions, source.time_zone), rules)
        timed = with_waiting(prepared, FUTURE_REPORT, "reported_at", context.started_at, context.started_at)
        # A report may come before its transaction: it is looked at again once there are others, or fewer.
        code = F.substring(F.get(REASONS, F.lit(0)), 1, len(AMBIGUOUS))
        is_unknown = (F.size(REASONS) == 1) & code.isin(UNKNOWN_TRANSACTION, AMBIGUOUS)
        oldest = context.started_at - timedelta(days=params.oldest_transaction_days)
        may_come = is_unknown & (F.col("ingested_at") >= F.lit(oldest))
        waits = F.col(WAITS) | F.coalesce(may_come, F.lit(False))
        # Of most transactions nothing is known yet: a row without an answer is no report.
        return timed.withColumns({WAITS: waits, LEFT_OUT: F.col("is_fraud").isNull() & ~is_unread("is_fraud")})

    def settle(prepared: DataFrame, published: Published) -> DataFrame:
        return settled_labels(prepared, published.others)

    feed = Feed(
        LABEL_FEED,
        LABEL_REQUIRED,
        LABEL_RECORDS,
        LABELS,
        ("transaction_id",),
        prepare,
        settle,
        key="transaction_id",
        day_column="tx_day",
        clashes=(LABEL_CLASH,),
        outdated=lambda: _outdated_files(context),
        token=lambda: f"{TRANSACTIONS.name} {context.lake.version(TRANSACTIONS)}",
    )
    write_report(context, take_in(context, feed, params), noun="reports")


def _transaction_days(context: RunContext, mapped: DataFrame, params: IngestLabelsParams) -> DayRange:
    """The days on which the reported transactions may be: from the oldest accepted one to the last report."""
    span = believed_days(mapped, "reported_at", params.earliest_day, context.started_at).first()
    today = context.started_at.date()
    first = date.fromisoformat(span["first"]) if span is not None and span["first"] else today
    last = date.fromisoformat(span["last"]) if span is not None and span["last"] else today
    # A report with a date alone may be about a transaction of later that day.
    return DayRange(first - timedelta(days=params.oldest_transaction_days), last + timedelta(days=1))


@contextmanager
def _outdated_files(context: RunContext) -> Iterator[Collection[str]]:
    """The contents of files of reports that are to be looked at again since transactions have changed.

    The state of the transactions is noted when the block ends well: the files must be written down by then.
    """
    objects, lake = context.objects, context.lake
    now = table_state(objects, TRANSACTIONS.relative_path)
    days = _touched_days(objects, now) if lake.exists(LABELS) else set()
    if days:
        on = sorted(day.isoformat() for day in days)
        transactions = lake.read(TRANSACTIONS).where(on_days("tx_day", on))
        found = outdated(lake.read(LABELS), transactions, on).select("_file_sha256").distinct().collect()
        yield [row["_file_sha256"] for row in found]
    else:
        yield ()
    if now is not None:
        objects.write(_SEEN, json.dumps(vars(now)).encode())


def _touched_days(objects: ObjectStore, now: TableState | None) -> set[date]:
    """The days of transactions that have changed since they were seen last; all that there are when that is not known.

    Days that were deleted for their age have not changed.
    """
    if now is None:
        return set()
    path = TRANSACTIONS.relative_path
    stored = objects.get(_SEEN)
    seen = None if stored is None else TableState(**json.loads(stored.body))
    if seen is not None and seen.table_id == now.table_id:
        with suppress(LogGoneError):
            found = touches(
                objects, path, after=seen.version, until=now.version, day_column="tx_day", is_upkeep=is_upkeep
            )
            if all(touch.days is not None for touch in found):
                return {day for touch in found for day in touch.days or ()}
    return set(held_days(objects, path, "tx_day") or ())
