"""Forecasts in any case: what the global model could not do, and why, stands beside the fallback."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import NoReturn

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from jobs.forecast.demand.periods import Periods
from jobs.forecast.forecasts import steps as under_test
from jobs.forecast.forecasts.body import warn_of_failures
from jobs.forecast.forecasts.steps import global_forecasts, local_forecasts, with_global
from jobs.forecast.trials.global_model import Boosting

pytestmark = pytest.mark.unit

MONDAY = date(2026, 1, 5)
WEEKS = Periods("W")


def test_a_global_model_that_breaks_says_by_which_class_of_error(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> NoReturn:
        raise RuntimeError("ann@example.org bought 7")

    monkeypatch.setattr(under_test, "boosted", broken)
    rows = pd.DataFrame(
        {
            "unique_id": ["a", "a", "b", "b"],
            "ds": [MONDAY, MONDAY + timedelta(days=7)] * 2,
            "y": [1.0, 2.0, 3.0, 4.0],
            "models": [None, ["lightgbm"], None, ["seasonal_naive"]],  # the last row of a series says it
            "weights": [None, [1.0], None, [1.0]],
            "reason": None,
        }
    )
    predicted = spark.createDataFrame(
        global_forecasts(rows, ["lightgbm"], 2, Boosting(WEEKS, 1, seed=0)),
        "unique_id string, ds date, model string, global_y_hat double, failure string",
    )
    local = local_forecasts(rows, WEEKS, 2, 1)
    weights = spark.createDataFrame(
        [("a", "lightgbm", 1.0), ("b", "seasonal_naive", 1.0)], "unique_id string, model string, weight double"
    )
    local_rows = spark.createDataFrame(
        local[["unique_id", "ds", "step", "model", "fallback_reason", "y_hat", "weight"]],
        "unique_id string, ds date, step int, model string, fallback_reason string, y_hat double, weight double",
    )
    found = with_global(local_rows, predicted, weights).orderBy("unique_id", "step").collect()
    assert [(row["unique_id"], row["model"], row["y_hat"], row["fallback_reason"]) for row in found] == [
        ("a", "seasonal_naive", 2.0, "lightgbm failed: RuntimeError"),
        ("a", "seasonal_naive", 2.0, "lightgbm failed: RuntimeError"),
        ("b", "combined", 4.0, None),
        ("b", "combined", 4.0, None),
    ]


def test_a_run_warns_of_the_series_for_which_the_global_model_broke(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    rows = spark.createDataFrame(
        [
            ("a", 1, "lightgbm failed: RuntimeError"),
            ("a", 2, "lightgbm failed: RuntimeError"),
            ("b", 1, "lightgbm failed: RuntimeError"),
            ("c", 1, "theta needs 5 periods, 3 are there"),
            ("d", 1, None),
        ],
        "unique_id string, step int, fallback_reason string",
    )
    with caplog.at_level(logging.WARNING):
        warn_of_failures(logging.getLogger("forecast"), rows)
    assert caplog.messages == ["lightgbm failed: RuntimeError: 2 series use a fallback"]
