"""What each step of a forecast adds, on the same rows, with a paired interval."""

from __future__ import annotations

import time
from datetime import date, datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.planning.fans import verdict_words
from jobs.forecast.planning.ledger import (
    Gain,
    best_known,
    known_scores,
    ledger_rows,
    made_steps,
    paired_gain,
    step_errors,
)
from jobs.forecast.trials.weights import FINAL

pytestmark = pytest.mark.unit

C1, C2, P2, P3 = date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)


def test_a_gain_has_the_interval_of_a_ratio_over_series() -> None:
    # Eight series of 10 units; four errors fell by 2, four by 0: G = 8 / 80. d - G a is 1 or -1 each, so the sum of
    # squares is 8; 8 / 7 of it, its root over 80, times 1.96 is .0741.
    gain = paired_gain(8, 80.0, 8.0, 16.0, 80.0, 800.0)
    assert gain is not None
    assert (gain.gain, gain.low, gain.high) == pytest.approx((0.1, 0.0259, 0.1741), abs=1e-4)
    assert gain.verdict == "adds"
    assert paired_gain(7, 70.0, 7.0, 14.0, 70.0, 700.0) == Gain(0.1, None, None)
    assert paired_gain(8, 0.0, 0.0, 0.0, 0.0, 0.0) is None
    assert [Gain(0.0, -0.1, 0.1).verdict, Gain(-0.2, -0.3, -0.1).verdict] == ["not certain", "subtracts"]


def test_the_best_single_model_is_the_best_of_what_was_known_at_the_origin() -> None:
    scores = [
        {"use": C2, "model": model, "error": error, "rows": rows}
        for model, error, rows in (("ets", 4.0, 4), ("tsb", 8.0, 4), ("theta", 1.0, 2))
    ]
    # Theta could not forecast half of the rows.
    assert best_known(scores) == {C2: "ets"}


def test_a_model_is_scored_by_what_was_known_of_demand_at_the_origin(spark: SparkSession) -> None:
    said = {("ets", C1): 9.0, ("tsb", C1): 4.0, ("combined", C1): 10.0, ("ets", C2): 0.0, ("tsb", C2): 10.0}
    rows = [
        ("a", model, cutoff, P2 if cutoff == C1 else P3, 1, 4.0, value, 4.0) for (model, cutoff), value in said.items()
    ]
    backtests = spark.createDataFrame(
        rows, "unique_id string, model string, cutoff date, ds date, step int, y double, y_hat double, scale_mse double"
    )
    # Ten were sold; six came back after the second origin.
    demand = spark.createDataFrame(
        [("a", P2, 4.0, [days_since_epoch(P3)], [-6.0])],
        "unique_id string, ds date, net double, later_on array<int>, later_units array<double>",
    )
    found = known_scores(backtests, demand, [(C1, C2, C2), (C1, FINAL, FINAL), (C2, FINAL, FINAL)]).collect()
    assert sorted((row["use"], row["model"], row["error"], row["rows"]) for row in found) == [
        (C2, "ets", 1 / 4, 1),
        (C2, "tsb", 36 / 4, 1),
    ]


def test_steps_are_scored_on_the_rows_that_all_of_them_have(spark: SparkSession) -> None:
    made = {"seasonal_naive": 6.0, "ets": 8.0, "combined": 9.0}
    rows = [("a", model, C2, P2, 10.0, value) for model, value in made.items()]
    # Without a weighted mean: does not count.
    rows += [("a", "seasonal_naive", C2, P3, 10.0, 0.0), ("a", "ets", C2, P3, 10.0, 0.0)]
    backtests = spark.createDataFrame(
        rows, "unique_id string, model string, cutoff date, ds date, y double, y_hat double"
    )
    local = backtests.where("model = 'ets'").selectExpr("unique_id", "cutoff", "ds", "y", "9.5D AS y_hat")
    series = spark.createDataFrame([("a", None, "lumpy")], "unique_id string, level string, demand_class string")
    sums, steps = step_errors(backtests, {C2: "ets"}, {"weights": local, "gates": local}, series)
    found = ledger_rows(sums.collect(), steps, P3)
    names = ["seasonal naive", "best single model", "weights", "gates", "global model"]
    assert [(row["demand_class"], row["name"]) for row in found] == [
        (one, name) for one in ("all", "lumpy") for name in names
    ]
    assert [row["wape"] for row in found[:5]] == pytest.approx([0.4, 0.2, 0.05, 0.05, 0.1])
    assert [row["gain"] for row in found[1:5]] == pytest.approx([0.2, 0.15, 0.0, -0.05])
    assert [row["gain_over_naive"] for row in found[1:5]] == pytest.approx([0.2, 0.35, 0.35, 0.3])
    # One series has no interval: its step may subtract, and the page says that this may be chance.
    assert verdict_words(found) == ["The step “global model” may subtract: 5.0 points, which may be chance."]


def test_the_origin_of_an_hour_is_not_read_by_the_clock_of_the_driver(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon, one = datetime(2026, 1, 1, 12), datetime(2026, 1, 1, 13)
    made = {"seasonal_naive": 6.0, "ets": 8.0, "combined": 9.0}
    rows = [("a", model, str(noon), str(one), 10.0, value) for model, value in made.items()]
    backtests = spark.createDataFrame(
        rows, "unique_id string, model string, cutoff string, ds string, y double, y_hat double"
    ).withColumns({name: F.col(name).cast("timestamp_ntz") for name in ("cutoff", "ds")})
    series = spark.createDataFrame([("a", None, "lumpy")], "unique_id string, level string, demand_class string")
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        sums, steps = step_errors(backtests, {noon: "ets"}, {}, series)
        found = ledger_rows(sums.collect(), steps, P3)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert [row["wape"] for row in found[:3]] == pytest.approx([0.4, 0.2, 0.1])


def test_gates_leave_out_a_model_that_the_weights_alone_would_keep(spark: SparkSession) -> None:
    said = {("ets", C1, P2): 9.0, ("tsb", C1, P2): 0.0, ("ets", C2, P3): 8.0, ("tsb", C2, P3): 4.0}
    rows = [("a", *key, 1, 10.0, value, 1.0, 1.0, 1.0) for key, value in said.items()]
    backtests = spark.createDataFrame(
        rows,
        "unique_id string, model string, cutoff date, ds date, step int, y double, y_hat double, scale_mae double, "
        "scale_mse double, spread double",
    )
    demand = spark.createDataFrame(
        [], "unique_id string, ds date, net double, later_on array<int>, later_units array<double>"
    )
    classes = spark.createDataFrame([("a", "lumpy")], "unique_id string, demand_class string")
    made = made_steps(backtests, demand, classes, [(C1, C2, C2)], {"ets", "tsb", "lightgbm"})
    found = {name: [(row["cutoff"], row["y_hat"]) for row in one.collect()] for name, one in made.items()}
    # At the first origin TSB was wrong by 10 of 10, ETS by 1. Relative to their middle, 50.5, that is ln 1 / 50.5 and
    # ln 100 / 50.5; the class of one series believes 1 / 21 of it and counts as four origins. So the scores are
    # -.934 and .163, and the share of TSB is 1 / (1 + e^(4 x 1.097)) = .0123, less than 2 %.
    assert found["gates"] == [(C2, 8.0)]
    ((cutoff, weighted),) = found["weights"]
    assert (cutoff, weighted) == (C2, pytest.approx(8 - 4 * 0.0123, abs=1e-3))
    assert list(made_steps(backtests, demand, classes, [(C1, C2, C2)], {"ets", "tsb"})) == ["weights"]
