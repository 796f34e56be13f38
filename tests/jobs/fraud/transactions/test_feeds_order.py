"""What is published of transactions and reports is decided by the set of rows, not by the order in which they come."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.intake.fates import DISPLACED, FATE, NEW
from common.lake.table import Table
from common.privacy.pseudonyms import PseudonymKey
from jobs.fraud.transactions.feeds import (
    judged_labels,
    judged_transactions,
    label_rules,
    looked_up_labels,
    transaction_rules,
)
from jobs.fraud.transactions.tables import LABEL_FEED, LABELS, TRANSACTION_FEED, TRANSACTIONS

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12)
LATEST = datetime(2026, 3, 10)
KEY = PseudonymKey("k7", b"a-test-key-of-enough-bytes")
PROVENANCE = [StructField(name, StringType()) for name in ("read_error", "_file_sha256")]
TIMES = st.sampled_from([NOON, NOON + timedelta(hours=1), NOON + timedelta(days=1), datetime(1, 1, 1)])
PAYMENTS = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from(["1", "2", "1 "]),
        "tx_datetime": TIMES,
        "customer_id": st.sampled_from(["C1", "C2", ""]),
        "terminal_id": st.just("T1"),
        "tx_amount": st.sampled_from([Decimal(10), Decimal(11), None]),
        # Not every feed says it: what is missing has its place in the order, too.
        "channel": st.sampled_from([None, "online", "store"]),
        "extra_numbers": st.sampled_from([None, {"score": 7.0}, {"score": 8.0}]),
    }
)
REPORTS = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from(["1", "2"]),
        "reported_at": st.sampled_from([NOON, NOON + timedelta(hours=1), datetime(2026, 3, 2)]),
        "is_fraud": st.sampled_from([True, False, None]),
        "fraud_scenario": st.sampled_from([None, 1, 2]),
    }
)
# Each example is a few Spark jobs: a failing one is not worth a search for the smallest.
SETTINGS = settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
Judge = Callable[[DataFrame, DataFrame | None], DataFrame]


def published(
    spark: SparkSession, feed: StructType, table: Table, judge: Judge, batches: list[list[dict[str, Any]]]
) -> set[Any]:
    """The rows of silver after these batches, whichever of the files that sent a row it is from."""
    schema = StructType([*feed.fields, *PROVENANCE])
    silver: dict[tuple[Any, ...], dict[str, Any]] = {}
    for number, batch in enumerate(batches):
        sent = [{"read_error": None, "_file_sha256": f"{number:064d}", **row} for row in batch]
        stored = spark.createDataFrame(list(silver.values()), table.schema) if silver else None
        judged = judge(spark.createDataFrame(sent, schema), stored).where(f"{FATE} IN ('{NEW}', '{DISPLACED}')")
        rows = [(row[FATE], {name: row[name] for name in table.schema.names}) for row in judged.collect()]
        for fate, row in sorted(rows, key=lambda pair: pair[0]):
            key = tuple(row[name] for name in table.keys)
            if fate == DISPLACED:
                assert silver.pop(key) == row
            else:
                assert key not in silver
                silver[key] = row
    return {tuple(str(value) for name, value in row.items() if name != "_file_sha256") for row in silver.values()}


@SETTINGS
@given(batches=st.lists(st.lists(PAYMENTS, min_size=1, max_size=4), min_size=2, max_size=3), order=st.randoms())
def test_any_order_and_split_of_rows_leaves_the_same_transactions(
    spark: SparkSession, batches: list[list[dict[str, Any]]], order: Any
) -> None:
    def judge(rows: DataFrame, stored: DataFrame | None) -> DataFrame:
        return judged_transactions(rows, stored, transaction_rules(LATEST, 1_000.0), KEY)

    at_once = published(spark, TRANSACTION_FEED, TRANSACTIONS, judge, [[row for batch in batches for row in batch]])
    order.shuffle(batches)
    assert published(spark, TRANSACTION_FEED, TRANSACTIONS, judge, batches) == at_once


@SETTINGS
@given(batches=st.lists(st.lists(REPORTS, min_size=1, max_size=4), min_size=2, max_size=3), order=st.randoms())
def test_any_order_and_split_of_rows_leaves_the_same_reports(
    spark: SparkSession,
    transactions: Callable[..., DataFrame],
    batches: list[list[dict[str, Any]]],
    order: Any,
) -> None:
    known = transactions({"tx_datetime": NOON}, {"tx_datetime": NOON})

    def judge(rows: DataFrame, stored: DataFrame | None) -> DataFrame:
        return judged_labels(looked_up_labels(rows, known), stored, label_rules(LATEST))

    at_once = published(spark, LABEL_FEED, LABELS, judge, [[row for batch in batches for row in batch]])
    order.shuffle(batches)
    assert published(spark, LABEL_FEED, LABELS, judge, batches) == at_once
