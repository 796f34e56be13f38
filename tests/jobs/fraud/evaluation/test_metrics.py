from __future__ import annotations

import math
import random
from datetime import date

import pytest
from pyspark.sql import SparkSession
from sklearn.metrics import average_precision_score, roc_auc_score

from jobs.fraud.evaluation.metrics import (
    CardDay,
    auc_roc,
    average_precision,
    card_precision_at_k,
    cards_of_days,
    open_cases,
    score_counts,
    top_cards,
)

pytestmark = pytest.mark.unit

DAY_1, DAY_2 = date(2026, 3, 2), date(2026, 3, 3)


def test_auc_counts_the_pairs_in_which_the_fraud_scores_higher_and_half_of_the_ties() -> None:
    # Frauds at .9 and .5, honest rows at .7, .5 and .1: pairs won 3 + 1, one tie: 4.5 of 6.
    assert auc_roc([(0.9, 1, 1), (0.7, 0, 1), (0.5, 1, 2), (0.1, 0, 1)]) == pytest.approx(4.5 / 6)


def test_a_perfect_ranking_has_an_average_precision_of_exactly_one() -> None:
    # 43 times 1/43 adds up to more than 1 in doubles.
    assert average_precision([(1 - n / 100, 1, 1) for n in range(43)]) == 1.0


def test_average_precision_adds_precision_times_the_recall_gained() -> None:
    # At .9: precision 1, recall 1/2; at .5 (three rows, four seen): precision 2/4, recall 1.
    assert average_precision([(0.9, 1, 1), (0.7, 0, 1), (0.5, 1, 2), (0.1, 0, 1)]) == pytest.approx(0.5 + 0.25)


def test_a_single_class_has_no_auc_and_no_precision() -> None:
    assert math.isnan(auc_roc([(0.5, 0, 3)]))
    assert math.isnan(auc_roc([(0.5, 3, 3)]))
    assert math.isnan(average_precision([(0.5, 0, 3)]))


def test_both_equal_scikit_learn_on_scores_with_ties(spark: SparkSession) -> None:
    dice = random.Random(11)
    rows = [(round(dice.random(), 2), int(dice.random() < 0.2)) for _ in range(500)]
    counts = [tuple(row) for row in score_counts(spark.createDataFrame(rows, "score double, is_fraud int")).collect()]
    truth, scores = [row[1] for row in rows], [row[0] for row in rows]
    assert auc_roc(counts) == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    assert average_precision(counts) == pytest.approx(average_precision_score(truth, scores), abs=1e-12)


def test_a_detected_card_makes_room_on_later_days_and_precision_is_over_k() -> None:
    cards = [
        CardDay(DAY_1, "A", 0.9, True),
        CardDay(DAY_1, "B", 0.8, False),
        CardDay(DAY_1, "C", 0.7, True),
        CardDay(DAY_2, "A", 0.9, True),
        CardDay(DAY_2, "B", 0.8, True),
        CardDay(DAY_2, "C", 0.7, True),
        CardDay(DAY_2, "D", 0.6, False),
    ]
    first, second = card_precision_at_k(reversed(cards), top_k=2)
    assert (first.detected, first.precision) == (("A",), 0.5)
    # A is known by now; B and C are the two most suspicious of the others.
    assert (second.detected, second.precision) == (("B", "C"), 1.0)


def test_a_day_with_fewer_cards_than_k_still_divides_by_k() -> None:
    assert [day.precision for day in card_precision_at_k([CardDay(DAY_1, "A", 0.9, True)], top_k=100)] == [0.01]


def test_of_equal_scores_the_smaller_card_number_comes_first() -> None:
    cards = [CardDay(DAY_1, "10", 0.5, True), CardDay(DAY_1, "9", 0.5, False)]
    assert card_precision_at_k(cards, top_k=1)[0].detected == ()


def test_a_card_counts_once_a_day_with_its_highest_score_and_label(spark: SparkSession) -> None:
    rows = [(DAY_1, "A", 0.2, 1), (DAY_1, "A", 0.7, 0), (DAY_2, "A", 0.1, 0)]
    cards = cards_of_days(spark.createDataFrame(rows, "tx_day date, customer_id string, score double, is_fraud int"))
    assert sorted(map(tuple, cards.collect())) == [(DAY_1, "A", 0.7, 1), (DAY_2, "A", 0.1, 0)]


def test_the_top_cards_of_a_day_leave_room_for_those_detected_before(spark: SparkSession) -> None:
    rows = [(DAY_1, f"C{n}", n / 10, 0) for n in range(9)] + [(DAY_2, "C1", 0.5, 1)]
    cards = spark.createDataFrame(rows, "tx_day date, customer_id string, score double, is_fraud int")
    kept = top_cards(cards, top_k=2, days=2).collect()
    assert sorted(row["customer_id"] for row in kept if row["tx_day"] == DAY_1) == ["C5", "C6", "C7", "C8"]
    assert [row["customer_id"] for row in kept if row["tx_day"] == DAY_2] == ["C1"]


def test_a_detected_card_is_an_open_case_on_its_own_day_only(spark: SparkSession) -> None:
    rows = [
        (DAY_1, "A", 0.9, 1),
        (DAY_1, "B", 0.1, 1),
        (DAY_2, "A", 0.9, 1),
        (DAY_2, "B", 0.2, 1),
        (DAY_2, "C", 0.2, 0),
    ]
    cards = spark.createDataFrame(rows, "tx_day date, customer_id string, score double, is_fraud int")
    detections = spark.createDataFrame([("A", DAY_1)], "customer_id string, detected_on date")
    assert sorted(map(tuple, open_cases(cards, detections).collect())) == [(DAY_1, 2), (DAY_2, 1)]
