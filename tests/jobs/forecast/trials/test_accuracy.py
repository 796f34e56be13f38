"""Metrics, calibration and the choice of a model, on numbers worked out by hand."""

from __future__ import annotations

from datetime import date
from math import log

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.trials.accuracy import scored
from jobs.forecast.trials.calibration import NORMAL, with_offsets
from jobs.forecast.trials.coverage import coverages, steps_of
from jobs.forecast.trials.residuals import path_residuals
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

DAY = date(2026, 3, 2)
BANDS = "".join(f", {name} double" for name in QUANTILES)


def test_metrics_of_two_forecasts_equal_those_on_paper(spark: SparkSession) -> None:
    # Errors 2 and -1 on 10 and 4; in-sample errors 2 (seasonal naive) and 5 (squared).
    rows = spark.createDataFrame(
        [("a", DAY, 10.0, 8.0, 2.0, 5.0, *[8.0] * 9), ("a", DAY, 4.0, 5.0, 2.0, 5.0, *[5.0] * 9)],
        "unique_id string, cutoff date, y double, y_hat double, scale_mae double, scale_mse double" + BANDS,
    )
    (found,) = scored(rows, "unique_id").collect()
    assert found["mase"] == pytest.approx((2 / 2 + 1 / 2) / 2)
    assert found["rmsse"] == pytest.approx(((4 / 5 + 1 / 5) / 2) ** 0.5)
    assert found["smape"] == pytest.approx((200 * 2 / 18 + 200 * 1 / 9) / 2)
    assert found["wape"] == pytest.approx(3 / 14)
    levels = list(QUANTILES.values())
    pinball = (sum(level * 2 for level in levels) / 9 + sum((1 - level) * 1 for level in levels) / 9) / 2 / 2
    assert found["scaled_pinball"] == pytest.approx(pinball)
    assert (found["coverage_80"], found["windows"]) == (0.0, 1)


def test_a_zero_forecast_of_zero_has_no_error_and_a_constant_history_no_scale(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("a", DAY, 0.0, 0.0, 0.0, 0.0, *[0.0] * 9)],
        "unique_id string, cutoff date, y double, y_hat double, scale_mae double, scale_mse double" + BANDS,
    )
    (found,) = scored(rows, "unique_id").collect()
    assert (found["smape"], found["mase"], found["rmsse"], found["wape"], found["coverage_95"]) == (
        0,
        None,
        None,
        None,
        1,
    )


def test_no_rounding_takes_smape_above_200_percent(spark: SparkSession) -> None:
    # In doubles, 200 times this number over it is 200.00000000000003.
    rows = spark.createDataFrame(
        [("a", DAY, 1.8449641213266388, 0.0, 1.0, 1.0, *[0.0] * 9)],
        "unique_id string, cutoff date, y double, y_hat double, scale_mae double, scale_mse double" + BANDS,
    )
    assert scored(rows, "unique_id").collect()[0]["smape"] == 200.0


def test_the_share_inside_a_band_has_an_interval_that_counts_series(spark: SparkSession) -> None:
    # Of a both values lie inside the bands of 0 to 2, of b one of two.
    bands = [0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    values = [("a", 1, 1.0), ("a", 2, 2.0), ("b", 1, 1.0), ("b", 2, 9.0), ("a", 3, 1.0)]
    rows = spark.createDataFrame(
        [(name, "smooth", step, y, 4.0, *bands) for name, step, y in values],
        "unique_id string, demand_class string, step int, y double, scale_mae double" + BANDS,
    )
    near, far = sorted(coverages(rows, 6).collect(), key=lambda row: row["step_group"])
    assert (near["series"], near["values"], near["in_80"], near["width_95"]) == (2, 4, 0.75, 0.5)
    # Clusters: (2 - 1.5)^2 + (1 - 1.5)^2 = 0.5, times 2 / (2 - 1), over 4^2: 0.0625; independent values: 0.046875.
    assert near["in_80_error"] == pytest.approx(1.959964 * 0.25)
    assert (far["series"], far["in_95"], far["in_95_error"]) == (1, 1.0, None)
    assert [steps_of(group, 8) for group in range(3)] == [(1, 3), (4, 6), (7, 8)]


def test_offsets_are_the_conformal_ranks_of_the_finest_pool_with_enough_errors(spark: SparkSession) -> None:
    rising = [("st"[n % 2], "m", "smooth", step, float(n)) for step in (1, 2) for n in range(1, 10)]
    residuals = spark.createDataFrame(
        [*rising, ("u", "m", "lumpy", 1, 100.0), ("s", "other", "smooth", 1, 50.0)],
        "unique_id string, model string, demand_class string, step int, r double",
    )
    targets = spark.createDataFrame(
        [("a", "m", "smooth", 1), ("a", "m", "lumpy", 1), ("a", "m", "smooth", 9), ("a", "other", "smooth", 1)],
        "unique_id string, model string, demand_class string, step int",
    )
    found = {
        (row["model"], row["demand_class"], row["step"]): row
        for row in with_offsets(targets, residuals, [0.1, 0.5, 0.8, 0.975], fewest=9).collect()
    }
    # Errors 1 to 9 of two series: the lowest and the highest count as those of the other series, 2 and 8. Ranks
    # floor(10 x 0.1) = 1st, 5th, 8th; a tenth there is not, so the 8 is stretched away from the 5 in the middle.
    finest = found["m", "smooth", 1]
    assert finest["offsets"] == pytest.approx([2.0, 5.0, 8.0, 5 + 3 * log(40) / log(10)])
    assert finest["calibrated_on"] == "class and step"
    # Ten errors of step 1, the lumpy 100 counts as a 9: floor(1.1) = 1st, ceil(5.5) = 6th, ceil(8.8) = 9th, beyond.
    wider = found["m", "lumpy", 1]
    assert wider["offsets"] == pytest.approx([2.0, 6.0, 9.0, 5.5 + 3.5 * log(40) / log(11)])
    assert wider["calibrated_on"] == "step"
    assert found["m", "smooth", 9]["calibrated_on"] == "model"
    assert found["other", "smooth", 1]["calibrated_on"] == NORMAL
    assert found["other", "smooth", 1]["offsets"][1:] == pytest.approx([0.0, 0.8416212, 1.959964])


def test_a_step_learns_from_its_neighbours_but_the_widest_pool_counts_each_error_once(spark: SparkSession) -> None:
    schema = "unique_id string, model string, demand_class string, step int, r double"
    errors = [(name, "m", "smooth", step, float(step)) for name in "ab" for step in (1, 2, 3, 4)]
    residuals = spark.createDataFrame(errors, schema)
    targets = spark.createDataFrame(
        [("x", "m", "smooth", step) for step in (1, 4, 9)],
        "unique_id string, model string, demand_class string, step int",
    )
    found = {
        row["step"]: (row["offsets"][0], row["calibrated_on"])
        for row in with_offsets(targets, residuals, [0.5], fewest=4, reach=1).collect()
    }
    # Step 1: 1, 1, 2, 2, rank ceil(2.5) = 3rd. Step 4: 3, 3, 4, 4. Step 9 has no neighbours: 1, 1 ... 4, 4, 5th.
    assert found == {1: (2.0, "class and step"), 4: (4.0, "class and step"), 9: (3.0, "model")}


def test_errors_are_summed_along_whole_paths_only(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("a", "m", DAY, step, 10.0, y_hat, 2.0, None) for step, y_hat in ((1, 8.0), (2, 9.0), (3, 11.0))]
        + [("b", "m", DAY, 1, 5.0, 5.5, 0.0, 0.0), ("c", "m", DAY, 1, 5.0, 4.0, 0.0, 2.0)],
        "unique_id string, model string, cutoff date, step int, y double, y_hat double, scale_mae double, "
        "spread double",
    )
    classes = spark.createDataFrame([(name, "smooth") for name in "abc"], "unique_id string, demand_class string")
    found = path_residuals(rows, classes, (1, 3)).collect()
    assert sorted((row["unique_id"], row["step"], row["r"]) for row in found) == [
        ("a", 1, 1.0),  # a row of an earlier release: in units of scale_mae
        ("a", 3, (2 + 1 - 1) / 2),
        ("b", 1, None),  # a constant history has no unit for its errors
        ("c", 1, 0.5),
    ]


def test_quantile_columns_are_named_by_their_level() -> None:
    assert {name: int(name[1:]) / 1000 for name in QUANTILES} == QUANTILES
