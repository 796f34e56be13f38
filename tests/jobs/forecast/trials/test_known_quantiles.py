"""Bands of a backtest: from errors known at the origin, below zero where demand is, and none without a spread."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.body import with_known_quantiles
from jobs.forecast.trials.origins import Origins

pytestmark = pytest.mark.unit

EARLY, LATE = date(2026, 1, 5), date(2026, 1, 12)
ORIGINS = Origins(("ets",), (LATE, EARLY), 1, (1,), Periods("W"))


def test_a_band_of_negative_demand_is_negative_and_one_without_a_spread_is_unknown(spark: SparkSession) -> None:
    rows = []
    for number in range(60):
        # Errors of -2 to 2 around a forecast of -20, in units of a spread of 1.
        rows += [(f"back {number}", cutoff, 1.0, -20.0 + number % 5 - 2, -20.0) for cutoff in (EARLY, LATE)]
        rows += [(f"sold {number}", cutoff, 1.0, float(number % 5), 0.5) for cutoff in (EARLY, LATE)]
    rows += [("constant", cutoff, None, 2.5, 2.5) for cutoff in (EARLY, LATE)]
    frame = spark.createDataFrame(
        [(name, "ets", "smooth", cutoff, ORIGINS.future(cutoff)[0], 1, y, y_hat, spread, spread, spread)
         for name, cutoff, spread, y, y_hat in rows],
        "unique_id string, model string, demand_class string, cutoff date, ds date, step int, y double, y_hat double, "
        "scale_mae double, scale_mse double, spread double",
    )  # fmt: skip
    none = spark.createDataFrame(
        [], "unique_id string, ds date, net double, later_on array<int>, later_units array<double>"
    )
    found = {
        (row["unique_id"], row["cutoff"]): (row["q100"], row["q900"])
        for row in with_known_quantiles(frame, none, ORIGINS, 121).collect()
    }
    low, high = found["back 0", LATE]
    assert low == -22.0
    assert -19.0 <= high <= -16.0
    assert found["sold 0", LATE][0] == 0.0
    assert found["constant", LATE] == (None, None)
    assert found["back 0", EARLY] == (None, None)
