"""A model is used from the moment on by which its labels were known, and what is compared is measured on one test."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from card_bank import Bank
from pyspark.sql import DataFrame, SparkSession
from small_bank_lake import FIRST, at, day, lay_down, lay_features, lay_frauds

from common.job.declaration import Job
from jobs.fraud import evaluate, score, train
from jobs.fraud.evaluation import body as evaluate_body
from jobs.fraud.evaluation.tables import EVALUATIONS
from jobs.fraud.scoring.tables import SCORES
from jobs.fraud.training import body as train_body
from jobs.fraud.training.tables import MODELS
from jobs.fraud.velocity.tables import FEATURE_ROWS, FEATURES

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

LINEAR = ("--set", "algorithms=[logistic_regression]", "--set", "smallest_class_rows=1")


def days(first: int, last: int) -> tuple[str, ...]:
    return ("--from", str(day(first)), "--to", str(day(last)))


@pytest.fixture(scope="module")
def laid(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Three days of training (0 to 2), a label delay of 7 that ends as day 10 begins, and a test from there on."""
    bank = Bank(spark, tmp_path_factory.mktemp("laid") / "lake")
    lay_features(
        bank,
        (1, 0, "A", 900.0),
        (2, 0, "B", 10.0),
        (3, 1, "C", 20.0),
        (4, 2, "D", 30.0),
        (5, 10, "E", 800.0),
        (6, 10, "A", 10.0),
        (7, 11, "B", 15.0),
        (8, 11, "F", 12.0),
    )
    lay_frauds(bank, (1, 0, "A", at(0)), (4, 2, "D", at(12)), (5, 10, "E", at(10)))
    return bank


@pytest.fixture(scope="module")
def model(laid: Bank, tmp_path_factory: pytest.TempPathFactory, no_ops_rows: None) -> tuple[Bank, str]:
    """That lake with a model of the days 0 to 2, and its version."""
    bank = copy_of(laid, tmp_path_factory.mktemp("trained"))
    return bank, trained(bank, *days(0, 2))


@pytest.fixture
def untrained(laid: Bank, tmp_path: Path) -> Bank:
    """The lake without a model, for one test."""
    return copy_of(laid, tmp_path)


@pytest.fixture
def bank(model: tuple[Bank, str], tmp_path: Path) -> Bank:
    """The lake with its model, for one test."""
    return copy_of(model[0], tmp_path)


@pytest.fixture
def version(model: tuple[Bank, str]) -> str:
    """The version of the model."""
    return model[1]


def copy_of(bank: Bank, folder: Path) -> Bank:
    shutil.copytree(bank.root, folder / "lake")
    return Bank(bank.spark, folder / "lake")


def trained(bank: Bank, *arguments: str) -> str:
    """The version of the model that the run trains."""
    before = {version for version, _ in models(bank)}
    assert bank.run(train.JOB, *arguments, *LINEAR) == 0
    (version,) = {version for version, _ in models(bank)} - before
    return version


def models(bank: Bank) -> list[tuple[str, str]]:
    """Version and moment (UTC) of each registered model."""
    if not bank.lake.exists(MODELS):
        return []
    rows = bank.lake.read(MODELS).selectExpr("model_version", "CAST(labels_known_by AS STRING) AS moment").collect()
    return [(row["model_version"], row["moment"]) for row in rows]


def card(bank: Bank, version: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((bank.root / "models/fraud" / version / "card.json").read_text())
    return found


def code(bank: Bank, job: Job) -> str:
    return str(bank.record(job)["error"]["code"])


def page(bank: Bank, job: Job) -> str:
    """The report of the last run."""
    files = (bank.root / "reports/fraud" / job.short_name).glob("*.html")
    return max(files, key=lambda file: file.stat().st_mtime).read_text()


def begins(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Runs start at ``moment``."""
    monkeypatch.setattr("common.run.runner.utc_now", lambda: moment)


def test_a_model_says_in_register_and_card_by_when_its_labels_were_known(bank: Bank, version: str) -> None:
    assert models(bank) == [(version, "2026-03-12 00:00:00")]
    assert card(bank, version)["labels_known_by"] == "2026-03-12T00:00:00+00:00"
    # The report of transaction 4 came on day 12, after the moment: of the four rows one is a fraud.
    assert (card(bank, version)["rows"], card(bank, version)["frauds"]) == (4, 1)


def test_the_latest_model_is_one_whose_labels_were_known_when_the_scored_day_began(bank: Bank, version: str) -> None:
    assert bank.run(score.JOB, *days(9, 10), "--set", "algorithm=logistic_regression") == 4
    assert code(bank, score.JOB) == "FRD-007"
    assert bank.run(score.JOB, *days(10, 10), "--set", "algorithm=logistic_regression") == 0
    assert {row["model_version"] for row in bank.lake.read(SCORES).collect()} == {version}


def test_a_model_of_free_columns_scores_by_them_names_them_in_its_card_and_refuses_features_without_them(
    untrained: Bank,
) -> None:
    bank, amount = untrained, 10.0
    odd = {"extra_numbers": {"score": 7219.0}, "extra_categories": {"tier": "odd"}}
    even = {"extra_numbers": {"score": 1.0}, "extra_categories": {"tier": "even"}}
    missing = {"extra_numbers": {"score": None}, "extra_categories": {"tier": "new"}}
    lay_features(
        bank,
        *((number, on, card, amount) for number, on, card in ((1, 0, "A"), (2, 0, "B"), (3, 1, "C"), (4, 2, "D"))),
        *((number, 10, card, amount) for number, card in ((5, "E"), (6, "F"), (7, "G"))),
        (8, 11, "F", amount),
        free={1: odd, 2: even, 3: even, 4: even, 5: odd, 6: even, 7: missing},
    )
    version = trained(bank, *days(0, 2), "--set", "smallest_category_rows=1")
    free = ["extra.score", "extra.tier=even", "extra.tier=odd"]
    assert card(bank, version)["features"] == [*FEATURES, *free]
    assert bank.run(score.JOB, *days(10, 10), "--set", "algorithm=logistic_regression") == 0
    rows = bank.lake.read(SCORES).orderBy("transaction_id").collect()
    scores = [row["score"] for row in rows]
    assert scores[0] > scores[2] > scores[1]
    # All other features are the same in all rows: the free ones are the reasons.
    assert sorted(one["feature"] for one in rows[0]["reasons"]) == free
    assert "extra.score" in page(bank, score.JOB)
    # The values of free columns are personal.
    assert not re.search("7,?219", page(bank, score.JOB))
    assert "extra.tier=" not in page(bank, score.JOB)
    assert bank.run(score.JOB, *days(11, 11), "--set", "algorithm=logistic_regression") == 4
    assert code(bank, score.JOB) == "FRD-028"


def test_a_named_model_that_knows_later_labels_scores_only_when_allowed_and_page_and_record_say_it(
    bank: Bank, version: str
) -> None:
    assert bank.run(score.JOB, *days(1, 2), "--set", f"model={version}") == 2
    assert code(bank, score.JOB) == "FRD-026"
    assert not bank.lake.exists(SCORES)
    assert bank.run(score.JOB, *days(1, 2), "--set", f"model={version}", "--set", "allow_later_model=true") == 0
    assert bank.record(score.JOB)["counts"]["scored_by_later_model"] == 1
    assert "trained on labels known by 2026-03-12 00:00 UTC" in page(bank, score.JOB)


def test_a_named_model_is_tested_only_on_days_after_the_moment_of_its_labels(bank: Bank, version: str) -> None:
    assert bank.run(evaluate.JOB, *days(9, 11), "--set", f"models=[{version}]") == 2
    assert code(bank, evaluate.JOB) == "FRD-023"
    assert bank.run(evaluate.JOB, *days(10, 11), "--set", f"models=[{version}]") == 0


def test_a_test_waits_for_its_own_labels_and_a_later_one_takes_the_place_of_its_figures(
    bank: Bank, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The labels of day 11 are complete as day 19 begins.
    begins(monkeypatch, at(18, hour=22))
    assert bank.run(evaluate.JOB, *days(10, 11)) == 4
    assert code(bank, evaluate.JOB) == "FRD-027"
    begins(monkeypatch, at(18, hour=23))
    assert bank.run(evaluate.JOB, *days(10, 11), "--set", "allow_unripe_labels=true", "--set", "top_k=5") == 0
    assert bank.record(evaluate.JOB)["counts"]["tested_on_unripe_labels"] == 1
    assert not bank.lake.read(EVALUATIONS).where("metric = 'card_precision_at_5'").isEmpty()
    begins(monkeypatch, at(19))
    assert bank.run(evaluate.JOB, *days(10, 11), "--set", "top_k=3") == 0
    rows = bank.lake.read(EVALUATIONS).where("metric LIKE 'card_precision%'").collect()
    assert {row["metric"] for row in rows} == {"card_precision_at_3"}


def test_a_register_of_an_earlier_release_takes_the_moment_from_the_card(bank: Bank, version: str) -> None:
    held = [row.asDict() for row in bank.lake.read(MODELS).collect()]
    old = [{**row, "trained_at": at(20), "labels_known_by": None} for row in held]
    lay_down(bank, MODELS, old, without=["labels_known_by"])
    fields = {name: value for name, value in card(bank, version).items() if name != "labels_known_by"}
    (bank.root / "models/fraud" / version / "card.json").write_text(json.dumps(fields))
    assert bank.run(evaluate.JOB, *days(9, 11)) == 4
    assert code(bank, evaluate.JOB) == "FRD-008"
    assert bank.run(evaluate.JOB, *days(10, 11)) == 0


def test_days_whose_label_delay_has_not_passed_train_no_model(untrained: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    begins(monkeypatch, at(9, hour=23))
    assert untrained.run(train.JOB, *days(0, 2), *LINEAR) == 4
    assert code(untrained, train.JOB) == "FRD-027"
    begins(monkeypatch, at(10, hour=0))
    assert trained(untrained, *days(0, 2))


def test_trained_on_unripe_labels_a_model_knows_what_was_known_at_the_start_of_the_run(
    untrained: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_frauds(untrained, (1, 0, "A", at(0)), (3, 1, "C", at(5, hour=5)), (4, 2, "D", at(5, hour=7)))
    begins(monkeypatch, at(5, hour=6))
    version = trained(untrained, *days(0, 2), "--set", "allow_unripe_labels=true")
    assert models(untrained) == [(version, "2026-03-07 06:00:00")]
    assert card(untrained, version)["frauds"] == 2
    assert untrained.record(train.JOB)["counts"]["trained_on_unripe_labels"] == 1
    assert "frauds without a report count as honest" in page(untrained, train.JOB)


def test_train_counts_feature_rows_and_its_models_beside(bank: Bank) -> None:
    counts = bank.record(train.JOB)["counts"]
    assert (counts["rows_read"], counts["rows_written"], counts["models"], counts["new_models"]) == (4, 4, 1, 1)


def losing_rows(step: Callable[..., DataFrame]) -> Callable[..., DataFrame]:
    """The step, but it loses the transactions 2 and 7."""
    return lambda *rows, **settings: step(*rows, **settings).where("transaction_id NOT IN ('2', '7')")


def test_a_row_lost_on_the_way_into_the_fit_fails_the_training_and_leaves_no_model(
    untrained: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_body, "labelled", losing_rows(train_body.labelled))
    assert untrained.run(train.JOB, *days(0, 2), *LINEAR) == 1
    assert code(untrained, train.JOB) == "RUN-001"
    assert not untrained.lake.exists(MODELS)
    assert not (untrained.root / "models").exists()


@pytest.mark.parametrize("step", ["labelled", "with_scores", "without_known_cards"])
def test_a_row_lost_on_the_way_to_its_score_fails_the_evaluation_and_publishes_nothing(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(evaluate_body, step, losing_rows(getattr(evaluate_body, step)))
    assert bank.run(evaluate.JOB, *days(10, 11)) == 1
    assert code(bank, evaluate.JOB) == "RUN-001"
    assert not bank.lake.exists(EVALUATIONS)


def test_models_are_compared_on_the_rows_on_which_all_of_them_may_be_tested(untrained: Bank) -> None:
    # The frauds of A and B on day 0 are known from day 8 on, to a model that was trained on day 0.
    lay_frauds(untrained, (1, 0, "A", at(0)), (2, 0, "B", at(0)), (4, 2, "D", at(2)), (5, 10, "E", at(10)))
    younger = trained(untrained, *days(1, 2))
    assert untrained.run(evaluate.JOB, *days(10, 11)) == 0
    # Alone, the younger model is measured on all four rows: it was not trained on day 0.
    assert measured(untrained) == {younger: (4, day(1))}
    elder = trained(untrained, *days(0, 2))
    assert untrained.run(evaluate.JOB, *days(10, 11)) == 0
    # Transactions 6 and 7 are of A and B: left out for both models.
    assert measured(untrained) == {younger: (2, day(0)), elder: (2, day(0))}
    counts = untrained.record(evaluate.JOB)["counts"]
    assert (counts["rows_read"], counts["rows_written"], counts["rows_filtered"]) == (4, 2, 2)
    assert (counts["test_cards"], counts["known_cards_left_out"]) == (2, 2)
    text = page(untrained, evaluate.JOB)
    assert f"All 2 models are measured on the same 2 transactions of 2 cards; frauds from {FIRST} on" in text
    assert "left out: 2 transactions of 2 known cards" in text


def measured(bank: Bank) -> dict[str, tuple[int, date]]:
    """Model -> how many rows its area under the curve was measured on, and from when on frauds make a card known."""
    rows = bank.lake.read(EVALUATIONS).where("metric = 'auc_roc'").collect()
    return {row["model_version"]: (row["support"], row["cards_known_from"]) for row in rows}


def test_scores_are_taken_away_with_the_transactions_of_their_day(bank: Bank) -> None:
    """As a feed whose days were read wrongly leaves them, once it is mapped again."""
    settings = ("--set", "algorithm=logistic_regression", "--set", "alerts_per_day=1")
    assert bank.run(score.JOB, "--day", str(day(10)), *settings) == 0
    assert bank.run(score.JOB, "--changed", *settings) == 0
    assert days_scored(bank) == {day(10): 2, day(11): 2}
    bank.spark.sql(f"DELETE FROM delta.`{bank.lake.path(FEATURE_ROWS)}` WHERE tx_day = DATE'{day(11)}'")
    assert bank.run(score.JOB, "--changed", *settings) == 0
    assert days_scored(bank) == {day(10): 2}
    # A day that a person asks for is another matter.
    assert bank.run(score.JOB, "--day", str(day(11)), *settings) == 4


def days_scored(bank: Bank) -> dict[date, int]:
    return {row["tx_day"]: row["count"] for row in bank.lake.read(SCORES).groupBy("tx_day").count().collect()}
