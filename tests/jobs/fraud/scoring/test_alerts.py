from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs.fraud.evaluation.figures import evaluate
from jobs.fraud.evaluation.metrics import scenario_cases
from jobs.fraud.scoring.alerts import alerted_transactions, with_decisions
from jobs.fraud.scoring.scorers import scorer_of
from jobs.fraud.scoring.steps import ModelPayload, with_reasons, with_scores
from jobs.fraud.training.classifiers import fit
from jobs.fraud.training.params import TrainParams

pytestmark = pytest.mark.unit

DAY_1, DAY_2 = date(2026, 3, 2), date(2026, 3, 3)
SCORED = "tx_day date, customer_id string, transaction_id string, score double"


def test_the_budget_goes_to_the_cards_with_the_highest_scores_of_each_day(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [
            (DAY_1, "A", "1", 0.9),
            (DAY_1, "A", "2", 0.95),
            (DAY_1, "B", "3", 0.8),
            (DAY_1, "C", "4", 0.7),
            (DAY_2, "C", "5", 0.2),
        ],
        SCORED,
    )
    alerted = alerted_transactions(rows, alerts_per_day=2, lowest_score=0.1)
    decided = with_decisions(rows, alerted).orderBy("transaction_id").collect()
    assert [(row["transaction_id"], row["decision"], row["card_rank"]) for row in decided] == [
        ("1", "linked", 1),
        ("2", "alert", 1),
        ("3", "alert", 2),
        ("4", "pass", None),
        ("5", "alert", 1),
    ]


def test_an_id_of_two_days_is_two_transactions_with_decisions_of_their_own(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(DAY_1, "A", "1", 0.9), (DAY_2, "A", "1", 0.3), (DAY_2, "A", "2", 0.4)], SCORED)
    decided = with_decisions(rows, alerted_transactions(rows, alerts_per_day=1, lowest_score=0.1))
    assert sorted((row["tx_day"], row["transaction_id"], row["decision"]) for row in decided.collect()) == [
        (DAY_1, "1", "alert"),
        (DAY_2, "1", "linked"),
        (DAY_2, "2", "alert"),
    ]


def test_a_score_below_the_lowest_raises_no_alert_even_within_the_budget(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(DAY_1, "A", "1", 0.0999), (DAY_1, "B", "2", 0.1)], SCORED)
    alerted = alerted_transactions(rows, alerts_per_day=100, lowest_score=0.1)
    assert [row["transaction_id"] for row in alerted.collect()] == ["2"]


def test_ties_at_the_edge_of_the_budget_go_to_the_smaller_ids(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(DAY_1, "10", "11", 0.5), (DAY_1, "9", "12", 0.5), (DAY_1, "9", "8", 0.5)], SCORED)
    alerted = alerted_transactions(rows, alerts_per_day=1, lowest_score=0.0).collect()
    assert [(row["customer_id"], row["transaction_id"]) for row in alerted] == [("9", "8")]


def test_tasks_score_and_explain_as_a_single_row_on_the_driver_does(spark: SparkSession) -> None:
    dice = np.random.default_rng(3)
    values = np.round(dice.normal(0, 1, (300, 2)), 3)
    names = ("tx_amount", "tx_during_night")
    model = fit("xgboost", values, (values[:, 0] > 0.5).astype(float), names, TrainParams(trees=8))
    payload = spark.sparkContext.broadcast(ModelPayload("v1", model.algorithm, model.features, model.files))
    rows = spark.createDataFrame([(str(n), *map(float, row)) for n, row in enumerate(values[:40])], ("id", *names))
    found = with_scores(rows.repartition(3), payload, keep=("id",)).collect()
    scorer = scorer_of(model.algorithm, names, model.files)
    for row in found:
        assert row["score"] == float(scorer.scores(values[int(row["id"])].reshape(1, -1))[0])
    assert len(found) == 40
    explained = with_reasons(rows.where("id = '7'"), payload, keep=("id",), reasons=1).collect()
    terms = scorer.contributions(values[7].reshape(1, -1))[0]
    best = int(np.argmax(terms))
    expected = [] if terms[best] <= 0 else [(names[best], values[7][best], pytest.approx(terms[best]))]
    assert [tuple(reason) for reason in explained[0]["reasons"]] == expected


def test_a_case_of_a_scenario_counts_until_its_card_is_detected(spark: SparkSession) -> None:
    rows = [(DAY_1, "A", 1, 3), (DAY_2, "A", 1, 3), (DAY_2, "B", 1, 3), (DAY_1, "C", 1, 1), (DAY_1, "D", 0, 0)]
    scored = spark.createDataFrame(rows, "tx_day date, customer_id string, is_fraud int, fraud_scenario int")
    detections = spark.createDataFrame([("A", DAY_1)], "customer_id string, detected_on date")
    found = sorted(map(tuple, scenario_cases(scored, detections).collect()))
    assert found == [(1, 1, 0), (3, 2, 1)]


def test_an_evaluation_puts_the_figures_together(spark: SparkSession) -> None:
    rows = [
        (DAY_1, "A", 0.9, 1, 1),
        (DAY_1, "B", 0.8, 0, 0),
        (DAY_1, "C", 0.1, 1, 2),
        (DAY_2, "A", 0.9, 1, 1),
        (DAY_2, "C", 0.3, 1, 2),
        (DAY_2, "B", 0.2, 0, 0),
    ]
    schema = "tx_day date, customer_id string, score double, is_fraud int, fraud_scenario int"
    result = evaluate(spark.createDataFrame(rows, schema), top_k=1)
    # Day 1: A is looked at and detected. Day 2: A is known, C is looked at and detected.
    assert [day.detected for day in result.days] == [("A",), ("C",)]
    assert result.card_precision == 1.0
    # Cases: A and C on day 1, C on day 2; two of the three were detected.
    assert result.open_cases == {DAY_1: 2, DAY_2: 1}
    assert result.case_recall == pytest.approx(2 / 3)
    # The compromised cards are A and C, and in the end both were detected.
    assert (result.compromised_cards, result.cards_detected, result.budgets[1]) == (2, 1.0, (1.0, 1.0))
    assert result.scenarios == {1: (1, 1), 2: (2, 1)}
    figures = result.metric_rows(1)
    assert ("case_recall_at_1", "all", pytest.approx(2 / 3), 3) in figures
    assert ("case_recall_at_1", "scenario=2", 0.5, 2) in figures
    assert ("cards_detected_at_1", "all", 1.0, 2) in figures
    assert (result.rows, result.frauds) == (6, 4)
