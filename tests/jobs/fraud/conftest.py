from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.fraud.transactions import tables

MONDAY = datetime(2026, 3, 2, 12, 0, 0)
"""A Monday noon: neither night nor weekend."""


def at(days: float) -> datetime:
    """Noon of the first Monday plus ``days``, in UTC."""
    return MONDAY + timedelta(days=days)


@pytest.fixture
def transactions(spark: SparkSession) -> Callable[..., DataFrame]:
    """Rows of fraud.transactions from short records: only what differs from the base record is given."""

    def build(*records: dict[str, Any]) -> DataFrame:
        rows = []
        for number, record in enumerate(records, start=1):
            base = {
                "transaction_id": str(number),
                "tx_datetime": MONDAY,
                "customer_id": "C1",
                "terminal_id": "T1",
                "tx_amount": Decimal("10"),
                "pseudonym_key_id": "k7",
            }
            whole = base | record
            whole["tx_day"] = whole["tx_datetime"].date()
            rows.append(tuple(whole.get(name) for name in tables.TRANSACTIONS.schema.names))
        return spark.createDataFrame(rows, tables.TRANSACTIONS.schema)

    return build


@pytest.fixture
def labels(spark: SparkSession) -> Callable[..., DataFrame]:
    """Rows of fraud.labels from short records."""

    def build(*records: dict[str, Any]) -> DataFrame:
        rows = []
        for record in records:
            base = {
                "transaction_id": "1",
                "tx_datetime": MONDAY,
                "customer_id": "C1",
                "terminal_id": "T1",
                "is_fraud": True,
                "fraud_scenario": None,
            }
            whole = base | record
            whole.setdefault("reported_at", whole["tx_datetime"])
            whole["tx_day"] = whole["tx_datetime"].date()
            rows.append(tuple(whole.get(name) for name in tables.LABELS.schema.names))
        return spark.createDataFrame(rows, tables.LABELS.schema)

    return build
