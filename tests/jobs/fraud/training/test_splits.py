from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from common.days import DayRange
from jobs.fraud.evaluation.figures import rows_of_known_cards
from jobs.fraud.training.splits import compromised_cards, known_days, labelled, training_labels, without_known_cards

pytestmark = pytest.mark.unit

FIRST = date(2026, 3, 1)
NOON = datetime(2026, 3, 2, 12)
Build = Callable[..., DataFrame]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_the_latest_report_is_the_label_and_a_transaction_without_one_is_honest(
    transactions: Build, labels: Build
) -> None:
    reports = labels(
        {"transaction_id": "1", "reported_at": NOON},
        {"transaction_id": "1", "reported_at": NOON + timedelta(days=1), "is_fraud": False},
        {"transaction_id": "2", "reported_at": NOON, "fraud_scenario": 3},
    )
    rows = labelled(transactions({}, {}, {}), training_labels(reports))
    found = {row["transaction_id"]: (row["is_fraud"], row["fraud_scenario"]) for row in rows.collect()}
    assert found == {"1": (0, 0), "2": (1, 3), "3": (0, 0)}


def test_a_fraud_labels_the_transaction_of_its_day_and_no_other_of_its_id(transactions: Build, labels: Build) -> None:
    first, second = ({"transaction_id": "1", "tx_datetime": NOON + timedelta(days=n)} for n in (0, 1))
    reports = training_labels(labels(first, second | {"is_fraud": False}))
    assert sorted((row["tx_day"].day, row["is_fraud"]) for row in reports.collect()) == [(2, True), (3, False)]
    rows = labelled(transactions(first, second), training_labels(labels(first)))
    assert sorted((row["tx_day"].day, row["is_fraud"]) for row in rows.collect()) == [(2, 1), (3, 0)]


def test_a_report_that_came_after_the_cut_is_not_known(transactions: Build, labels: Build) -> None:
    reports = labels({"transaction_id": "1", "reported_at": NOON})
    assert training_labels(reports, known_by="2026-03-02 11:59:59").count() == 0
    assert training_labels(reports, known_by="2026-03-02 12:00:00").count() == 1


def test_a_card_is_out_of_the_test_from_the_day_on_which_its_fraud_is_known(spark: SparkSession) -> None:
    # Training on days 0..6, delay 7, test on days 14..20; a fraud on day 8 is known on day 16 = 8 + 7 + 1.
    reports = [("A", 8, 9, True), ("A", 9, 9, True), ("B", 6, 7, True), ("C", 8, 9, False)]
    # D was reported on day 15 only, and E is taken back on day 16: on that day nobody knows it yet.
    reports += [("D", 6, 15, True), ("E", 6, 7, True), ("E", 6, 16, False)]
    labels = spark.createDataFrame(
        [
            (card, f"{card}{n}", day(n), datetime.combine(day(reported), datetime.min.time()), is_fraud)
            for card, n, reported, is_fraud in reports
        ],
        "customer_id string, transaction_id string, tx_day date, reported_at timestamp, is_fraud boolean",
    )
    test = spark.createDataFrame(
        [(card, day(n)) for card in "ABCDE" for n in (14, 15, 16, 20)], "customer_id string, tx_day date"
    )
    spells = compromised_cards(labels, label_delay_days=7)
    kept = without_known_cards(test, spells)
    days: dict[str, list[int]] = {}
    for row in kept.orderBy("tx_day").collect():
        days.setdefault(row["customer_id"], []).append((row["tx_day"] - FIRST).days)
    assert days == {"A": [14, 15], "C": [14, 15, 16, 20], "D": [14, 15], "E": [20]}
    # The rows of known cards are found in another way, and both add up.
    known = rows_of_known_cards(test, spells)
    assert known.count() == 20 - 9
    assert known.join(kept, ["customer_id", "tx_day"]).isEmpty()


def test_the_frauds_known_in_a_test_reach_from_the_training_to_the_last_day_less_the_delay_less_one() -> None:
    known = known_days(DayRange(day(0), day(6)), DayRange(day(14), day(20)), label_delay_days=7)
    assert known == DayRange(day(0), day(12))
