"""What each series is: its class of demand, and why a model does not see it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.series import judged_series, never_sold, profiles

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)


def grid_of(spark: SparkSession, **series: list[float | None]) -> DataFrame:
    rows = [
        (name, "W", MONDAY + timedelta(days=7 * n), y, max(y or 0.0, 0.0), 0.0, False)
        for name, values in series.items()
        for n, y in enumerate(values)
    ]
    return spark.createDataFrame(rows, "unique_id string, freq string, ds date, y double, units_sold double, "
                                 "units_returned double, is_closed boolean")  # fmt: skip


def test_the_four_classes_of_demand_by_hand(spark: SparkSession) -> None:
    found = {
        row["unique_id"]: row
        for row in profiles(
            grid_of(
                spark,
                smooth=[4.0, 5.0, 4.0, 5.0],
                erratic=[1.0, 9.0, 1.0, 9.0],  # mean 5, sample variance 64 / 3: CV2 0.853
                intermittent=[4.0, 0.0, 4.0, 0.0],
                lumpy=[1.0, 0.0, 9.0, 0.0],  # mean 5, sample variance 32: CV2 1.28
                never=[0.0, 0.0],
                negative=[-1.0, 0.0],
            )
        ).collect()
    }
    assert {name: row["demand_class"] for name, row in found.items()} == {
        name: {"never": "intermittent", "negative": None}.get(name, name) for name in found
    }
    assert found["erratic"]["cv2"] == pytest.approx(64 / 75)
    assert (found["lumpy"]["adi"], found["lumpy"]["cv2"]) == (2.0, pytest.approx(1.28))


def test_what_is_not_known_counts_for_no_class_and_no_length(spark: SparkSession) -> None:
    grid = grid_of(spark, gap=[4.0, None, None, None, 5.0, 4.0, None])
    (found,) = profiles(grid).collect()
    assert (found["periods"], found["open_periods"], found["demand_periods"], found["units"]) == (3, 3, 3, 13.0)
    assert (found["adi"], found["demand_class"], (found["last_ds"] - MONDAY).days) == (1.0, "smooth", 42)


def judged(grid: DataFrame, *, after: int = 12, chance: float = 0.005, most: int = 0) -> dict[str, tuple[str, str]]:
    """Status and code of each series of ``grid``, whose value is its units."""
    profile = profiles(grid)
    facts = profile.select("unique_id", F.lit("name").alias("item_name"), F.col("units").alias("value"))
    found = judged_series(
        profile,
        facts,
        as_of=MONDAY,
        min_periods=4,
        ended_after_periods=after,
        ended_chance=chance,
        max_series=most,
    )
    return {row["unique_id"]: (row["status"], (row["reason"] or "")[:7]) for row in found.collect()}


def test_every_series_that_no_model_sees_has_its_reason(spark: SparkSession) -> None:
    grid = grid_of(
        spark,
        best=[5.0] * 6,
        second=[4.0] * 6,
        third=[3.0] * 6,
        ended=[9.0] * 3 + [0.0] * 6,  # 3 of 3: p = 2 / 4, and 1 / 2 ** 6 is .016
        never=[0.0] * 6,
        worse=[0.0] * 6,
        short=[8.0, None, 8.0, 8.0],
        point=[7.0],
        unknown=[None] * 3,
    )
    assert judged(grid, after=6, chance=0.02, most=6) == {
        "best": ("modelled", ""),
        "second": ("modelled", ""),
        "third": ("modelled", ""),
        "ended": ("left out", "FCT-204"),
        "never": ("fallback", "FCT-203"),
        "worse": ("left out", "FCT-205"),
        "short": ("fallback", "FCT-201"),
        "point": ("fallback", "FCT-202"),
        "unknown": ("left out", "FCT-209"),
    }


def test_a_series_has_ended_when_its_own_rhythm_makes_its_silence_improbable(spark: SparkSession) -> None:
    every_ninth = [1.0, *([0.0] * 8 + [1.0]) * 3]
    season = [1.0] * 10 + [0.0] * 20 + [1.0] * 10
    grid = grid_of(
        spark,
        # 30 of 30: p = 29 / 31, so that 12 periods are more than improbable enough, and 11 are not enough for anybody.
        always_11=[1.0] * 30 + [0.0] * 11,
        always_12=[1.0] * 30 + [0.0] * 12,
        # 4 within 28: p = 3 / 29, and (26 / 29) ** 48 = .0053, (26 / 29) ** 49 = .0047.
        ninth_48=every_ninth + [0.0] * 48,
        ninth_49=every_ninth + [0.0] * 49,
        # 2 within 5: p = 1 / 6, and (5 / 6) ** 29 = .0051, (5 / 6) ** 30 = .0042.
        twice_29=[1.0, 0.0, 0.0, 0.0, 1.0] + [0.0] * 29,
        twice_30=[1.0, 0.0, 0.0, 0.0, 1.0] + [0.0] * 30,
        once=[1.0] + [0.0] * 900,
        # 20 within 40: p = 19 / 41, but it was silent for as long before.
        season_20=season + [0.0] * 20,
        season_21=season + [0.0] * 21,
    )
    over, going = ("left out", "FCT-204"), ("modelled", "")
    assert judged(grid) == {
        "always_11": going,
        "always_12": over,
        "ninth_48": going,
        "ninth_49": over,
        "twice_29": going,
        "twice_30": over,
        "once": going,
        "season_20": going,
        "season_21": over,
    }
    assert judged(grid.where("unique_id = 'always_12'"), chance=0.0) == {"always_12": going}


def test_neither_closed_periods_nor_unknown_ones_are_silence(spark: SparkSession) -> None:
    closed = grid_of(spark, shop=[1.0] * 30 + [0.0] * 20)
    closed = closed.withColumn("is_closed", F.col("ds") >= F.lit(MONDAY + timedelta(days=7 * 41)))
    assert judged(closed) == {"shop": ("modelled", "")}
    feeds = grid_of(
        spark,
        late=[1.0] * 30 + [None] * 11,
        gone=[1.0] * 30 + [None] * 12,
        # 10 of 28: p = 9 / 29, and (20 / 29) ** 12 is .012
        rare=[1.0, 1.0, *([None, None, 1.0] * 7), *([None] * 4), 1.0] + [None] * 12,
    )
    assert judged(feeds) == {"late": ("modelled", ""), "gone": ("left out", "FCT-209"), "rare": ("modelled", "")}


def test_values_of_longer_periods_are_left_out_with_their_reason_and_sparse_ones_are_not(spark: SparkSession) -> None:
    month, long_month = [40.0, None, None, None], [40.0, None, None, None, None]
    feeds = grid_of(
        spark,
        weekly=[10.0] * 20,
        monthly=(month + month + long_month) * 2,
        one_late=month * 2 + [None] * 4 + month * 4,  # 19 periods in 5 gaps, the shortest 3
        sparse=[4.0, None, 4.0, *([None] * 6), 4.0, None, None, None, 4.0, None, 4.0, None, None, None, None, 4.0],
        twice=[1.0, 1.0, None, None, 1.0, None, None, 1.0, None, None, 1.0],
        short=[4.0, None, None, None, 4.0, None, None, None, 4.0],
    )
    assert {name: reason for name, (_, reason) in judged(feeds).items()} == {
        "weekly": "",
        "monthly": "FCT-219",
        "one_late": "FCT-219",
        "sparse": "",
        "twice": "",
        "short": "FCT-201",
    }
    # Months have more units than the weeks, and take no place that a forecast could have.
    two = feeds.where("unique_id IN ('weekly', 'monthly')")
    assert judged(two, most=1) == {"weekly": ("modelled", ""), "monthly": ("left out", "FCT-219")}


def test_a_series_of_returns_only_is_listed_with_its_reason(spark: SparkSession) -> None:
    counted = spark.createDataFrame([("A",), ("back",), ("back",)], "unique_id string")
    births = spark.createDataFrame([("A", MONDAY)], "unique_id string, first_ds date")
    found = never_sold(counted, births, Periods("W"), as_of=MONDAY).collect()
    assert [(row["unique_id"], row["status"], row["reason"], row["periods"], row["units"]) for row in found] == [
        ("back", "left out", "FCT-208 given back and never sold", 0, 0.0)
    ]
