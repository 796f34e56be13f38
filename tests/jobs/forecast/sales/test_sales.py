"""What becomes of each row of a sales feed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DateType, StringType, StructField, StructType

from common.intake.fates import FATE
from common.privacy.pseudonyms import PseudonymKey
from jobs.forecast.sales.steps import judged_sales, lacks_receipts, sales_lines, sales_rules
from jobs.forecast.sales.tables import SALES, SALES_FEED

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATEST = datetime(2026, 3, 10, tzinfo=UTC)
KEY = PseudonymKey("k7", b"a-test-key-of-enough-bytes")
BRONZE = StructType(
    [
        *SALES_FEED.fields,
        *(StructField(name, StringType()) for name in ("payload", "read_error", "_file", "_file_sha256", "_batch_id")),
        StructField("ingest_date", DateType()),
    ]
)
LINE = {
    "item_id": "A",
    "invoice_id": "1",
    "sold_at": NOON,
    "quantity": 2.0,
    "_file": "f",
    "_file_sha256": "0",
    "_batch_id": "now",
}
POINT = {"unique_id": "W1", "ds": NOON, "y": 5.0, "_file": "f", "_file_sha256": "0", "_batch_id": "now"}


def judged(
    spark: SparkSession,
    rows: list[dict[str, Any]],
    stored: DataFrame | None = None,
    keep: bool = False,
    but: str = "",
) -> list[Any]:
    whole = [{name: row.get(name) for name in BRONZE.names} for row in rows]
    lines = sales_lines(spark.createDataFrame(whole, BRONZE), "UTC", KEY)
    found = judged_sales(
        lines, stored, sales_rules(LATEST, 1e6), keep_duplicates=keep, has_series=any("y" in row for row in rows)
    )
    return sorted(found.drop(but).collect(), key=lambda row: (row["_file"] or "", row["quantity"] or 0.0, row[FATE]))


def fates(rows: list[Any]) -> list[str]:
    return [row[FATE] for row in rows]


def silver(spark: SparkSession, rows: list[Any], batch: str) -> DataFrame:
    kept = [
        {**{name: row[name] for name in SALES.schema.names}, "_batch_id": batch} for row in rows if row[FATE] == "new"
    ]
    return spark.createDataFrame(kept, SALES.schema)


def test_bad_rows_are_rejected_each_with_its_reason(spark: SparkSession) -> None:
    bad = [
        {"item_id": " "},
        {"sold_at": None},
        {"quantity": None},
        {"quantity": float("nan")},
        {"quantity": float("-inf")},
        {"quantity": 2e6},
        {"sold_at": datetime(2027, 1, 1, tzinfo=UTC)},
        {"unit_price": Decimal("-0.01")},
    ]
    found = judged(spark, [LINE | change | {"_file": f"f{n}"} for n, change in enumerate(bad)])
    assert set(fates(found)) == {"rejected"}
    assert [[reason[:7] for reason in row["reasons"]] for row in found] == [
        ["FCT-101"],
        ["FCT-102"],
        ["FCT-103"],
        ["FCT-104"],
        ["FCT-104"],
        ["FCT-106"],
        ["FCT-105"],
        ["FCT-109"],
    ]
    voucher = {"unit_price": Decimal(-5), "is_product": False}
    assert fates(judged(spark, [LINE | voucher, LINE | {"unit_price": Decimal(0)}])) == ["new", "new"]


def test_equal_lines_are_one_line_sent_twice(spark: SparkSession) -> None:
    found = judged(spark, [LINE, LINE, LINE | {"invoice_id": "2"}, LINE | {"item_name": "a"}])
    assert sorted(fates(found)) == ["new", "new", "new", "repeated"]


def test_equal_lines_are_two_sales_where_the_parameter_says_so(spark: SparkSession) -> None:
    found = judged(spark, [LINE, LINE], keep=True)
    assert fates(found) == ["new", "new"]
    assert len({row["line_id"] for row in found}) == 2


@pytest.mark.parametrize("keep", [False, True])
def test_what_this_batch_published_before_a_crash_is_new_again(spark: SparkSession, keep: bool) -> None:
    first = judged(spark, [LINE, LINE], keep=keep)
    again = judged(spark, [LINE, LINE], silver(spark, first, "now"), keep=keep)
    assert fates(again) == fates(first)
    assert sorted(row["line_id"] for row in again) == sorted(row["line_id"] for row in first)


def test_a_line_known_from_an_earlier_batch_is_repeated(spark: SparkSession) -> None:
    before = silver(spark, judged(spark, [LINE]), "before")
    assert fates(judged(spark, [LINE, LINE | {"_file": "g", "quantity": 3.0}], before)) == ["repeated", "new"]


def test_a_ready_series_has_one_value_for_a_time(spark: SparkSession) -> None:
    found = judged(spark, [POINT, POINT, POINT | {"y": 6.0}, POINT | {"unique_id": "W2"}])
    assert sorted(fates(found)) == ["new", "new", "rejected", "repeated"]
    (clash,) = [row for row in found if row[FATE] == "rejected"]
    assert (clash["quantity"], clash["reasons"]) == (6.0, ["FCT-107 another value of this series and time is known"])


def test_of_two_values_the_smaller_stays_whichever_is_published(spark: SparkSession) -> None:
    before = silver(spark, judged(spark, [POINT]), "before")
    larger = judged(spark, [POINT | {"y": 6.0}, POINT], before)
    assert [(row["quantity"], row[FATE]) for row in larger] == [(5.0, "repeated"), (6.0, "rejected")]
    smaller = judged(spark, [POINT | {"y": 4.0}, POINT], before)
    assert [(row["quantity"], row[FATE], row["_batch_id"]) for row in smaller] == [
        (5.0, "displaced", "before"),
        (4.0, "new", "now"),
        (5.0, "rejected", "now"),
    ]
    assert [row["reasons"][0][:7] for row in smaller if row[FATE] != "new"] == ["FCT-107", "FCT-107"]


def test_the_same_value_in_other_words_is_no_contradiction_and_counts_once(spark: SparkSession) -> None:
    found = judged(spark, [POINT, POINT | {"currency": "EUR"}])
    assert sorted(fates(found)) == ["new", "repeated"]


def test_equal_lines_without_a_receipt_all_count_and_are_the_same_lines_when_the_file_is_judged_again(
    spark: SparkSession,
) -> None:
    till = LINE | {"invoice_id": " "}
    found = judged(spark, [till, till, till | {"_file": "g", "_file_sha256": "1"}])
    assert fates(found) == ["new", "new", "new"]
    assert len({row["line_id"] for row in found}) == 3
    again = judged(spark, [till, till], silver(spark, found, "before"))
    assert fates(again) == ["repeated", "repeated"]


def test_a_till_line_with_a_transaction_id_is_one_line_sent_twice(spark: SparkSession) -> None:
    till = LINE | {"invoice_id": None, "transaction_id": "t1"}
    assert sorted(fates(judged(spark, [till, till]))) == ["new", "repeated"]


@pytest.mark.parametrize(
    ("mapped", "keep", "lacks"),
    [
        (("item_id", "sold_at", "quantity"), False, True),
        (("item_id", "sold_at", "quantity"), True, False),
        (("item_id", "sold_at", "quantity", "invoice_id"), False, False),
        (("item_id", "sold_at", "quantity", "transaction_id"), False, False),
        (("unique_id", "ds", "y"), False, False),
    ],
)
def test_a_source_of_lines_without_receipts_cannot_drop_duplicates(
    mapped: tuple[str, ...], keep: bool, lacks: bool
) -> None:
    assert lacks_receipts(mapped, keep_duplicates=keep) is lacks


def test_the_store_of_a_line_makes_it_another_line_and_lines_without_one_keep_their_id(spark: SparkSession) -> None:
    found = judged(spark, [LINE, LINE | {"store": "S1 "}, LINE | {"store": "S1"}])
    assert sorted((row[FATE], row["store"] or "") for row in found) == [("new", ""), ("new", "S1"), ("repeated", "S1")]
    # printf 'A\x1f2026-03-02 12:00:00\x1f2.0\x1f1\x1f\0\x1f\0\x1f\0\x1f\0\x1f\0\x1f\0' | md5sum
    assert "2956fa10c7168a61185df1ec981cbe79" in {row["line_id"] for row in found if row["store"] is None}


def test_a_line_is_of_a_product_unless_the_source_says_that_it_is_not(spark: SparkSession) -> None:
    found = judged(spark, [LINE, LINE | {"is_product": True}, LINE | {"is_product": False}])
    become = sorted((row["is_product"], row[FATE]) for row in found)
    assert become == [(False, "new"), (True, "new"), (True, "repeated")]
    # The id of a line that says nothing: see the test of stores.
    assert {row["line_id"] == "2956fa10c7168a61185df1ec981cbe79" for row in found if row["is_product"]} == {True}


def test_minus_zero_is_zero(spark: SparkSession) -> None:
    assert sorted(fates(judged(spark, [LINE | {"quantity": 0.0}, LINE | {"quantity": -0.0}]))) == ["new", "repeated"]


def test_times_that_stand_for_nothing_are_rejected_and_old_ready_series_are_not(spark: SparkSession) -> None:
    rows = [
        LINE | {"_file": "a", "sold_at": datetime(1, 1, 1, tzinfo=UTC)},
        LINE | {"_file": "b", "sold_at": datetime(1899, 12, 30, tzinfo=UTC)},
        LINE | {"_file": "c", "sold_at": datetime(1970, 1, 1, tzinfo=UTC)},
        LINE | {"_file": "d", "sold_at": datetime(9999, 12, 31, tzinfo=UTC)},
        POINT | {"_file": "e", "ds": datetime(1900, 1, 1, tzinfo=UTC)},
        POINT | {"_file": "f", "ds": datetime(1949, 1, 1, tzinfo=UTC)},
    ]
    # Python has no moment for the year 1.
    found = judged(spark, rows, but="sold_at")
    assert [[reason[:7] for reason in row["reasons"]] for row in found] == [
        ["FCT-108"],
        ["FCT-108"],
        ["FCT-108"],
        ["FCT-105"],
        ["FCT-108"],
        [],
    ]


@pytest.mark.parametrize(
    ("shop", "source", "sold_at", "line_day", "series_day"),
    [
        ("Europe/Berlin", "UTC", datetime(2026, 3, 2, 23, 30, tzinfo=UTC), "2026-03-03", "2026-03-02"),
        (None, "Europe/Berlin", datetime(2026, 3, 2, 23, 30, tzinfo=UTC), "2026-03-03", "2026-03-03"),
        # A date without a time of day: the mapping gives the first moment of it both in UTC and in the source's zone.
        (None, "Europe/Berlin", datetime(2026, 3, 2, 0, 0, tzinfo=UTC), "2026-03-02", "2026-03-02"),
        ("America/New_York", "UTC", datetime(2026, 3, 2, 0, 0, tzinfo=UTC), "2026-03-02", "2026-03-02"),
        (None, "America/New_York", datetime(2026, 3, 2, 5, 0, tzinfo=UTC), "2026-03-02", "2026-03-02"),
        ("UTC", "America/New_York", datetime(2026, 3, 2, 5, 0, tzinfo=UTC), "2026-03-02", "2026-03-02"),
        # Sentinels stay the day they name: no date lies before the first or behind the last.
        (None, "America/New_York", datetime(1, 1, 1, tzinfo=UTC), "0001-01-01", "0001-01-01"),
        (None, "Asia/Tokyo", datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "9999-12-31", "9999-12-31"),
    ],
)
def test_the_day_of_a_sale_is_that_of_the_shops_clock_and_a_date_stays_the_date_it_is(
    spark: SparkSession, shop: str | None, source: str, sold_at: datetime, line_day: str, series_day: str
) -> None:
    rows = [LINE | {"sold_at": sold_at}, POINT | {"ds": sold_at}]
    whole = [{name: row.get(name) for name in BRONZE.names} for row in rows]
    found = sales_lines(spark.createDataFrame(whole, BRONZE), shop, KEY, source)
    # Python reads no time of the first year.
    found = found.select("item_id", "sold_day", "is_series")
    assert [(row["item_id"], str(row["sold_day"]), row["is_series"]) for row in found.collect()] == [
        ("A", line_day, False),
        ("W1", series_day, True),
    ]


def test_a_customer_is_a_pseudonym_under_the_key_and_nobody_stays_nobody(spark: SparkSession) -> None:
    named = ["C1", None, " ", "null"]
    found = judged(spark, [LINE | {"customer_id": name, "_file": f"f{n}"} for n, name in enumerate(named)])
    # HMAC-SHA-256 by openssl: printf C1 | openssl dgst -sha256 -hmac a-test-key-of-enough-bytes
    customer = "7bca09bdd29216aadfe5f8b6231d35ac"
    customers = [(row["customer_id"], row["pseudonym_key_id"]) for row in found]
    assert customers == [(customer, "k7"), (None, None), (None, None), (None, None)]
    assert fates(found) == ["new", "new", "repeated", "repeated"]


def test_equal_lines_of_two_customers_are_two_lines(spark: SparkSession) -> None:
    assert fates(judged(spark, [LINE | {"customer_id": "C1"}, LINE | {"customer_id": "C2"}])) == ["new", "new"]
