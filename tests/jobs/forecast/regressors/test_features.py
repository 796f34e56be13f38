"""Regressors as a model sees them: what was known at the origin, and no past value nearer than the forecast has it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.regressors.features import as_known, with_regressors

pytestmark = pytest.mark.unit

MONDAY = date(2026, 1, 5)
NAN = float("nan")


def values_of(*rows: tuple[str | None, str, int, int, float]) -> pd.DataFrame:
    """Series, name, number of the week, day of knowledge (from the first Monday on), value."""
    start = days_since_epoch(MONDAY)
    return pd.DataFrame(
        [
            (unique_id, name, pd.Timestamp(MONDAY + timedelta(days=7 * week)), start + known, value)
            for unique_id, name, week, known, value in rows
        ],
        columns=["unique_id", "name", "ds", "known", "value"],
    )


def grid(weeks: int, horizon: int, *names: str) -> pd.DataFrame:
    rows = [
        (name, pd.Timestamp(MONDAY + timedelta(days=7 * week)), max(0, week - weeks + 1))
        for name in names
        for week in range(weeks + horizon)
    ]
    return pd.DataFrame(rows, columns=["unique_id", "ds", "step"])


def shown(column: pd.Series[float]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in column]


def test_an_origin_knows_the_last_value_that_was_known_by_then() -> None:
    rows = values_of(("A", "promotion", 3, 0, 1.0), ("A", "promotion", 3, 10, 0.0), ("A", "promotion", 4, 11, 1.0))
    start = days_since_epoch(MONDAY)
    assert as_known(rows, start + 9)[["ds", "value"]].to_numpy().tolist() == [[pd.Timestamp("2026-01-26"), 1.0]]
    assert as_known(rows, start + 10)["value"].tolist() == [0.0]
    assert as_known(rows, start + 11)["value"].tolist() == [0.0, 1.0]
    assert as_known(rows, start - 1).empty


def test_what_is_planned_stands_beside_its_own_period_and_the_next_one() -> None:
    known = as_known(
        values_of((None, "promotion", 1, 0, 0.0), ("A", "promotion", 1, 0, 1.0), (None, "promotion", 2, 0, 0.5)), 10**6
    )
    found = with_regressors(grid(2, 1, "A", "B"), known, {"promotion": "known_ahead"}, horizon=1, seed=0)
    assert shown(found["x_promotion"]) == [None, 1.0, 0.5, None, 0.0, 0.5]
    assert shown(found["x_promotion_before"]) == [None, None, 1.0, None, None, 0.0]


def test_the_step_of_a_forecast_is_the_lag_of_what_is_known_afterwards_only() -> None:
    rows = values_of(*(("A", "views", week, 7 * week + 6, 10.0 + week) for week in range(5)))
    found = with_regressors(grid(3, 2, "A"), as_known(rows, 10**6), {"views": "lagged"}, horizon=2, seed=0)
    # In units of the mean of the three known weeks, 11: whoever hands over later values gets no use of them.
    last, ahead = found["x_views_last"] * 11, found["x_ahead"]
    assert shown(last.round(9))[3:] == [12.0, 12.0]
    assert ahead.tolist()[3:] == [1.0, 2.0]
    for week in range(3):
        back = int(ahead[week])
        assert 1 <= back <= 2
        assert shown(last.round(9))[week] == (None if week < back else 10.0 + week - back)


def test_a_price_that_nobody_paid_or_planned_stays_what_it_was() -> None:
    rows = values_of(("A", "price", 0, 6, 2.0), ("A", "price", 2, 20, 4.0))
    found = with_regressors(grid(3, 2, "A"), as_known(rows, 10**6), {"price": "known_ahead"}, horizon=2, seed=0)
    # The mean of 2, 2 and 4 is 8 / 3.
    assert shown((found["x_price"] * 8 / 3).round(9)) == [2.0, 2.0, 4.0, 4.0, 4.0]


def test_the_week_before_a_holiday_knows_that_one_comes() -> None:
    rows = values_of(*((None, "holidays", week, -(10**5), float(week == 3)) for week in range(4)))
    found = with_regressors(grid(2, 1, "A"), as_known(rows, 10**6), {"holidays": "known_ahead"}, horizon=1, seed=0)
    assert shown(found["x_holidays_after"]) == [0.0, 0.0, 1.0]


def test_each_series_knows_of_the_holiday_of_its_place_that_comes() -> None:
    for_all = [(None, "holidays", week, -(10**5), 0.0) for week in range(4)]
    rows = values_of(*for_all, ("A", "holidays", 1, -(10**5), 1.0), ("B", "holidays", 3, -(10**5), 2.0))
    found = with_regressors(grid(2, 1, "A", "B"), as_known(rows, 10**6), {"holidays": "known_ahead"}, horizon=1, seed=0)
    assert shown(found["x_holidays"]) == [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert shown(found["x_holidays_after"]) == [1.0, 0.0, 0.0, 0.0, 0.0, 2.0]


def test_hours_after_the_origin_are_not_seen_though_their_day_is_known() -> None:
    hours = pd.date_range("2026-01-05 10:00", periods=5, freq="h")
    day = days_since_epoch(MONDAY)
    rows = pd.DataFrame(
        {"unique_id": "A", "name": "price", "ds": hours, "known": day, "value": [1.0, 1.0, 1.0, 9.0, 9.0]}
    )
    coming = pd.DataFrame({"unique_id": "A", "ds": hours, "step": [0, 0, 0, 1, 2]})
    found = with_regressors(coming, as_known(rows, day), {"price": "lagged"}, horizon=2, seed=0)
    assert shown(found["x_price_last"])[3:] == [1.0, 1.0]
    assert shown(found["x_price_recent"])[3:] == [1.0, 1.0]
