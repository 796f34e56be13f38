"""What was known at each review of a replay: forecasts that age, and errors as they were known at the origin."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.orders.policy import Policy
from jobs.forecast.replays.groups import Rules, followed_group
from jobs.forecast.replays.reviews import (
    Timeline,
    counted_series,
    forecasts_at,
    known_errors,
    moved_levels,
    paths_of,
    with_demand_ahead,
)

pytestmark = pytest.mark.unit

FIRST = date(2026, 3, 2)


def week(number: int) -> date:
    return FIRST + timedelta(days=7 * number)


# Two origins, two weeks apart, each three weeks ahead: the first knows week 0, the second week 2.
TIMELINE = Timeline((week(0), week(2)), 3, 52, Periods("W"))
Y = {1: 10.0, 2: 12.0, 3: 14.0, 4: 16.0, 5: 18.0}


def backtests(spark: SparkSession) -> DataFrame:
    def made(model: str, origin: int, *values: float) -> list[tuple[Any, ...]]:
        return [
            ("a", model, week(origin), week(origin + step), step, Y[origin + step], value, 1.0, 1.0, 2.0)
            for step, value in enumerate(values, start=1)
        ]

    return spark.createDataFrame(
        made("seasonal_naive", 0, 10, 10, 10)
        + made("theta", 0, 12, 12, 12)
        + made("seasonal_naive", 2, 12, 12, 12)
        + made("combined", 2, 20, 21, 22),
        "unique_id string, model string, cutoff date, ds date, step int, y double, y_hat double, scale_mae double, "
        "scale_mse double, spread double",
    )


def test_only_errors_of_periods_that_were_over_count_with_demand_as_it_was_known_then(spark: SparkSession) -> None:
    # 12 units of week 2 are what is left of 16: four came back three days after the second origin.
    back = (week(3) + timedelta(days=2) - date(1970, 1, 1)).days
    corrections = spark.createDataFrame(
        [("a", week(2), 12.0, [back], [-4.0])],
        "unique_id string, ds date, net double, later_on array<int>, later_units array<double>",
    )
    classes = spark.createDataFrame([("a", "smooth")], "unique_id string, demand_class string")
    assert back > days_since_epoch(week(3))
    found = known_errors(backtests(spark), corrections, classes, TIMELINE, [(1, 2), (2, 2)]).collect()
    assert {(row["model"], row["cutoff"], row["step"], row["length"]): row["r"] for row in found} == {
        ("seasonal_naive", week(2), 1, 2): ((10 - 10) + (16 - 10)) / 2,
        ("theta", week(2), 1, 2): ((10 - 12) + (16 - 12)) / 2,
        # Nobody knew the shares of the models: their plain mean, 11, stands for the combined forecast.
        ("combined", week(2), 1, 2): ((10 - 11) + (16 - 11)) / 2,
    }  # the second path ends with week 3, which was not over


def test_a_forecast_ages_until_the_next_origin_and_goes_on_as_its_mean_beyond_its_horizon(spark: SparkSession) -> None:
    rows = forecasts_at(
        backtests(spark), ["combined", "theta"], TIMELINE, longest=2, stand_in="seasonal_naive"
    ).withColumn("lead_time_periods", F.lit(1))
    found = with_demand_ahead(rows, Policy(1, 1, 0.95), TIMELINE).collect()
    columns = ("model", "y", "covered_demand", "step")
    assert {(row["method"], row["age"]): tuple(row[name] for name in columns) for row in found} == {
        ("combined", 0): ("combined", 14.0, 20 + 21, 1),
        ("combined", 1): ("combined", 16.0, 21 + 22, 2),
        ("combined", 2): ("combined", 18.0, 22 + 21, 2),  # 21 is the mean; no error is known further ahead
        # Theta made no forecast at this origin.
        ("theta", 0): ("seasonal_naive", 14.0, 24, 1),
        ("theta", 1): ("seasonal_naive", 16.0, 24, 2),
        ("theta", 2): ("seasonal_naive", 18.0, 24, 2),
    }  # fmt: skip
    daily = Timeline((week(0), week(2)), 3, 2, Periods("D"))
    paths = forecasts_at(backtests(spark), ["combined"], daily, longest=4, stand_in="seasonal_naive").first()
    assert paths is not None
    assert list(paths["path"]) == [20, 21, 22, 21, 22, 21, 22]  # a season of two goes on


def test_levels_that_are_sought_once_for_an_origin_move_with_the_demand_they_cover(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("a", "theta", week(2), age, covered) for age, covered in enumerate((41.0, 43.0, 5.0))],
        "unique_id string, method string, cutoff date, age int, covered_demand double",
    )
    levels = {"reorder_points": [50.0], "orders_up_to": [90.0], "outcomes": [10.0, 60.0]}
    fresh = rows.where("age = 0").withColumns(
        {name: F.array(*(F.lit(value) for value in values)) for name, values in levels.items()}
    )
    found = moved_levels(rows, fresh).collect()
    assert {row["age"]: (row["reorder_points"], row["orders_up_to"], row["outcomes"]) for row in found} == {
        0: ([50], [90], [10, 60]),
        1: ([52], [92], [12, 62]),
        2: ([14], [54], [0, 24]),
    }


def test_each_replayed_period_belongs_to_the_last_origin_before_it() -> None:
    three = Timeline((week(0), week(2), week(4)), 3, 52, Periods("W"))
    assert three.moments() == [
        (week(2), 0, 0, 0), (week(2), 1, 1, 0), (week(4), 0, 2, 0), (week(4), 1, 3, 0), (week(4), 2, 4, 0),
    ]  # fmt: skip
    # Origins five weeks apart leave two weeks between their horizons: what comes after begins again.
    apart = Timeline((week(0), week(5), week(10)), 3, 52, Periods("W"))
    assert [(number, block) for _, _, number, block in apart.moments()] == [
        (n, block) for block in (0, 1) for n in range(3)
    ]
    assert (three.longest_block, apart.longest_block) == (5, 3)
    assert three.year_share() == pytest.approx(7 / 365.25)
    assert paths_of(three, [Policy(1, 1, 0.95), Policy(1, 1, 0.95, review="continuous")], [1, 2]) == [
        (1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1),
    ]  # fmt: skip


def test_a_series_counts_where_goods_ordered_after_its_first_origin_came_while_demand_was_known(
    spark: SparkSession,
) -> None:
    # Of three replayed weeks the second is the first that goods with a lead time of one week reach.
    schema = "unique_id string, model string, cutoff date, step int, y double"
    rows = [(name, "combined", week(2), step, 5.0) for name in ("whole", "slow") for step in (1, 2, 3)]
    rows += [("short", "combined", week(2), 1, 5.0), ("single", "theta", week(2), 2, 5.0)]
    rows += [("gap", "combined", week(2), 1, 5.0), ("gap", "combined", week(2), 2, None)]
    leads = {"whole": 1, "slow": 3, "short": 1, "single": 1, "gap": 1}
    facts = spark.createDataFrame(list(leads.items()), "unique_id string, lead_time_periods int")
    made = spark.createDataFrame(rows, schema)
    found = counted_series(made, facts, TIMELINE, review_periods=1).collect()
    assert {row["unique_id"] for row in found} == {"whole"}
    assert counted_series(made, facts, TIMELINE, review_periods=3).isEmpty()


def test_series_of_a_group_are_followed_apart_and_keep_the_levels_of_the_origin_before_a_gap() -> None:
    def rows(name: str, level: dict[int, float], demand: list[float]) -> list[dict[str, Any]]:
        return [
            {
                "unique_id": name, "method": "theta", "number": number, "block": 0, "y": demand[number],
                "lead_time_periods": 1, "pack_size": 1.0, "min_order": 0.0, "unit_cost": None, "budget": None,
                "outcomes": [],
                "reorder_points": [value, 2 * value], "orders_up_to": [value, 2 * value],
            }
            for number, value in level.items()
        ]  # fmt: skip

    group = pd.DataFrame(
        rows("late", {1: 3.0, 2: 3.0}, [0, 4, 1]) + rows("whole", {0: 5.0, 2: 5.0}, [2, 99, 4])
    ).sample(frac=1, random_state=3)
    found = followed_group(group, Rules(Policy(1, 1, 0.8), (0.8, 0.9), waits=False))
    counted = found.set_index(["unique_id", "service_level"])[["periods", "demand", "units_short"]]
    assert counted.to_dict("index") == {
        # late: three there, four asked for: nothing left. Three are ordered, too late for its only period that counts.
        ("late", 0.8): {"periods": 1, "demand": 1.0, "units_short": 1.0},
        ("late", 0.9): {"periods": 1, "demand": 1.0, "units_short": 0.0},
        # whole: what was asked for in its second period is not known.
        ("whole", 0.8): {"periods": 1, "demand": 4.0, "units_short": 0.0},
        ("whole", 0.9): {"periods": 1, "demand": 4.0, "units_short": 0.0},
    }
