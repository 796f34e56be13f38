"""Rolling origins, and the probe that must notice when a forecast has seen the future."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMRegressor

from common.days import DayRange
from common.errors import UsageError
from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials import origins as under_test
from jobs.forecast.trials.global_model import Boosting, global_backtest
from jobs.forecast.trials.leakage import corrected, probe
from jobs.forecast.trials.origins import Origins, known_demand, local_backtest

pytestmark = pytest.mark.unit

MONDAY = date(2026, 1, 5)
WEEKS = Periods("W")


def series(name: str, values: list[float]) -> pd.DataFrame:
    days = [MONDAY + timedelta(days=7 * n) for n in range(len(values))]
    return pd.DataFrame(
        {"unique_id": name, "ds": days, "y": values, "net": values, "later_on": None, "later_units": None}
    )


def origins(*models: str, last: date, windows: int = 2) -> Origins:
    return Origins.rolling(models, last, WEEKS, horizon=2, windows=windows, stride=None, season=1)


def wave(length: int) -> list[float]:
    return [10.0 + (n * 7 % 5) + n % 3 for n in range(length)]


def test_the_latest_origin_leaves_just_the_horizon_and_the_others_lie_a_stride_before() -> None:
    found = Origins.rolling(["ets"], date(2026, 3, 30), WEEKS, horizon=4, windows=3, stride=2, season=None)
    assert found.cutoffs == (date(2026, 3, 2), date(2026, 2, 16), date(2026, 2, 2))
    assert found.future(date(2026, 3, 2))[-1] == date(2026, 3, 30)
    assert found.season_length == 52


def test_each_forecast_stands_beside_what_came() -> None:
    rows = series("a", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    found = local_backtest(rows, origins("seasonal_naive", last=rows["ds"].iloc[-1], windows=1))
    assert found[["step", "y", "y_hat", "scale_mae", "scale_mse"]].to_numpy().tolist() == [
        [1, 6.0, 5.0, 1.0, 1.0],
        [2, 7.0, 5.0, 1.0, 1.0],
    ]


def test_a_series_born_after_an_origin_leaves_a_row_with_the_reason() -> None:
    rows = series("a", [1.0, 2.0, 3.0, 4.0])
    found = local_backtest(rows, origins("theta", last=rows["ds"].iloc[-1], windows=1))
    assert found[["step", "reason"]].to_numpy().tolist() == [[0, "only 2 periods before the origin"]]


def test_a_period_of_which_nothing_is_known_leaves_no_row() -> None:
    # With one origin two weeks before the end; the naive repeats the last value known there.
    rows = series("a", [1.0, 2.0, 3.0, 5.0, np.nan, np.nan, 7.0])
    tried = origins("seasonal_naive", last=rows["ds"].iloc[-1], windows=1)
    assert local_backtest(rows, tried)[["step", "y", "y_hat"]].to_numpy().tolist() == [[2, 7.0, 5.0]]
    # The other origin, four weeks before the end, has known values only beyond its horizon.
    rows = series("a", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan, np.nan, 9.0, 9.0])
    both = local_backtest(rows, origins("seasonal_naive", last=rows["ds"].iloc[-1]))
    assert both[["step", "reason"]].to_numpy().tolist() == [
        [1, None],
        [2, None],
        [0, "no value is known after the origin"],
    ]
    rows = series("a", [1.0, 2.0, 3.0, 5.0, 6.0, np.nan, np.nan])
    assert local_backtest(rows, tried)[["step", "reason"]].to_numpy().tolist() == [
        [0, "no value is known after the origin"]
    ]


# 38 periods up to the origin, three of them unknown in one of the three series; a step needs the period before it too.
@pytest.mark.parametrize(("model", "rows_learned"), [("lightgbm", 38 + 35 + 38), ("lightgbm_diff", 37 + 33 + 37)])
def test_a_global_model_learns_nothing_from_a_gap(
    model: str, rows_learned: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[int] = []
    honest = LGBMRegressor.fit

    def counted(self: LGBMRegressor, X: Any, y: Any) -> LGBMRegressor:  # noqa: N803
        learned.append(len(y))
        return honest(self, X, y)

    monkeypatch.setattr(LGBMRegressor, "fit", counted)
    values = wave(40)
    gap, end = [*values[:20], *[np.nan] * 3, *values[23:]], [*values[:38], np.nan, 9.0]
    tried, how = origins(model, last=MONDAY + timedelta(days=7 * 39), windows=1), Boosting(WEEKS, 1, seed=0)
    new = series("new", [np.nan] * 38 + [1.0, 2.0])
    rows = pd.concat([series("a", values), series("gap", gap), series("end", end), new])
    found = global_backtest(rows, tried, how)
    steps = found[found["step"] > 0].groupby("unique_id")["step"].agg(list).to_dict()
    assert steps == {"a": [1, 2], "gap": [1, 2], "end": [2]}
    assert found[found["step"] == 0][["unique_id", "reason"]].to_numpy().tolist() == [
        ["new", "too few periods before the origin"]
    ]
    assert learned == [rows_learned]


def test_the_global_model_forecasts_every_series_from_every_origin() -> None:
    rows = pd.concat([series("a", wave(40)), series("b", [3 * y for y in wave(40)]), series("new", wave(3))])
    tried = origins("lightgbm", last=MONDAY + timedelta(days=7 * 39))
    rows.loc[rows["unique_id"] == "new", "ds"] = [MONDAY + timedelta(days=7 * n) for n in (37, 38, 39)]
    found = global_backtest(rows, tried, Boosting(WEEKS, 1, seed=0))
    good = found[found["step"] > 0]
    assert good.groupby("unique_id").size().to_dict() == {"a": 4, "b": 4}
    assert set(found[found["unique_id"] == "new"]["step"]) == {0}
    assert (good["y_hat"] > 0).all()


@pytest.mark.parametrize("freq", ["D", "W", "M", "Q", "Y"])
def test_the_global_model_knows_every_frequency(freq: Any) -> None:
    periods = Periods(freq)
    days = [periods.plus(date(1990, 1, 1), n) for n in range(30)]
    rows = series("a", wave(30)).assign(ds=days)
    tried = Origins.rolling(["lightgbm"], days[-1], periods, horizon=2, windows=1, stride=None, season=None)
    found = global_backtest(rows, tried, Boosting(periods, tried.season_length, seed=0))
    assert found[["ds", "step", "reason"]].to_numpy().tolist() == [[days[-2], 1, None], [days[-1], 2, None]]


def test_planted_futures_move_no_honest_forecast() -> None:
    gaps = wave(30)
    gaps[20:23], gaps[27:29] = [np.nan] * 3, [np.nan] * 2  # the second one around the later origin
    three = [series("a", wave(30)), series("b", wave(30)[::-1]), series("gaps", gaps)]
    rows = pd.concat(three, ignore_index=True)
    tried = origins("seasonal_naive", "theta", "lightgbm", last=rows["ds"].max())
    local = probe(rows, tried, local_backtest)
    boosted = probe(rows, tried, lambda some, one: global_backtest(some, one, Boosting(WEEKS, 1, seed=0)))
    found = pd.concat([local, boosted])
    assert sorted(set(found["model"])) == ["lightgbm", "seasonal_naive", "theta"]
    assert not found["saw_the_future"].any()
    assert found["saw_the_past"].all()


def test_a_backtest_that_sees_one_period_too_many_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = series("a", wave(30))
    honest = under_test.split_at
    monkeypatch.setattr(
        under_test,
        "split_at",
        lambda days, y, cutoff: (y[: len(honest(days, y, cutoff)[0]) + 1], honest(days, y, cutoff)[1]),
    )
    found = probe(rows, origins("seasonal_naive", last=rows["ds"].max()), local_backtest)
    assert found["saw_the_future"].all()


def corrected_week(values: list[float], week: int, known_on: date, change: float) -> pd.DataFrame:
    """A series of weeks of which one was corrected on a day: ``values`` are those of before."""
    rows = series("a", values)
    places = np.arange(len(values)) == week
    return corrected(rows, places, days_since_epoch(known_on), pd.Series([change] * len(values)))


def test_an_origin_sees_a_correction_from_the_day_on_which_it_became_known() -> None:
    values = [4.0, 4.0, 4.0, 4.0, 9.0, 5.0, 6.0]
    # Week 4, the last known one, ends on Sunday the 8th of February; seven of its nine units came back.
    sunday = MONDAY + timedelta(days=34)
    seen = {}
    for known_on in (sunday, sunday + timedelta(days=1)):
        rows = corrected_week(values, 4, known_on, -7.0)
        found = local_backtest(rows, origins("seasonal_naive", last=rows["ds"].iloc[-1], windows=1))
        seen[known_on] = found[["y", "y_hat", "scale_mae"]].to_numpy().tolist()
    # Steps of 0, 0, 0 and then 9 - 4 = 5 or 4 - 2 = 2.
    assert seen[sunday] == [[5.0, 2.0, 0.5], [6.0, 2.0, 0.5]]
    assert seen[sunday + timedelta(days=1)] == [[5.0, 9.0, 1.25], [6.0, 9.0, 1.25]]


def test_a_stock_out_keeps_what_was_lost_to_it_before_and_after_a_correction() -> None:
    # Seven were sold and three lost; of the seven, four came back in the second week after.
    back = MONDAY + timedelta(days=17)
    rows = corrected_week([4.0, 7.0, 5.0, 6.0], 1, back, -4.0).assign(y=[4.0, 6.0, 5.0, 6.0])
    week = MONDAY + timedelta(days=7)
    assert known_demand(rows, week, WEEKS).tolist() == [4.0, 10.0, 5.0, 6.0]
    assert known_demand(rows, week + timedelta(days=7), WEEKS).tolist() == [4.0, 6.0, 5.0, 6.0]
    unknown = rows.assign(y=[4.0, np.nan, 5.0, 6.0])
    np.testing.assert_array_equal(known_demand(unknown, week, WEEKS), [4.0, np.nan, 5.0, 6.0])


def test_a_stock_out_just_before_an_origin_is_not_taken_for_a_leak() -> None:
    # In two weeks less was sold than was asked for: the last one before each origin.
    sold = wave(30)
    asked = [y + (1.7 if n in (25, 27) else 0.0) for n, y in enumerate(sold)]
    rows = series("a", sold).assign(y=asked)
    found = probe(rows, origins("seasonal_naive", "theta", last=rows["ds"].max()), local_backtest)
    assert not found["saw_the_future"].any()
    assert found["saw_the_past"].all()


def test_what_is_compared_with_a_forecast_is_demand_as_of_today() -> None:
    rows = corrected_week([4.0, 4.0, 4.0, 4.0, 9.0, 5.0, 6.0], 6, MONDAY + timedelta(days=60), -4.0)
    found = local_backtest(rows, origins("seasonal_naive", last=rows["ds"].iloc[-1], windows=1))
    assert found["y"].tolist() == [5.0, 2.0]


def test_the_global_model_learns_from_what_was_known_at_the_origin() -> None:
    last = MONDAY + timedelta(days=7 * 29)
    tried, how = origins("lightgbm", last=last, windows=1), Boosting(WEEKS, 1, seed=0)
    sunday = WEEKS.last_day(tried.cutoffs[0])
    before = global_backtest(series("a", wave(30)), tried, how)["y_hat"].tolist()
    early = global_backtest(corrected_week(wave(30), 27, sunday, -9.0), tried, how)["y_hat"].tolist()
    late = global_backtest(corrected_week(wave(30), 27, sunday + timedelta(days=1), -9.0), tried, how)["y_hat"].tolist()
    assert late == before
    assert early != before


def test_a_backtest_that_sees_a_later_correction_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = series("a", wave(30))
    tried = origins("seasonal_naive", "theta", last=rows["ds"].max())
    monkeypatch.setattr(under_test, "known_demand", lambda rows, cutoff, periods: rows["y"].to_numpy())
    assert probe(rows, tried, local_backtest)["saw_the_future"].all()


def test_a_backtest_that_knows_corrections_too_late_is_called_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = series("a", wave(30))
    honest = under_test.known_demand
    monkeypatch.setattr(
        under_test, "known_demand", lambda rows, cutoff, periods: honest(rows, WEEKS.plus(cutoff, -1), periods)
    )
    found = probe(rows, origins("seasonal_naive", last=rows["ds"].max()), local_backtest)
    assert not found["saw_the_past"].any()
    assert not found["saw_the_future"].any()


@pytest.mark.parametrize(
    ("freq", "first", "last"),
    [("D", "2026-02-03", "2026-05-20"), ("W", "2026-02-09", "2026-05-11"), ("M", "2026-03-01", "2026-04-01")],
)
def test_only_whole_periods_of_the_days_count(freq: str, first: str, last: str) -> None:
    days = DayRange(date(2026, 2, 3), date(2026, 5, 20))
    whole = Periods(freq).whole_in(days)
    assert (str(whole.first), str(whole.last)) == (first, last)


def test_days_without_a_whole_period_are_refused() -> None:
    with pytest.raises(UsageError, match="no whole quarter"):
        Periods("Q").whole_in(DayRange(date(2026, 1, 2), date(2026, 6, 29)))


def test_a_quarter_follows_a_quarter_over_the_turn_of_the_year() -> None:
    assert Periods("Q").plus(date(2025, 10, 1), 1) == date(2026, 1, 1)
    assert Periods("Q").plus(date(2026, 1, 1), -1) == date(2025, 10, 1)
    assert Periods("M").plus(date(2025, 11, 1), 3) == date(2026, 2, 1)
    assert Periods("Q").first_day(date(2026, 6, 30)) == date(2026, 4, 1)
