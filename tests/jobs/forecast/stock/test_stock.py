"""Counts of stock and open orders: what becomes of each row, and what of them is known on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.intake.fates import FATE
from jobs.forecast.stock.steps import prepared_stock, settled_stock, stock_as_of, stock_rows, stock_rules, terms_as_of
from jobs.forecast.stock.tables import STOCK, STOCK_FEED

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 18, tzinfo=UTC)
LATEST = datetime(2026, 3, 10, tzinfo=UTC)
PLACE = ("read_error", "_file", "_line", "_file_sha256", "_batch_id")
MAPPED = StructType([*STOCK_FEED.fields, *(StructField(name, StringType()) for name in PLACE)])
COUNT = {"unique_id": "A", "counted_at": NOON, "on_hand": 5.0, "_file": "f", "_line": "1", "_file_sha256": "0"}
ORDER = COUNT | {"on_hand": None, "on_order": 7.0, "due_on": LATEST}


def settled(
    spark: SparkSession,
    *rows: dict[str, Any],
    stored: DataFrame | None = None,
    series_by: tuple[str, ...] = ("item_id",),
    negative_stock: bool = False,
) -> list[Any]:
    whole = [{name: (row | {"_batch_id": "now"}).get(name) for name in MAPPED.names} for row in rows]
    lines = stock_rows(spark.createDataFrame(whole, MAPPED), series_by)
    rules = stock_rules(LATEST, date(1970, 1, 2), negative_stock=negative_stock)
    found = settled_stock(prepared_stock(lines, rules), stored).collect()
    return sorted(found, key=lambda row: (row["_line"] or "", row[FATE]))


def silver(spark: SparkSession, rows: list[Any], batch: str = "before") -> DataFrame:
    kept = [
        {name: row[name] for name in STOCK.schema.names} | {"_batch_id": batch} for row in rows if row[FATE] == "new"
    ]
    return spark.createDataFrame(kept, STOCK.schema)


def fates(rows: list[Any]) -> list[str]:
    return [row[FATE] for row in rows]


def test_each_row_that_says_no_stock_has_its_reason(spark: SparkSession) -> None:
    bad = [
        {"unique_id": " "},
        {"counted_at": None},
        {"on_hand": None},
        {"on_hand": float("nan")},
        {"on_order": float("inf")},
        {"counted_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"on_hand": -1.0},
        {"counted_at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"on_order": -1.0},
    ]
    found = settled(spark, *(COUNT | change | {"_line": str(n)} for n, change in enumerate(bad)))
    assert [[reason[:7] for reason in row["reasons"]] for row in found] == [
        ["FCT-121"],
        ["FCT-122"],
        ["FCT-123"],
        ["FCT-124"],
        ["FCT-124"],
        ["FCT-125"],
        ["FCT-126"],
        ["FCT-127"],
        ["FCT-129"],
    ]
    assert fates(settled(spark, COUNT | {"on_hand": -1.0}, negative_stock=True)) == ["new"]


def test_a_series_is_named_as_the_demand_names_it(spark: SparkSession) -> None:
    parts = COUNT | {"unique_id": None, "item_id": "MILK"}
    rows = [COUNT, parts | {"_line": "2", "store": "S/1"}, parts | {"_line": "3"}]
    rows.append(parts | {"_line": "4", "item_id": " "})
    found = settled(spark, *rows, series_by=("store", "item_id"))
    assert [row["unique_id"] for row in found] == ["A", "S%2F1/MILK", "unknown/MILK", None]


def test_of_two_counts_of_one_moment_the_smaller_stays_whichever_came_first(spark: SparkSession) -> None:
    more, again, other = {"on_hand": 6.0, "_line": "2"}, {"_line": "3"}, {"counted_at": LATER, "_line": "4"}
    first = settled(spark, COUNT, COUNT | more, COUNT | again, COUNT | more | other)
    assert fates(first) == ["new", "rejected", "repeated", "new"]
    assert first[1]["reasons"] == ["FCT-128 the stock of this series has another count of the same moment"]
    before = silver(spark, first)
    assert fates(settled(spark, COUNT | {"_file_sha256": "1"}, stored=before)) == ["repeated"]
    assert fates(settled(spark, COUNT | more | {"_file_sha256": "1"}, stored=before)) == ["rejected"]
    smaller = settled(spark, COUNT | {"on_hand": 4.0, "_file_sha256": "1"}, stored=before)
    assert sorted((row["on_hand"], row[FATE]) for row in smaller) == [(4.0, "new"), (5.0, "displaced")]


TERMS_ROW = COUNT | {"on_hand": None, "supplier": "S", "lead_time_days": 9.0}


def test_terms_of_a_supplier_that_cannot_be_have_their_reason(spark: SparkSession) -> None:
    changes: list[dict[str, Any]] = [
        {}, {"lead_time_days": None}, {"lead_time_days": -1.0}, {"pack_size": 0.0}, {"budget": 0.0},
        {"unit_cost": float("nan")}, {"min_order": -1.0}, {"min_order": 0.0, "pack_size": 6.0, "budget": 9.0},
        {"on_hand": 4.0, "lead_time_days": None}, {"on_order": 4.0, "lead_time_days": None},
    ]  # fmt: skip
    rows = [TERMS_ROW | change | {"unique_id": f"A{n}", "_line": str(n)} for n, change in enumerate(changes)]
    assert [[reason[:7] for reason in row["reasons"]] for row in settled(spark, *rows)] == [
        [], ["FCT-141"], ["FCT-141"], ["FCT-142"], ["FCT-142"], ["FCT-142"], ["FCT-142"], [], ["FCT-141"],
        [],  # who sends an open order may be named in it
    ]  # fmt: skip


def test_a_series_has_one_supplier_at_a_moment_with_the_longest_lead_time_whichever_came_first(
    spark: SparkSession,
) -> None:
    longer = TERMS_ROW | {"lead_time_days": 12.0, "_line": "2"}
    first = settled(spark, COUNT | {"_line": "0"}, TERMS_ROW, longer)
    assert fates(first) == ["new", "rejected", "new"]
    assert first[1]["reasons"][0].startswith("FCT-143")
    again = settled(spark, TERMS_ROW | {"lead_time_days": 30.0, "_file_sha256": "1"}, stored=silver(spark, first))
    assert sorted((row["lead_time_days"], row[FATE]) for row in again) == [(12.0, "displaced"), (30.0, "new")]


def test_terms_hold_from_their_day_until_the_next_and_the_smallest_budget_is_the_suppliers(spark: SparkSession) -> None:
    def row(name: str, day: int, **said: Any) -> dict[str, Any]:
        when = datetime(2026, 3, day, tzinfo=UTC)
        return dict.fromkeys(STOCK.schema.names) | {
            "unique_id": name,
            "as_of_day": when.date(),
            "counted_at": when,
            **said,
        }

    rows = [
        row("A", 2, supplier="S", lead_time_days=7.0, budget=80.0),
        row("A", 5, supplier="S", lead_time_days=9.0, budget=90.0),
        row("B", 3, on_hand=4.0, supplier=" S ", lead_time_days=5.0, budget=70.0),
        row("C", 3, on_order=4.0, supplier="T"),
    ]
    stock = spark.createDataFrame(rows, STOCK.schema)

    def known(day: int) -> dict[str, tuple[Any, ...]]:
        columns = ("supplier", "lead_time_days", "budget")
        found = terms_as_of(stock, date(2026, 3, day)).collect()
        return {row["unique_id"]: tuple(row[name] for name in columns) for row in found}

    assert known(2) == {"A": ("S", 7.0, 80.0)}
    assert known(5) == {"A": ("S", 9.0, 70.0), "B": ("S", 5.0, 70.0)}


def test_equal_open_orders_of_one_list_are_several_and_a_list_sent_again_is_the_same(spark: SparkSession) -> None:
    first = settled(spark, ORDER, ORDER | {"_line": "2"}, ORDER | {"_file_sha256": "1", "_line": "3"})
    assert fates(first) == ["new", "new", "repeated"]
    again = settled(
        spark, *(ORDER | {"_file_sha256": "2", "_line": str(n)} for n in range(3)), stored=silver(spark, first)
    )
    assert sorted(fates(again)) == ["new", "repeated", "repeated"]


def test_the_last_count_holds_with_the_open_orders_that_are_not_older(spark: SparkSession) -> None:
    def at(day: int, hour: int = 12) -> datetime:
        return datetime(2026, 3, day, hour, tzinfo=UTC)

    def row(name: str, when: datetime | None, on_hand: float | None, on_order: float | None = None) -> dict[str, Any]:
        day = None if when is None else when.date()
        return {"unique_id": name, "as_of_day": day, "counted_at": when, "on_hand": on_hand, "on_order": on_order}

    rows = [
        *(row("A", at(2), 5.0, 1.0), row("A", at(4), 3.0), row("A", at(4, 18), 2.0), row("A", at(9), 9.0)),
        *(row("A", at(1), None, 50.0), row("A", at(5), None, 7.0), row("A", at(5), None, 8.0)),
        *(row("A", at(5, 9), None, 30.0), row("B", at(4), None, 6.0)),
        *(row("C", at(4), -2.0, 4.0), row("D", None, 20.0, 3.0)),
    ]
    empty = dict.fromkeys(STOCK.schema.names)
    stock = spark.createDataFrame([empty | row for row in rows], STOCK.schema)

    def known(day: int) -> dict[str, tuple[float, float]]:
        found = stock_as_of(stock, date(2026, 3, day)).collect()
        return {row["unique_id"]: (row["on_hand"], row["on_order"]) for row in found}

    # D is a row of the company's own system, which knows only today.
    assert known(1) == {"D": (20.0, 3.0)}
    assert known(3) == {"A": (5.0, 1.0), "D": (20.0, 3.0)}
    assert known(4) == {"A": (2.0, 0.0), "C": (-2.0, 4.0), "D": (20.0, 3.0)}
    assert known(8)["A"] == (2.0, 15.0)  # of two lists of a day the later one
    assert known(9)["A"] == (9.0, 0.0)  # nothing on order is said after it
