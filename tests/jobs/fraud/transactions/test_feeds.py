from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.privacy.pseudonyms import PseudonymKey
from jobs.fraud.transactions import tables
from jobs.fraud.transactions.feeds import (
    judged_labels,
    judged_transactions,
    label_rules,
    looked_up_labels,
    on_two_days,
    transaction_rules,
)

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12)
LATEST = datetime(2026, 3, 10)
KEY = PseudonymKey("k7", b"a-test-key-of-enough-bytes")
Build = Callable[..., DataFrame]


PROVENANCE = [StructField(name, StringType()) for name in ("read_error", "_file", "_file_sha256")]


def provenance(number: int) -> dict[str, Any]:
    return {
        "read_error": None,
        "_file": "a.csv",
        "_file_sha256": f"{number:064d}",
    }


@pytest.fixture
def sent(spark: SparkSession) -> Build:
    def build(*records: dict[str, Any]) -> DataFrame:
        base = {
            "transaction_id": "1",
            "tx_datetime": NOON,
            "customer_id": "C1",
            "terminal_id": "T1",
            "tx_amount": Decimal("10"),
        }
        rows = [{**base, **provenance(n), **record} for n, record in enumerate(records)]
        return spark.createDataFrame(rows, StructType([*tables.TRANSACTION_FEED, *PROVENANCE]))

    return build


@pytest.fixture
def reported(spark: SparkSession) -> Build:
    def build(*records: dict[str, Any]) -> DataFrame:
        base = {"transaction_id": "1", "reported_at": NOON, "is_fraud": True, "fraud_scenario": None}
        rows = [{**base, **provenance(n), **record} for n, record in enumerate(records)]
        return spark.createDataFrame(rows, StructType([*tables.LABEL_FEED, *PROVENANCE]))

    return build


def fates(judged: DataFrame) -> list[tuple[str, list[str]]]:
    # Python has no moment for the year 1.
    rows = judged.orderBy("_file_sha256").select("_fate", "reasons").collect()
    return [(row["_fate"], [reason[:7] for reason in row["reasons"]]) for row in rows]


def judge(bronze: DataFrame, stored: DataFrame | None = None) -> DataFrame:
    return judged_transactions(bronze, stored, transaction_rules(LATEST, 1_000.0), KEY)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"transaction_id": None}, "FRD-101"),
        ({"transaction_id": "  "}, "FRD-101"),
        ({"tx_datetime": None}, "FRD-102"),
        ({"customer_id": "null"}, "FRD-103"),
        ({"terminal_id": ""}, "FRD-104"),
        ({"tx_amount": None}, "FRD-105"),
        ({"tx_amount": Decimal("-0.01")}, "FRD-106"),
        ({"tx_amount": Decimal("1000.01")}, "FRD-107"),
        ({"tx_datetime": datetime(2026, 3, 10, 0, 0, 1)}, "FRD-108"),
        ({"tx_datetime": datetime(9999, 12, 31)}, "FRD-108"),
        ({"tx_datetime": datetime(1, 1, 1)}, "FRD-110"),
        ({"tx_datetime": datetime(1899, 12, 30)}, "FRD-110"),
        ({"tx_datetime": datetime(1970, 1, 1)}, "FRD-110"),
        ({"merchant_lat": 90.5}, "FRD-120"),
        ({"customer_lon": float("nan")}, "FRD-120"),
        ({"read_error": "SRC-212 not a csv line"}, "SRC-212"),
    ],
)
def test_a_broken_transaction_is_rejected_with_its_reason(sent: Build, record: dict[str, Any], code: str) -> None:
    assert fates(judge(sent(record))) == [("rejected", [code])]


def test_a_merchant_stands_for_a_terminal_that_is_missing_and_for_no_other(sent: Build) -> None:
    rows = judge(sent({"terminal_id": " ", "merchant_id": " M1 "}, {"transaction_id": "2", "merchant_id": "M1"}))
    found = [(row["terminal_id"], row["merchant_id"]) for row in rows.orderBy("transaction_id").collect()]
    assert found == [("M1", "M1"), ("T1", "M1")]


def test_what_else_is_said_of_a_transaction_is_kept_and_its_device_is_a_pseudonym(sent: Build) -> None:
    said = {"channel": "online", "device": "abc", "entry_mode": "null", "merchant_lat": -90.0, "merchant_lon": 180.0}
    (row,) = judge(sent(said)).collect()
    assert [row[name] for name in said] == ["online", KEY.pseudonym("abc"), None, -90.0, 180.0]


def test_one_transaction_that_came_by_two_channels_is_a_contradiction(sent: Build) -> None:
    rows = judge(sent({"channel": "store"}, {"channel": "online"}, {"channel": "online"}))
    assert sorted(row["channel"] for row in rows.where("_fate = 'rejected'").collect()) == ["store"]


def test_amounts_of_zero_and_of_the_highest_believed_are_fine(sent: Build) -> None:
    rows = sent({"tx_amount": Decimal(0)}, {"transaction_id": "2", "tx_amount": Decimal(1000)})
    assert fates(judge(rows)) == [("new", []), ("new", [])]


def test_a_repeated_row_is_taken_once(sent: Build) -> None:
    assert fates(judge(sent({}, {}, {"transaction_id": "2"}))) == [("new", []), ("repeated", []), ("new", [])]


def test_of_contradicting_rows_the_same_one_stays_in_whatever_order_they_come(sent: Build) -> None:
    low, high = {"tx_amount": Decimal("10")}, {"tx_amount": Decimal("11")}
    kept = []
    for records in ((low, high), (high, low)):
        judged = judge(sent(*records)).collect()
        assert sorted(row["_fate"] for row in judged) == ["new", "rejected"]
        kept += [row["tx_amount"] for row in judged if row["_fate"] == "new"]
        assert [row["reasons"][0][:7] for row in judged if row["_fate"] == "rejected"] == ["FRD-109"]
    assert kept[0] == kept[1]


def test_of_contradicting_transactions_the_smaller_amount_stays_whichever_is_published(
    sent: Build, transactions: Build
) -> None:
    stored = transactions({"tx_amount": Decimal("10"), "customer_id": KEY.pseudonym("C1")})
    larger = judge(sent({"tx_amount": Decimal("10")}, {"tx_amount": Decimal("12")}), stored)
    assert fates(larger) == [("repeated", []), ("rejected", ["FRD-109"])]
    smaller = judge(sent({"tx_amount": Decimal("9")}, {"tx_amount": Decimal("10")}), stored)
    assert [(row["tx_amount"], row["_fate"], len(row["reasons"])) for row in smaller.orderBy("_fate").collect()] == [
        (10, "displaced", 1),
        (9, "new", 0),
        (10, "rejected", 1),
    ]


def test_the_earlier_of_two_transactions_of_an_id_and_day_stays_whatever_its_amount(
    sent: Build, transactions: Build
) -> None:
    stored = transactions({"tx_amount": Decimal("10"), "customer_id": KEY.pseudonym("C1")})
    judged = judge(sent({"tx_datetime": datetime(2026, 3, 2, 11), "tx_amount": Decimal("90")}), stored)
    assert sorted((row["_fate"], row["tx_datetime"].hour) for row in judged.collect()) == [
        ("displaced", 12),
        ("new", 11),
    ]


def test_a_transaction_published_under_another_key_stays(sent: Build, transactions: Build) -> None:
    stored = transactions({"pseudonym_key_id": "k6", "tx_amount": Decimal("10")})
    assert fates(judge(sent({"tx_amount": Decimal("9")}), stored)) == [("rejected", ["FRD-109"])]


def test_ids_are_the_same_with_and_without_outer_blanks(sent: Build) -> None:
    rows = judge(sent({"transaction_id": "b5"}, {"transaction_id": " b5 ", "terminal_id": "T1 "}))
    assert fates(rows) == [("new", []), ("repeated", [])]


def test_a_customer_is_a_pseudonym_under_the_key_and_rows_of_one_customer_stay_together(sent: Build) -> None:
    rows = judge(sent({}, {"transaction_id": "2"}, {"transaction_id": "3", "customer_id": "C2"})).collect()
    # HMAC-SHA-256 by openssl: printf C1 | openssl dgst -sha256 -hmac a-test-key-of-enough-bytes
    first, second = "7bca09bdd29216aadfe5f8b6231d35ac", "b0879573100b73c596c35a4a02926775"
    assert {row["transaction_id"]: row["customer_id"] for row in rows} == {"1": first, "2": first, "3": second}
    assert {row["pseudonym_key_id"] for row in rows} == {"k7"}


def test_a_rejected_row_does_not_take_the_place_of_a_good_one(sent: Build) -> None:
    assert fates(judge(sent({"customer_id": ""}, {}))) == [("rejected", ["FRD-103"]), ("new", [])]


@pytest.mark.parametrize(
    ("record", "codes"),
    [
        ({}, []),
        ({"transaction_id": None}, ["FRD-111"]),
        ({"reported_at": None}, ["FRD-112"]),
        ({"is_fraud": None}, ["FRD-113"]),
        ({"reported_at": datetime(2026, 3, 2, 11, 59)}, ["FRD-114"]),
        ({"transaction_id": "unheard of"}, ["FRD-115"]),
        ({"reported_at": datetime(2026, 3, 11)}, ["FRD-116"]),
        ({"reported_at": datetime(1900, 1, 1)}, ["FRD-119"]),
    ],
)
def test_a_broken_report_is_rejected_with_its_reason(
    reported: Build, transactions: Build, record: dict[str, Any], codes: list[str]
) -> None:
    looked_up = looked_up_labels(reported(record), transactions({}))
    judged = judged_labels(looked_up, None, label_rules(LATEST))
    assert fates(judged) == [("rejected" if codes else "new", codes)]


def test_a_report_on_an_id_of_two_days_is_one_rejected_row(reported: Build, transactions: Build) -> None:
    next_day = {"transaction_id": "1", "tx_datetime": datetime(2026, 3, 3, 12)}
    report = reported({"reported_at": datetime(2026, 3, 3, 12)})
    judged = judged_labels(looked_up_labels(report, transactions({}, next_day)), None, label_rules(LATEST))
    assert fates(judged) == [("rejected", ["FRD-118"])]


def test_a_report_is_about_the_only_transaction_of_its_id_that_had_taken_place_by_then(
    reported: Build, transactions: Build
) -> None:
    next_day = {"transaction_id": "1", "tx_datetime": datetime(2026, 3, 3, 12), "terminal_id": "T2"}
    report = reported({"reported_at": datetime(2026, 3, 3, 11, 59)})
    judged = judged_labels(looked_up_labels(report, transactions(next_day, {"transaction_id": "1"})), None,
                           label_rules(LATEST))  # fmt: skip
    assert fates(judged) == [("new", [])]
    assert [(row["tx_day"].day, row["terminal_id"]) for row in judged.collect()] == [(2, "T1")]


def test_a_later_report_is_new_and_one_of_the_same_instant_that_disagrees_is_rejected(
    reported: Build, transactions: Build, labels: Build
) -> None:
    later = datetime(2026, 3, 3)
    sent = reported({}, {"is_fraud": False}, {"reported_at": later, "is_fraud": False})
    stored = labels({"reported_at": NOON})
    judged = judged_labels(looked_up_labels(sent, transactions({})), stored, label_rules(LATEST))
    assert fates(judged) == [("repeated", []), ("rejected", ["FRD-117"]), ("new", [])]


def test_of_two_reports_of_one_instant_the_one_that_says_fraud_stays(
    reported: Build, transactions: Build, labels: Build
) -> None:
    looked_up = looked_up_labels(reported({}), transactions({}))
    judged = judged_labels(looked_up, labels({"reported_at": NOON, "is_fraud": False}), label_rules(LATEST))
    rows = judged.orderBy("_fate").collect()
    assert [(row["_fate"], row["is_fraud"], [reason[:7] for reason in row["reasons"]]) for row in rows] == [
        ("displaced", False, ["FRD-117"]),
        ("new", True, []),
    ]


@pytest.mark.parametrize(
    ("zone", "reported_at", "fate", "counts_from"),
    [
        # Dates alone, as the mapping gives them: 2 March of the zone, whose end its transaction of noon precedes.
        ("UTC", datetime(2026, 3, 2), ("new", []), datetime(2026, 3, 2, 23, 59, 59, 999_999)),
        ("Europe/Berlin", datetime(2026, 3, 2), ("new", []), datetime(2026, 3, 2, 22, 59, 59, 999_999)),
        ("America/New_York", datetime(2026, 3, 2, 5), ("new", []), datetime(2026, 3, 3, 4, 59, 59, 999_999)),
        # The day after and the day before.
        ("UTC", datetime(2026, 3, 3), ("new", []), datetime(2026, 3, 3, 23, 59, 59, 999_999)),
        ("UTC", datetime(2026, 3, 1), ("rejected", ["FRD-114"]), datetime(2026, 3, 1)),
        # A time of day.
        ("UTC", datetime(2026, 3, 2, 0, 1), ("rejected", ["FRD-114"]), datetime(2026, 3, 2, 0, 1)),
    ],
)
def test_a_report_with_a_date_alone_counts_from_the_end_of_that_day(
    reported: Build, transactions: Build, zone: str, reported_at: datetime, fate: Any, counts_from: datetime
) -> None:
    looked_up = looked_up_labels(reported({"reported_at": reported_at}), transactions({}), zone)
    judged = judged_labels(looked_up, None, label_rules(LATEST))
    assert fates(judged) == [fate]
    assert [row["reported_at"] for row in judged.collect()] == [counts_from]


def test_two_reports_of_a_date_alone_contradict_each_other(reported: Build, transactions: Build) -> None:
    midnight = {"reported_at": datetime(2026, 3, 2)}
    looked_up = looked_up_labels(reported(midnight, midnight | {"is_fraud": False}), transactions({}))
    assert fates(judged_labels(looked_up, None, label_rules(LATEST))) == [("new", []), ("rejected", ["FRD-117"])]


def test_a_payment_around_midnight_with_the_same_id_on_both_days_is_found(transactions: Build) -> None:
    base = {"transaction_id": "1", "tx_datetime": datetime(2026, 3, 2, 23, 30)}
    rows = transactions(
        base,
        base | {"tx_datetime": datetime(2026, 3, 3, 0, 30)},
        base | {"tx_datetime": datetime(2026, 3, 4, 0, 30), "tx_amount": Decimal(9)},
        base | {"tx_datetime": datetime(2026, 3, 6), "customer_id": "C2"},
        {"transaction_id": "2", "tx_datetime": datetime(2026, 3, 3)},
        {"transaction_id": "2", "tx_datetime": datetime(2026, 3, 5)},
    )
    found = [(row["transaction_id"], str(row["second_day"])) for row in on_two_days(rows).collect()]
    assert found == [("1", "2026-03-03")]
