"""Tables of the fraud family with a few rows, laid into a lake as they are: no job has made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from card_bank import Bank

from common.lake.table import Table
from common.spark.few_rows import few_rows
from jobs.fraud.transactions.tables import LABELS
from jobs.fraud.velocity.tables import FEATURE_ROWS, FEATURES

FIRST = date(2026, 3, 2)


def day(number: int) -> date:
    """The first day plus ``number``."""
    return FIRST + timedelta(days=number)


def at(number: int, hour: int = 12) -> datetime:
    """An hour (UTC) of the first day plus ``number``."""
    return datetime.combine(day(number), time(hour), tzinfo=UTC)


def lay_down(bank: Bank, table: Table, rows: Sequence[dict[str, Any]], *, without: Sequence[str] = ()) -> None:
    """Write ``rows`` as the whole table, in the shape of an earlier release when columns are left out."""
    frame = few_rows(bank.spark, rows, table.schema).drop(*without).coalesce(1)
    parts = [table.day_column] if table.day_column else []
    frame.write.format("delta").mode("overwrite").partitionBy(*parts).save(bank.lake.path(table))


def transaction(number: int, on: int, card: str) -> dict[str, Any]:
    """Of a transaction of ``card`` at noon the columns that all tables share."""
    same = {"tx_datetime": at(on), "tx_day": day(on), "terminal_id": "T1"}
    return {"transaction_id": str(number), "customer_id": card, **same}


def lay_features(
    bank: Bank, *transactions: tuple[int, int, str, float], free: Mapping[int, Mapping[str, Any]] | None = None
) -> None:
    """``fraud.features`` of (transaction, day, card, amount); all other features are zero.

    ``free`` are the maps of free columns, by transaction.
    """
    rows = []
    for number, on, card, amount in transactions:
        zeros = {name: FEATURE_ROWS.schema[name].dataType.typeName() for name in FEATURES}
        features = {name: 0.0 if kind == "double" else 0 for name, kind in zeros.items()}
        rows.append({**transaction(number, on, card), **features, "tx_amount": amount, **(free or {}).get(number, {})})
    lay_down(bank, FEATURE_ROWS, rows)


def lay_frauds(bank: Bank, *frauds: tuple[int, int, str, datetime]) -> None:
    """``fraud.labels`` of (transaction, day, card, moment of the report), each of which reports a fraud."""
    said = {"is_fraud": True, "fraud_scenario": 1}
    rows = [{**transaction(n, on, card), "reported_at": moment, **said} for n, on, card, moment in frauds]
    lay_down(bank, LABELS, rows)
