"""Shares of models: by the errors of a series and of its class, known at the moment of use."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import exp, log

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.origins import Origins
from jobs.forecast.trials.weights import (
    COMBINED,
    FINAL,
    as_known,
    combined,
    model_weights,
    origin_errors,
    uses_of,
    with_weights,
)

pytestmark = pytest.mark.unit

EARLY, LATE = date(2026, 1, 5), date(2026, 2, 2)


def errors(spark: SparkSession, *rows: tuple[str, str, date, float]) -> DataFrame:
    """Errors of the early origin are known at the late one and today, those of the late one today."""
    uses = {EARLY: (LATE, FINAL), LATE: (FINAL,)}
    return spark.createDataFrame(
        [(use, name, "smooth", model, cutoff, error) for name, model, cutoff, error in rows for use in uses[cutoff]],
        "use date, unique_id string, demand_class string, model string, cutoff date, error double",
    )


def shares(frame: DataFrame) -> dict[tuple[date, str], dict[str, float]]:
    found: dict[tuple[date, str], dict[str, float]] = {}
    for row in frame.collect():
        found.setdefault((row["use"], row["unique_id"]), {})[row["model"]] = row["weight"]
    return found


def test_an_origin_knows_the_errors_of_those_whose_last_period_was_over() -> None:
    origins = Origins(("ets",), (LATE, EARLY), 4, (1,), Periods("W"))
    # The last of the four weeks from the early origin is the late origin itself, whose week ends on the Sunday.
    assert sorted(uses_of(origins)) == [(EARLY, LATE, date(2026, 2, 8)), (EARLY, FINAL, FINAL), (LATE, FINAL, FINAL)]
    assert sorted(uses_of(replace(origins, horizon=5))) == [(EARLY, FINAL, FINAL), (LATE, FINAL, FINAL)]


def test_an_error_is_the_one_known_at_its_use_not_that_of_a_return_which_came_later(spark: SparkSession) -> None:
    schema = (
        "unique_id string, demand_class string, model string, cutoff date, ds date, step int, y double, y_hat double, "
        "scale_mse double"
    )
    ds = date(2026, 1, 12)
    rows = spark.createDataFrame([("a", "smooth", "x", EARLY, ds, 1, 4.0, 10.0, 4.0)], schema)
    # Ten were sold; six came back on 1 March, after the late origin.
    returned = days_since_epoch(date(2026, 3, 1))
    corrections = spark.createDataFrame(
        [("a", ds, 4.0, [returned], [-6.0])],
        "unique_id string, ds date, net double, later_on array<int>, later_units array<double>",
    )
    uses = [(EARLY, LATE, date(2026, 2, 8)), (EARLY, FINAL, FINAL)]
    found = origin_errors(as_known(rows, corrections, uses)).collect()
    assert {row["use"]: row["error"] for row in found} == {LATE: 0.0, FINAL: 6.0**2 / 4}


def test_shares_follow_the_errors_of_the_series_and_of_its_class(spark: SparkSession) -> None:
    rows = errors(
        spark,
        ("a", "good", EARLY, 1.0), ("a", "bad", EARLY, 2.0), ("a", "good", LATE, 1.0), ("a", "bad", LATE, 2.0),
        ("b", "good", EARLY, 1.0), ("b", "bad", EARLY, 1.0), ("b", "good", LATE, 1.0), ("b", "bad", LATE, 1.0),
    )  # fmt: skip
    series = spark.createDataFrame([(name, "smooth") for name in "abc"], "unique_id string, demand_class string")
    found = shares(model_weights(rows, series))
    # Relative to the middle of the two, 1.5: ln(2/3) and ln(4/3) for a, 0 for b. The class has four pairs of series and
    # origin of 24 (20 stand for equality); it counts as four origins, a's own as two.
    class_good, class_bad = (log(2 / 3) / 2) * 4 / 24, (log(4 / 3) / 2) * 4 / 24
    raw = {
        "a": [exp(-4 * (2 * log(2 / 3) + 4 * class_good) / 6), exp(-4 * (2 * log(4 / 3) + 4 * class_bad) / 6)],
        "b": [exp(-4 * 4 * class_good / 6), exp(-4 * 4 * class_bad / 6)],
        "c": [exp(-4 * class_good), exp(-4 * class_bad)],  # nothing of its own
    }
    for name, (good, bad) in raw.items():
        assert found[FINAL, name] == pytest.approx({"good": good / (good + bad), "bad": bad / (good + bad)})
    # At the late origin only the early errors are known.
    assert set(found) == {(moment, name) for moment in (LATE, FINAL) for name in "abc"}
    assert found[LATE, "a"]["good"] < found[FINAL, "a"]["good"]


def test_a_model_much_worse_than_the_best_of_its_class_takes_no_part(spark: SparkSession) -> None:
    rows = errors(
        spark,
        *((f"s{n}", model, EARLY, error) for n in range(30) for model, error in (("x", 1.0), ("y", 1.1), ("z", 90.0))),
        ("perfect", "x", EARLY, 0.0), ("perfect", "y", EARLY, 0.0),
    )  # fmt: skip
    series = spark.createDataFrame([("s1", "smooth"), ("perfect", "smooth")], "unique_id string, demand_class string")
    found = shares(model_weights(rows, series))
    assert {name: set(models) for (use, name), models in found.items() if use == FINAL} == {
        "s1": {"x", "y"},
        "perfect": {"x", "y"},
    }
    assert sum(found[FINAL, "perfect"].values()) == pytest.approx(1)


def test_the_weighted_mean_of_an_origin_has_the_shares_known_at_it(spark: SparkSession) -> None:
    schema = (
        "unique_id string, model string, cutoff date, ds date, step int, y double, y_hat double, scale_mae double, "
        "scale_mse double, spread double"
    )
    rows = spark.createDataFrame(
        [
            ("a", "x", LATE, date(2026, 2, 9), 1, 10.0, 8.0, 1.0, 2.0, 3.0),
            ("a", "y", LATE, date(2026, 2, 9), 1, 10.0, 12.0, 1.0, 2.0, 3.0),
            ("a", "x", EARLY, date(2026, 1, 12), 1, 10.0, 8.0, 1.0, 2.0, 3.0),
        ],
        schema,
    )
    weights = spark.createDataFrame(
        [(LATE, "a", "x", 0.75, 1), (LATE, "a", "y", 0.25, 1), (FINAL, "a", "y", 1.0, 2)],
        "use date, unique_id string, model string, weight double, origins int",
    )
    (row,) = combined(rows, weights).collect()
    assert (row["model"], row["cutoff"], row["y_hat"], row["y"], row["spread"]) == (COMBINED, LATE, 9.0, 10.0, 3.0)


def test_a_model_that_failed_leaves_its_share_to_the_others(spark: SparkSession) -> None:
    trials = spark.createDataFrame(
        [("a", "x", "scored"), ("a", "y", "failed"), ("a", "z", "scored"), ("a", COMBINED, "scored"),
         ("b", "x", "failed"), ("b", "y", "scored"), ("b", "z", "scored"), ("c", "x", "failed")],
        "unique_id string, model string, status string",
    )  # fmt: skip
    weights = spark.createDataFrame(
        [(FINAL, "a", "x", 0.6, 3), (FINAL, "a", "y", 0.2, 3), (FINAL, "a", "z", 0.2, 3), (FINAL, "b", "x", 1.0, 0)],
        "use date, unique_id string, model string, weight double, origins int",
    )
    found = {(row["unique_id"], row["model"]): row for row in with_weights(trials, weights).collect()}
    assert {key: row["weight"] for key, row in found.items() if row["weight"] is not None} == pytest.approx(
        {("a", "x"): 0.75, ("a", "z"): 0.25, ("b", "y"): 0.5, ("b", "z"): 0.5}
    )
    assert {key for key, row in found.items() if row["is_champion"]} == {("a", "x"), ("b", "y")}
    assert found["a", "x"]["chosen_because"] == "75 % by its errors from 3 origins and those of its class"
