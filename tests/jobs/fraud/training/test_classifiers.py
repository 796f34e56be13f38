from __future__ import annotations

import json
import math
from typing import Literal

import numpy as np
import pytest
from pyspark.sql import SparkSession
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common.errors import ContractError
from jobs.fraud.scoring.scorers import scorer_of
from jobs.fraud.scoring.steps import reasons_of
from jobs.fraud.training.classifiers import check_classes, check_finite, fit
from jobs.fraud.training.cluster import fit_on_cluster
from jobs.fraud.training.params import TrainParams
from jobs.fraud.training.scaling import Scaler

pytestmark = pytest.mark.unit

NAMES = ("amount", "count", "constant")
Algorithm = Literal["logistic_regression", "xgboost"]


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(5)
    values = np.column_stack([dice.normal(50, 20, 400), dice.integers(0, 9, 400), np.full(400, 7.0)])
    truth = (values[:, 0] + 5 * values[:, 1] + dice.normal(0, 10, 400) > 90).astype(float)
    return values, truth


def test_the_scaler_divides_by_the_population_deviation_and_leaves_a_constant_at_zero() -> None:
    scaler = Scaler.fitted(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert scaler == Scaler((2.0, 5.0), (1.0, 1.0))
    assert scaler.scaled(np.array([[4.0, 6.0]])).tolist() == [[2.0, 1.0]]


@pytest.mark.parametrize("algorithm", ["logistic_regression", "xgboost"])
def test_the_same_rows_and_settings_give_the_same_model_to_the_byte(
    rows: tuple[np.ndarray, np.ndarray], algorithm: Algorithm
) -> None:
    params = TrainParams(trees=5)
    first, second = (fit(algorithm, *rows, NAMES, params) for _ in range(2))
    assert first.sha256 == second.sha256
    assert fit(algorithm, rows[0], rows[1][::-1].copy(), NAMES, params).sha256 != first.sha256


@pytest.mark.parametrize("algorithm", ["logistic_regression", "xgboost"])
def test_a_free_number_may_be_missing_and_a_category_counts_by_its_value(algorithm: Algorithm) -> None:
    names = ("amount", "extra.score", "extra.tier=gold")
    scores = [900.0, 100.0, math.nan, 500.0] * 50
    values = np.column_stack([np.full(200, 10.0), scores, [0.0, 0.0, 1.0, 0.0] * 50])
    truth = np.array([1.0, 0.0, 1.0, 0.0] * 50)
    check_finite(values, names)
    model = fit(algorithm, values, truth, names, TrainParams(trees=20))
    assert json.loads(model.files["scaler.json"])["means"] == [10.0, 500.0, 0.25]
    scorer = scorer_of(model.algorithm, model.features, model.files)
    high, low, gold, middle = scorer.scores(values[:4])
    assert min(high, gold) > 0.8 > 0.3 > low
    # Logistic regression takes the mean for what is missing.
    missing = scorer.scores(np.array([[10.0, math.nan, 0.0]]))[0]
    if algorithm == "logistic_regression":
        assert missing == middle
    terms = scorer.contributions(values[2:3])
    reason = reasons_of(names, values[2:3], terms, 1)[0][0]
    assert (reason["feature"], reason["value"]) in [("extra.tier=gold", 1.0), ("extra.score", None)]
    with pytest.raises(ContractError, match="not finite") as caught:
        check_finite(np.array([[math.nan, math.nan, 0.0]]), names)
    assert caught.value.cause == "In amount."


def test_logistic_regression_scores_as_scikit_learn_does_from_its_json_alone(
    rows: tuple[np.ndarray, np.ndarray],
) -> None:
    values, truth = rows
    model = fit("logistic_regression", values, truth, NAMES, TrainParams())
    assert set(model.files) == {"scaler.json", "coefficients.json"}
    scaler = StandardScaler().fit(values)
    oracle = LogisticRegression(random_state=0, max_iter=1000).fit(scaler.transform(values), truth)
    scores = scorer_of(model.algorithm, model.features, model.files).scores(values)
    assert scores == pytest.approx(oracle.predict_proba(scaler.transform(values))[:, 1], abs=1e-12)


@pytest.mark.parametrize("algorithm", ["logistic_regression", "xgboost"])
def test_contributions_and_one_constant_add_up_to_the_log_odds(
    rows: tuple[np.ndarray, np.ndarray], algorithm: Algorithm
) -> None:
    model = fit(algorithm, *rows, NAMES, TrainParams(trees=10))
    scorer = scorer_of(algorithm, NAMES, model.files)
    scores = scorer.scores(rows[0][:50])
    terms = scorer.contributions(rows[0][:50])
    assert terms.shape == (50, len(NAMES))
    rest = np.log(scores / (1 - scores)) - terms.sum(axis=1)
    assert rest == pytest.approx(np.full(50, rest[0]), abs=1e-4)


def test_extreme_rows_score_between_zero_and_one(rows: tuple[np.ndarray, np.ndarray]) -> None:
    model = fit("logistic_regression", *rows, NAMES, TrainParams())
    far = np.array([[1e9, 1e9, 7.0], [-1e9, -1e9, 7.0]])
    assert scorer_of(model.algorithm, NAMES, model.files).scores(far).tolist() == [1.0, 0.0]


def test_the_card_holds_the_defaults_that_xgboost_really_used(rows: tuple[np.ndarray, np.ndarray]) -> None:
    model = fit("xgboost", *rows, NAMES, TrainParams(trees=3))
    learner = model.effective["config"]["learner"]
    assert float(str(learner["learner_model_param"]["base_score"]).strip("[]")) == 0.5
    assert learner["gradient_booster"]["gbtree_train_param"]["tree_method"] == "exact"
    assert "reg_lambda" in json.dumps(model.effective) or "lambda" in json.dumps(model.effective)
    assert model.effective["library"].startswith("xgboost ")


@pytest.mark.parametrize(
    ("number", "frauds", "found"),
    [
        (1_000, 0, "0 frauds and 1,000 honest rows;"),
        (1_000, 1_000, "1,000 frauds and 0 honest rows;"),
        (1_000, 9, "9 frauds and 991 honest rows;"),
        (2, 1, "1 fraud and 1 honest row;"),
    ],
)
def test_too_few_rows_of_a_class_are_refused_with_their_numbers(number: int, frauds: int, found: str) -> None:
    with pytest.raises(ContractError) as raised:
        check_classes(number, frauds, smallest_class_rows=10)
    assert raised.value.code == "FRD-020"
    assert raised.value.cause.startswith(found)


def test_ten_of_each_class_are_enough_when_ten_are_asked_for() -> None:
    check_classes(20, 10, smallest_class_rows=10)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_feature_that_is_not_finite_is_named(value: float) -> None:
    with pytest.raises(ContractError, match="not finite") as raised:
        check_finite(np.array([[1.0, value, 2.0]]), NAMES)
    assert (raised.value.code, raised.value.cause) == ("FRD-021", "In count.")


def test_reasons_are_the_largest_positive_contributions_and_ties_keep_the_order_of_the_features() -> None:
    values = np.array([[10.0, 2.0, 7.0]])
    found = reasons_of(NAMES, values, np.array([[0.5, -1.0, 0.5]]), 3)
    assert found == [
        [
            {"feature": "amount", "value": 10.0, "contribution": 0.5},
            {"feature": "constant", "value": 7.0, "contribution": 0.5},
        ]
    ]
    assert reasons_of(NAMES, values, np.array([[0.1, 0.3, 0.2]]), 1)[0][0]["feature"] == "count"


@pytest.mark.parametrize("algorithm", ["logistic_regression", "xgboost"])
def test_the_cluster_trains_on_missing_values_as_the_driver_does(spark: SparkSession, algorithm: Algorithm) -> None:
    names = ("tx_amount", "extra.score", "extra.tier=gold")
    data = [(10.0, 900.0, 0.0, 1), (11.0, 100.0, 0.0, 0), (10.0, None, 1.0, 1), (12.0, 500.0, 0.0, 0)] * 50
    rows = spark.createDataFrame(data, "tx_amount double, _free_1 double, _free_2 double, is_fraud int")
    params = TrainParams(trees=5, cluster_workers=1)
    values = np.array([[math.nan if value is None else value for value in row[:3]] for row in data])
    models = (
        fit_on_cluster(algorithm, rows, names, params),
        fit(algorithm, values, [row[3] for row in data], names, params),
    )
    on_cluster, on_driver = (scorer_of(one.algorithm, one.features, one.files).scores(values[:4]) for one in models)
    assert on_cluster == pytest.approx(on_driver, abs=0.01)
    assert min(on_cluster[0], on_cluster[2]) > 0.7 > 0.3 > max(on_cluster[1], on_cluster[3])
