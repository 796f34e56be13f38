"""Hourly demand: hours of the shop's clock, stored as a day and an hour, with origins that are whole days apart."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.feed_calendar import Dated, as_dated, calendar_of, dated
from jobs.forecast.demand.hours import OF_PERIOD, as_periods, as_stored, without_hours
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.steps import on_grid
from jobs.forecast.trials.origins import Origins, local_backtest

pytestmark = pytest.mark.unit

HOURS = Periods("H")
FRIDAY, SATURDAY = date(2026, 3, 27), date(2026, 3, 28)


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour)


def test_an_hour_follows_an_hour_over_midnight() -> None:
    assert HOURS.plus(at(FRIDAY, 23), 2) == at(SATURDAY, 1)
    assert HOURS.plus(SATURDAY, -1) == at(FRIDAY, 23)
    assert HOURS.first_day(pd.Timestamp("2026-03-27 14:45")) == at(FRIDAY, 14)
    assert HOURS.last_day(at(FRIDAY, 23)) == FRIDAY
    assert list(pd.date_range(at(FRIDAY, 23), periods=2, freq=HOURS.offset)) == [at(FRIDAY, 23), at(SATURDAY, 0)]


def test_hours_of_sales_lines_are_whole_when_the_day_is_over_and_those_of_a_feed_end_with_its_last_value() -> None:
    days = DayRange(FRIDAY, SATURDAY)
    lines = calendar_of("H", days, Dated(rows=9))
    feed = calendar_of("H", days, Dated(9, 9, (4, 5), at(SATURDAY, 6)))
    earlier = calendar_of("H", days, Dated(9, 9, (4, 4), at(FRIDAY, 6)))
    assert (lines.whole.first, lines.whole.last) == (at(FRIDAY, 0), at(SATURDAY, 23))
    assert (feed.whole.first, feed.whole.last) == (at(FRIDAY, 0), at(SATURDAY, 6))
    # Nothing was heard of the feed for more than a day: that is unknown demand, not the end of the calendar.
    assert earlier.whole.last == at(SATURDAY, 23)


def test_origins_lie_whole_days_apart_because_corrections_are_known_by_the_day() -> None:
    found = Origins.rolling(["ets"], at(SATURDAY, 23), HOURS, horizon=30, windows=2, stride=12, season=None)
    assert found.cutoffs == (at(date(2026, 3, 26), 23), at(date(2026, 3, 25), 23))
    assert found.future(at(FRIDAY, 23))[:2] == [at(SATURDAY, 0), at(SATURDAY, 1)]
    assert len(found.future(at(FRIDAY, 23))) == 30


def test_the_seasonal_naive_repeats_the_same_hour_of_the_day_before() -> None:
    values = [float(n % 24) for n in range(96)]
    moments = pd.date_range("2026-03-25", periods=96, freq="h")
    rows = pd.DataFrame({"unique_id": "a", "ds": moments, "y": values, "net": values, "later_on": None})
    origins = Origins.rolling(
        ["seasonal_naive"], at(SATURDAY, 23), HOURS, horizon=24, windows=1, stride=None, season=24
    )
    found = local_backtest(rows.assign(later_units=None), origins)
    assert found["cutoff"].unique().tolist() == [pd.Timestamp(at(FRIDAY, 23))]
    assert found["ds"].tolist() == list(pd.date_range("2026-03-28", periods=24, freq="h"))
    assert found["y_hat"].tolist() == [float(n) for n in range(24)]


def test_a_line_counts_in_its_hour_and_lies_in_the_table_by_day_and_hour(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [("A", FRIDAY, 22, 3.0), ("A", FRIDAY, 22, 4.0), ("A", SATURDAY, None, 5.0)],
        "unique_id string, sold_day date, sold_hour int, quantity double",
    ).withColumn("ds", HOURS.of_line())
    demand = lines.groupBy("unique_id", "ds").agg(
        F.sum("quantity").alias("y"), F.sum("quantity").alias("units_sold"), F.lit(0.0).alias("units_returned")
    )
    demand = demand.withColumn("is_series", F.lit(False))
    births = demand.groupBy("unique_id").agg(F.min("ds").alias("first_ds"), F.lit(False).alias("is_series"))
    whole = DayRange(at(FRIDAY, 0), at(SATURDAY, 0))
    stored = as_stored(on_grid(demand, births, whole, HOURS), OF_PERIOD)
    assert [tuple(row) for row in stored.select("ds", "hour", "y", "is_closed").orderBy("ds", "hour").collect()] == [
        (FRIDAY, 22, 7.0, False),
        (FRIDAY, 23, 0.0, True),
        (SATURDAY, 0, 5.0, False),
    ]
    again = as_periods(stored, HOURS, OF_PERIOD)
    assert [row["ds"] for row in again.orderBy("ds").collect()] == [at(FRIDAY, 22), at(FRIDAY, 23), at(SATURDAY, 0)]
    assert "hour" not in again.columns


def test_two_values_within_one_hour_make_no_feed_of_hours(spark: SparkSession) -> None:
    def of(minute: int) -> Dated:
        moments = [datetime(2026, 3, 27, 6, 0), datetime(2026, 3, 27, 6 + minute // 60, minute % 60)]
        sales = spark.createDataFrame(
            [("S", FRIDAY, moment.hour, moment, True) for moment in moments],
            "item_id string, sold_day date, sold_hour int, sold_at timestamp, is_series boolean",
        )
        found = dated(sales, HOURS).first()
        assert found is not None
        return as_dated(found)

    assert of(60) == Dated(2, 2, (4, 4), at(FRIDAY, 7))
    assert of(30).several


def test_lines_whose_hour_was_not_kept_are_told_from_those_that_have_none(spark: SparkSession) -> None:
    lines = spark.createDataFrame(
        [
            (datetime(2026, 3, 27, 14, 7), None, False),
            (datetime(2026, 3, 27), None, True),
            (datetime(2026, 3, 27), None, False),
            (datetime(2026, 3, 27, 14, 7), 14, False),
        ],
        "sold_at timestamp, sold_hour int, is_series boolean",
    )
    found = without_hours(lines).first()
    assert found is not None
    assert found.asDict() == {"older": 2, "dates": 1}
