"""A calendar's entries as values of periods: as they were known on each day, never as somebody knows them later."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pandas as pd
import pytest

from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.planned import learned

pytestmark = pytest.mark.unit

# Three weeks that begin on Mondays: the 5th, the 12th and the 19th of January 2026.
WEEKS = [date(2026, 1, day) for day in (5, 12, 19)]
FOR_ALL, OF_ITEM, OF_SERIES = 0, 1, 3


def entry(rank: int, first: int, last: int, value: float, known: date) -> tuple[Any, ...]:
    return ("MUG" if rank else None, rank, date(2026, 1, first), date(2026, 1, last), value, known)


def values(*entries: tuple[Any, ...], name: str = "promotion") -> list[tuple[int, str, float]]:
    """Each value as the day of January on which its period begins, the day from which on it was known, and itself."""
    columns = ["unique_id", "rank", "first_day", "last_day", "value", "known_on"]
    rows = pd.DataFrame(entries, columns=columns).assign(name=name)
    found = learned(rows, WEEKS, Periods("W"))
    return [
        (ds.day, str(known), value)
        for ds, known, value in zip(found["ds"], found["known_on"], found["value"], strict=True)
    ]


DECEMBER, NEW_YEAR = date(2025, 12, 1), date(2026, 1, 1)


def test_a_promotion_of_three_days_is_three_sevenths_of_its_week() -> None:
    assert values(entry(OF_SERIES, 9, 13, 1.0, DECEMBER)) == [
        (5, "2025-12-01", round(3 / 7, 9)),
        (12, "2025-12-01", round(2 / 7, 9)),
    ]


def test_what_was_decided_later_is_a_value_of_its_own_and_the_older_one_stays() -> None:
    moved = [entry(OF_SERIES, 5, 11, 1.0, DECEMBER), entry(OF_SERIES, 5, 11, 0.0, NEW_YEAR)]
    assert values(*moved) == [(5, "2025-12-01", 1.0), (5, "2026-01-01", 0.0)]
    assert values(*reversed(moved)) == values(*moved)


def test_the_more_special_entry_holds_even_if_a_general_one_is_newer() -> None:
    entries = [
        entry(FOR_ALL, 5, 18, 0.2, NEW_YEAR),
        entry(OF_ITEM, 5, 11, 0.4, NEW_YEAR),
        entry(OF_SERIES, 5, 5, 1.0, DECEMBER),
    ]
    # In December only the series' own day is known; the second week has no entry of the series or its item.
    assert values(*entries) == [(5, "2025-12-01", round(1 / 7, 9)), (5, "2026-01-01", round((1 + 6 * 0.4) / 7, 9))]


def test_a_day_without_a_planned_price_does_not_count() -> None:
    assert values(entry(OF_SERIES, 5, 6, 4.0, DECEMBER), entry(OF_SERIES, 7, 7, 1.0, DECEMBER), name="price") == [
        (5, "2025-12-01", 3.0)
    ]


def test_of_two_entries_of_one_moment_the_smaller_value_holds() -> None:
    both = [entry(OF_SERIES, 5, 11, 3.0, DECEMBER), entry(OF_SERIES, 5, 11, 2.0, DECEMBER)]
    assert values(*both) == values(*reversed(both)) == [(5, "2025-12-01", 2.0)]


def test_days_outside_the_calendar_are_passed_over() -> None:
    long_ago = ("MUG", 3, date(1990, 1, 1), date(1990, 2, 1), 1.0, DECEMBER)
    for_ever = ("MUG", 3, date(2026, 1, 19), date(9999, 12, 31), 1.0, DECEMBER)
    assert values(long_ago, for_ever) == [(19, "2025-12-01", 1.0)]


def test_each_hour_of_a_day_has_the_value_of_its_day() -> None:
    hours = [datetime(2026, 1, 5, 23), datetime(2026, 1, 6, 0), datetime(2026, 1, 6, 1)]
    columns = ["unique_id", "rank", "first_day", "last_day", "value", "known_on"]
    rows = pd.DataFrame([entry(OF_SERIES, 6, 6, 1.0, DECEMBER)], columns=columns).assign(name="promotion")
    found = learned(rows, hours, Periods("H"))
    assert found["ds"].tolist() == hours[1:]
    assert found["value"].tolist() == [1.0, 1.0]
