"""What a planner says of items: what becomes of each row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.intake.fates import FATE
from jobs.forecast.items.steps import item_rows, item_rules, prepared_items, settled_items
from jobs.forecast.items.tables import ITEMS, ITEMS_FEED

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATEST = datetime(2031, 3, 10, tzinfo=UTC)
PLACE = ("read_error", "_file", "_line", "_file_sha256", "_batch_id")
MAPPED = StructType([*ITEMS_FEED.fields, *(StructField(name, StringType()) for name in PLACE)])
ROW = {"unique_id": "NEW", "replaces": "OLD", "known_at": NOON, "_file": "f", "_line": "1", "_file_sha256": "0"}


def settled(
    spark: SparkSession,
    *rows: dict[str, Any],
    stored: DataFrame | None = None,
    series_by: tuple[str, ...] = ("item_id",),
) -> list[Any]:
    whole = [{name: (row | {"_batch_id": "now"}).get(name) for name in MAPPED.names} for row in rows]
    lines = item_rows(spark.createDataFrame(whole, MAPPED), series_by)
    found = settled_items(prepared_items(lines, item_rules(LATEST, date(1970, 1, 2))), stored).collect()
    return sorted(found, key=lambda row: row["_line"])


def test_each_row_that_cannot_be_used_has_its_reason(spark: SparkSession) -> None:
    bad: list[dict[str, Any]] = [
        {"unique_id": " "},
        {"known_at": None},
        {"factor": -1.0},
        {"factor": float("nan")},
        {"replaces": "NEW "},
        {"known_at": datetime(2031, 3, 11, tzinfo=UTC)},
        {"starts_at": datetime(9999, 12, 31, tzinfo=UTC)},
        {"known_at": datetime(1970, 1, 1, tzinfo=UTC)},
    ]
    found = settled(spark, *(ROW | change | {"_line": str(n)} for n, change in enumerate(bad)))
    assert [[reason[:7] for reason in row["reasons"]] for row in found] == [
        ["FCT-181"],
        ["FCT-182"],
        ["FCT-183"],
        ["FCT-183"],
        ["FCT-184"],
        ["FCT-185"],
        ["FCT-185"],
        ["FCT-186"],
    ]


def test_a_row_holds_from_its_day_or_else_from_the_first_day_on_sale(spark: SparkSession) -> None:
    starts = {"starts_at": datetime(2026, 4, 1, tzinfo=UTC)}
    found = settled(spark, ROW | starts, ROW | starts | {"known_at": None, "_line": "2", "factor": 0.0})
    assert [row["known_day"] for row in found] == [date(2026, 3, 2), date(2026, 4, 1)]
    assert [row["starts_day"] for row in found] == [date(2026, 4, 1)] * 2
    assert [row[FATE] for row in found] == ["new", "new"]


def test_a_product_replaces_another_one_in_its_own_store(spark: SparkSession) -> None:
    part = ROW | {"unique_id": None, "item_id": "A", "replaces": "B"}
    found = settled(spark, part | {"store": "S/1"}, ROW | {"_line": "2"}, series_by=("store", "item_id"))
    assert [(row["unique_id"], row["replaces"]) for row in found] == [("S%2F1/A", "S%2F1/B"), ("NEW", "OLD")]


def test_what_was_said_before_is_a_repetition_and_another_attribute_is_not(spark: SparkSession) -> None:
    first = settled(
        spark,
        ROW | {"extra_categories": {"brand": "X", "none": None}},
        ROW | {"extra_categories": {"brand": "X"}, "_line": "2"},
        ROW | {"extra_categories": {"brand": "Y"}, "_line": "3"},
        ROW | {"unique_id": None, "_line": "4"},
    )
    assert [row[FATE] for row in first] == ["new", "repeated", "new", "rejected"]
    kept = [
        {name: row[name] for name in ITEMS.schema.names} | {"_batch_id": "before"}
        for row in first
        if row[FATE] == "new"
    ]
    stored = spark.createDataFrame(kept, ITEMS.schema)
    again = settled(spark, ROW | {"extra_categories": {"brand": "Y"}, "_file_sha256": "1"}, stored=stored)
    assert [row[FATE] for row in again] == ["repeated"]
