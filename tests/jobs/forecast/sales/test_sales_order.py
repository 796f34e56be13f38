"""What is published of sales is decided by the set of rows, not by the order in which they come."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql.types import DateType, StringType, StructField, StructType

from common.intake.fates import DISPLACED, FATE, NEW
from common.privacy.pseudonyms import PseudonymKey
from jobs.forecast.sales.steps import judged_sales, sales_lines, sales_rules
from jobs.forecast.sales.tables import SALES, SALES_FEED

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RULES = sales_rules(datetime(2026, 3, 10, tzinfo=UTC), 1e6)
KEY = PseudonymKey("k7", b"a-test-key-of-enough-bytes")
SENT = StructType(
    [
        *SALES_FEED.fields,
        *(StructField(name, StringType()) for name in ("payload", "read_error", "_file", "_file_sha256", "_batch_id")),
        StructField("ingest_date", DateType()),
    ]
)
LINES = st.fixed_dictionaries(
    {
        "item_id": st.sampled_from(["A", "B"]),
        "invoice_id": st.sampled_from(["1", None]),
        "sold_at": st.just(NOON),
        "quantity": st.sampled_from([1.0, 2.0, None]),
    }
)
POINTS = st.fixed_dictionaries(
    {
        "unique_id": st.just("W"),
        "ds": st.sampled_from([NOON, NOON + timedelta(days=1)]),
        "y": st.sampled_from([4.0, 5.0, 6.0]),
        "currency": st.sampled_from([None, "EUR"]),
        "stock": st.sampled_from([None, 3.0]),
        "extra_categories": st.sampled_from([None, {"tier": "gold"}]),
    }
)
FILES = st.lists(st.lists(LINES | POINTS, min_size=1, max_size=4), min_size=2, max_size=3)


def published(spark: SparkSession, batches: list[list[tuple[int, dict[str, Any]]]], keep: bool) -> Counter[Any]:
    """The rows of silver after these batches of (file, row), whichever of the files that sent a row it is from."""
    silver: dict[str, dict[str, Any]] = {}
    for number, batch in enumerate(batches):
        stamps = {"_batch_id": f"batch {number}"}
        sent = [row | stamps | {"_file": f"f{file}", "_file_sha256": f"{file}".ljust(64, "0")} for file, row in batch]
        rows = spark.createDataFrame([{name: row.get(name) for name in SENT.names} for row in sent], SENT)
        stored = spark.createDataFrame(list(silver.values()), SALES.schema) if silver else None
        lines = sales_lines(rows, "UTC", KEY)
        for row in judged_sales(lines, stored, RULES, keep_duplicates=keep, has_series=True).collect():
            if row[FATE] == DISPLACED:
                del silver[row["line_id"]]
            elif row[FATE] == NEW:
                assert row["line_id"] not in silver
                silver[row["line_id"]] = {name: row[name] for name in SALES.schema.names}
    names = [name for name in SALES.schema.names if name not in ("_batch_id", "_file_sha256")]
    return Counter(tuple(str(row[name]) for name in names) for row in silver.values())


# Each example is a few Spark jobs: a failing one is not worth a search for the smallest.
@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(files=FILES, order=st.randoms(use_true_random=False), keep=st.booleans())
def test_any_order_and_split_of_files_leaves_the_same_sales(
    spark: SparkSession, files: list[list[dict[str, Any]]], order: Any, keep: bool
) -> None:
    numbered = [[(number, row) for row in rows] for number, rows in enumerate(files)]
    at_once = published(spark, [[row for rows in numbered for row in rows]], keep)
    order.shuffle(numbered)
    assert published(spark, numbered, keep) == at_once
