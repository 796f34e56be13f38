"""Which periods demand is counted by: those of the shop, or those of a feed of ready series."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from common.days import DayRange
from common.errors import UsageError
from jobs.forecast.demand.feed_calendar import Dated, Dates, as_dated, asked_for, calendar_of, dated, dates_of
from jobs.forecast.demand.periods import WEEKDAYS, Periods
from jobs.forecast.demand.series import not_begun
from jobs.forecast.demand.steps import with_series

pytestmark = pytest.mark.unit

FRIDAY = date(2012, 10, 26)
DAYS = DayRange(date(2012, 9, 3), FRIDAY)
FRIDAYS = Dated(rows=8, values=8, weekdays=(4, 4), last_value=FRIDAY)


def ends(freq: Any, days: DayRange, found: Dated, other_rows: int = 0) -> tuple[str, str, int]:
    """First and last period, and the weekday that weeks begin on."""
    calendar = calendar_of(freq, days, found, other_rows=other_rows)
    return str(calendar.whole.first), str(calendar.whole.last), calendar.periods.first_weekday


def test_weeks_of_ready_series_keep_their_weekday_and_their_last_value() -> None:
    assert ends("W", DAYS, FRIDAYS) == ("2012-09-07", "2012-10-26", 4)
    assert calendar_of("W", DAYS, FRIDAYS).note == ""


def test_weeks_begin_on_the_day_that_is_asked_for_with_sales_lines_and_with_ready_series() -> None:
    lines = calendar_of("W", DAYS, Dated(rows=8), week_begins="Sunday")
    assert (str(lines.whole.first), str(lines.whole.last)) == ("2012-09-09", "2012-10-14")
    assert lines.periods.words == "week (from Sunday)"
    # The last value, of Friday the 26th, is that of the week from the 21st.
    ready = calendar_of("W", DAYS, FRIDAYS, week_begins="Sunday")
    assert (str(ready.whole.last), ready.note) == (
        "2012-10-21",
        "Values of ready series are dated on a Friday: each counts in the week from Sunday that holds its date, "
        "because week_begins says so.",
    )
    assert calendar_of("M", DAYS, FRIDAYS, week_begins="Sunday").periods == Periods("M")


def test_years_follow_years() -> None:
    years = Periods("Y")
    assert (years.first_day(date(2026, 6, 30)), years.plus(date(2026, 1, 1), -3)) == (
        date(2026, 1, 1),
        date(2023, 1, 1),
    )
    assert years.last_day(date(2024, 1, 1)) == date(2024, 12, 31)
    days = DayRange(date(1990, 3, 1), date(2020, 12, 31))
    assert ends("Y", days, Dated(rows=8)) == ("1991-01-01", "2020-01-01", 0)
    # The last value of a ready-made feed is whole, whichever day of the year it is dated on.
    assert ends("Y", days, Dated(30, 30, (0, 6), date(2021, 6, 30))) == ("1991-01-01", "2021-01-01", 0)


def test_a_single_day_with_a_ready_value_is_a_whole_period() -> None:
    assert ends("W", DayRange.single(FRIDAY), FRIDAYS) == ("2012-10-26", "2012-10-26", 4)


def test_weeks_of_sales_lines_begin_on_monday_and_count_when_they_are_over() -> None:
    lines = Dated(rows=8)
    assert ends("W", DAYS, lines) == ("2012-09-03", "2012-10-15", 0)


@pytest.mark.parametrize(("found", "others"), [(Dated(9, 8, (4, 4), FRIDAY), 0), (FRIDAYS, 1)])
def test_with_sales_lines_beside_them_ready_series_count_in_the_weeks_of_the_shop(found: Dated, others: int) -> None:
    assert ends("W", DAYS, found, others) == ("2012-09-03", "2012-10-15", 0)
    assert "on a Friday" in calendar_of("W", DAYS, found, other_rows=others).note


def test_ready_series_of_several_weekdays_count_in_weeks_from_monday_and_their_last_value_is_whole() -> None:
    mixed = Dated(8, 8, (4, 6), date(2012, 10, 26))
    assert ends("W", DAYS, mixed) == ("2012-09-03", "2012-10-22", 0)
    assert "on several weekdays" in calendar_of("W", DAYS, mixed).note


def test_daily_values_make_a_week_only_when_it_is_over() -> None:
    assert ends("W", DAYS, Dated(50, 50, (0, 6), FRIDAY, several=True)) == ("2012-09-03", "2012-10-15", 0)


@pytest.mark.parametrize(
    ("last_value", "last"),
    [(date(2012, 10, 1), "2012-10-01"), (date(2012, 9, 30), "2012-09-01"), (date(2012, 8, 31), "2012-09-01")],
)
def test_a_monthly_value_is_whole_whichever_day_of_the_month_names_it(last_value: date, last: str) -> None:
    days = DayRange(date(2012, 1, 1), date(2012, 10, 15))
    assert ends("M", days, Dated(9, 9, (0, 6), last_value)) == ("2012-01-01", last, 0)


@pytest.mark.parametrize(
    ("freq", "dates", "last"),
    [
        ("M", Dates(24, 7, 24, 8, 2, date(2012, 10, 1)), "2012-10-01"),
        # A month in which the shop sells on two days is over when it is over.
        ("M", Dates(25, 7, 24, 8, 2, date(2012, 10, 1)), "2012-09-01"),
        # Three months are too few to tell.
        ("M", Dates(3, 3, 3, 1, 1, date(2012, 10, 1)), "2012-09-01"),
        ("W", Dates(8, 1, 2, 1, 1, FRIDAY), "2012-10-22"),
        ("W", Dates(8, 2, 2, 1, 1, FRIDAY), "2012-10-15"),
    ],
)
def test_sales_lines_with_one_date_in_each_period_are_its_sum_and_the_last_one_is_whole(
    freq: Any, dates: Dates, last: str
) -> None:
    days = DayRange(date(2011, 1, 1), FRIDAY)
    assert str(calendar_of(freq, days, Dated(rows=30), dates=dates).whole.last) == last
    # Purchases of the clickstream come on other days.
    others = calendar_of(freq, days, Dated(rows=30), other_rows=1, dates=dates)
    assert others.whole.last == {"M": date(2012, 9, 1), "W": date(2012, 10, 15)}[freq]


@pytest.mark.parametrize(
    ("days", "freq"),
    [
        (["2019-12-31", "2020-12-31", "2021-12-31", "2022-12-31"], "Y"),
        (["2021-03-31", "2021-06-30", "2021-09-30", "2022-12-31"], "Q"),
        (["2021-03-01", "2021-04-01", "2021-05-01", "2021-08-01"], "M"),
        (["2021-03-01", "2021-04-01", "2021-05-01"], "W"),
        (["2021-03-01", "2021-03-31", "2021-05-01", "2021-08-01"], "W"),
        (["2021-03-05", "2021-03-12", "2021-03-19", "2021-03-26"], "W"),
    ],
)
def test_without_a_frequency_the_dates_of_all_sales_tell_months_quarters_and_years(
    spark: SparkSession, days: list[str], freq: str
) -> None:
    sales = spark.createDataFrame([(date.fromisoformat(day),) for day in [*days, days[0]]], "sold_day date")
    found = dates_of(sales).first()
    assert found is not None
    assert Dates(**found.asDict()).frequency == freq


def test_values_before_the_days_make_no_period_whole() -> None:
    with pytest.raises(UsageError, match="no whole week"):
        calendar_of("W", DayRange.single(date(2012, 11, 5)), FRIDAYS)


def test_how_ready_series_are_dated_is_read_from_the_sales(spark: SparkSession) -> None:
    def of(*rows: tuple[str, date, bool], freq: Any = "W") -> Dated:
        sales = spark.createDataFrame(list(rows), "item_id string, sold_day date, is_series boolean")
        found = dated(sales, Periods(freq)).first()
        assert found is not None
        return as_dated(found)

    week = timedelta(days=7)
    assert of(("S", FRIDAY - week, True), ("S", FRIDAY, True), ("T", FRIDAY, True)) == Dated(3, 3, (4, 4), FRIDAY)
    assert of(("A", FRIDAY, False), ("S", FRIDAY - week, True)) == Dated(2, 1, (4, 4), FRIDAY - week)
    assert of(("S", FRIDAY, True), ("S", FRIDAY + timedelta(days=1), True)).several
    assert of(("S", FRIDAY - week, True), ("S", FRIDAY, True), freq="M").several
    assert not of(("S", FRIDAY - 4 * week, True), ("S", FRIDAY, True), freq="M").several
    assert of(("A", FRIDAY, False)) == Dated(1, 0, None, None)


@pytest.mark.parametrize("weekday", range(7))
def test_a_week_from_any_weekday_begins_with_the_last_such_day(spark: SparkSession, weekday: int) -> None:
    weeks, days = Periods("W", weekday), [FRIDAY + timedelta(days=n) for n in range(7)]
    rows = spark.createDataFrame([(day,) for day in days], "day date").select("day", weeks.start_of("day").alias("ds"))
    for day, start in rows.collect():
        assert start.weekday() == weekday
        assert 0 <= (day - start).days < 7
        assert weeks.first_day(day) == start
    assert asked_for("W", WEEKDAYS[weekday]) == weeks
    # The name that pandas has for such weeks dates them on the same weekday.
    assert pd.date_range("2012-10-20", periods=1, freq=weeks.offset)[0].weekday() == weekday


def test_a_year_is_named_by_its_first_day(spark: SparkSession) -> None:
    years = Periods("Y")
    rows = spark.createDataFrame([(date(2024, 2, 29),), (date(2025, 12, 31),)], "day date")
    found = rows.select(years.start_of("day").alias("ds")).select("ds", years.last_day_of("ds")).collect()
    assert [tuple(row) for row in found] == [
        (date(2024, 1, 1), date(2024, 12, 31)),
        (date(2025, 1, 1), date(2025, 12, 31)),
    ]
    assert [day.date() for day in pd.date_range("2024-01-01", periods=2, freq=years.offset)] == [
        date(2024, 1, 1),
        date(2025, 1, 1),
    ]


def test_a_series_by_several_columns_names_each_of_them_and_no_two_are_one(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("A", "B/C", False), ("A/B", "C", False), (" ", "C", False), ("A", "W", True)],
        "store string, item_id string, is_series boolean",
    )
    names = [row["unique_id"] for row in with_series(rows, ["store", "item_id"]).collect()]
    assert names == ["A/B/C", "A%2FB/C", "unknown/C", "W"]


def test_a_series_that_begins_after_the_last_period_is_listed_with_its_reason(spark: SparkSession) -> None:
    births = spark.createDataFrame(
        [("old", FRIDAY), ("new", FRIDAY + timedelta(days=7))], "unique_id string, first_ds date"
    )
    found = not_begun(births, FRIDAY, Periods("W"), as_of=date(2012, 11, 3)).collect()
    assert [(row["unique_id"], row["status"], row["reason"][:7], row["periods"], row["first_ds"]) for row in found] == [
        ("new", "left out", "FCT-207", 0, None)
    ]
