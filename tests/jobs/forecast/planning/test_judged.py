"""Steps that no backtest tries, scored on the last forecast whose demand is known by now."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.planning.judged import judged_rows, judged_sums, pairs_of, with_truth

pytestmark = pytest.mark.unit

THEN, TODAY, FIRST = date(2026, 3, 1), date(2026, 3, 23), date(2026, 3, 2)


def week(number: int) -> date:
    """The weeks around the day of the forecast: 0 is the first one that was forecast."""
    return FIRST + timedelta(days=7 * number)


def test_each_step_is_scored_against_what_it_replaced_and_the_naive_of_its_day(spark: SparkSession) -> None:
    past = [("mug", week(n - 5), float(n + 1), None, None, None) for n in range(4)]
    # Two of five units of the last week came back after the day of the forecast.
    past += [("mug", week(-1), 3.0, 3.0, [days_since_epoch(week(1))], [-2.0])]
    past += [("bag", week(-2), 2.0, None, None, None), ("bag", week(-1), 7.0, None, None, None)]
    known = [("mug", 10.0), ("mug", None), ("mug", 4.0)]
    came = [(name, week(n), y, None, None, None) for n, (name, y) in enumerate(known)]
    demand = spark.createDataFrame(
        [*past, *came, ("bag", week(0), 1.0, None, None, None)],
        "unique_id string, ds date, y double, net double, later_on array<int>, later_units array<double>",
    )
    forecasts = spark.createDataFrame(
        [
            ("mug", week(0), 1, "combined", 8.0, 5.0),
            ("mug", week(1), 2, "combined", 1.0, 2.0),
            ("mug", week(2), 3, "combined", 4.0, None),
            ("bag", week(0), 1, "seasonal_naive", 7.0, None),
        ],
        "unique_id string, ds date, step int, model string, y_hat double, statistical_y_hat double",
    )
    judged = with_truth(forecasts, demand, THEN, FIRST, 2, Periods("W"))
    # The mug has two seasons of two weeks and a week more: 4 and 5, as known then. The bag has its last value.
    assert sorted((row["unique_id"], row["step"], row["y"], row["naive"]) for row in judged.collect()) == [
        ("bag", 1, 1.0, 7.0),
        ("mug", 1, 10.0, 4.0),
        ("mug", 3, 4.0, 4.0),
    ]
    reconciled = spark.createDataFrame(
        [("mug", week(0), 8.0, 9.0)], "unique_id string, ds date, base_y_hat double, y_hat double"
    )
    levels = spark.createDataFrame([("mug", None), ("bag", None)], "unique_id string, level string")
    rows = judged_rows(judged_sums(pairs_of(judged, reconciled), levels).collect(), TODAY)
    assert [(row["step"], row["name"], row["series"]) for row in rows] == [
        (8, "fallback", 1),
        (9, "overrides", 1),
        (10, "reconciliation", 1),
    ]
    # The fallback was the naive, 6 units wrong. The override was wrong by 2 of 10 units, 5 without it, 6 by the naive;
    # the coherent forecast by 1, and by 2 before.
    assert [row["wape"] for row in rows] == pytest.approx([6.0, 0.2, 0.1])
    assert [row["gain"] for row in rows] == pytest.approx([0.0, 0.3, 0.1])
    assert [row["gain_over_naive"] for row in rows] == pytest.approx([0.0, 0.4, 0.5])
    assert judged_rows(judged_sums(pairs_of(judged, None), levels.where("unique_id = 'cup'")).collect(), TODAY) == []
