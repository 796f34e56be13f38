"""Several seasons at once, such as a day and a week of hours, and the autoregressions that use them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.global_model import Boosting, boosted
from jobs.forecast.trials.models import effective_season, forecast, in_sample_scales, seasons_within
from jobs.forecast.trials.origins import Origins
from jobs.forecast.trials.params import BacktestParams

pytestmark = pytest.mark.unit


def test_a_season_counts_from_two_of_them_and_a_point_on_and_scales_take_the_shortest() -> None:
    found = [seasons_within(points, (365, 7)) for points in (14, 15, 730, 731)]
    assert found == [(), (7,), (7,), (7, 365)]
    assert effective_season(731, (365, 7)) == 7
    # With a season of 2: |4-1|, |7-2|, |11-4|, |16-7|, a mean of 6; the season of 3 is not asked.
    assert in_sample_scales(np.array([1.0, 2.0, 4.0, 7.0, 11.0, 16.0]), (2, 5))[0] == 6.0


def test_the_seasons_are_those_of_the_frequency_unless_others_are_asked_for() -> None:
    def tried(season: int | tuple[int, ...] | None) -> tuple[int, ...]:
        days, last = Periods("D"), date(2026, 3, 30)
        return Origins.rolling(["ets"], last, days, horizon=4, windows=1, stride=2, season=season).season_lengths

    assert tried(None) == (7, 365)
    assert tried(30) == (30,)
    assert tried((28, 7)) == (7, 28)


def test_a_season_is_given_as_a_number_or_as_a_list_of_them() -> None:
    assert BacktestParams.model_validate({"season_length": 24}).season_length == 24
    assert BacktestParams.model_validate({"season_length": [24, 168]}).season_length == (24, 168)
    with pytest.raises(ValidationError):
        BacktestParams.model_validate({"season_length": [24, 0]})


@pytest.mark.parametrize("model", ["stl_theta", "log_stl_ets", "mfles"])
def test_two_seasons_are_forecast_together(model: str) -> None:
    # 20 + (0, 3, 6) by the place in a season of 3, + 10 in each twelfth period.
    y = np.array([20.0 + 3 * (n % 3) + 10 * (n % 12 == 11) for n in range(120)])
    values, reason = forecast(model, y, 12, (3, 12))
    assert reason == ""
    assert values is not None
    assert values.tolist() == pytest.approx([20, 23, 26, 20, 23, 26, 20, 23, 26, 20, 23, 36], abs=2.0)


def test_an_autoregression_continues_a_wave() -> None:
    values, _ = forecast("ar", np.array([0.0, 5.0, 10.0, 5.0] * 10), 4, 1)
    assert values is not None
    assert values.tolist() == pytest.approx([0.0, 5.0, 10.0, 5.0], abs=0.3)


def test_a_seasonal_autoregression_continues_the_change_from_a_season_to_the_next() -> None:
    # Over a season of 2 the values rise by 1, 1, fall by 1, 1, and so on.
    values, _ = forecast("seasonal_ar", np.array([0.0, 10.0, 1.0, 11.0] * 10), 4, 2)
    assert values is not None
    assert values.tolist() == pytest.approx([0.0, 10.0, 1.0, 11.0], abs=0.3)


def test_an_autoregression_that_has_nothing_to_learn_from_says_so() -> None:
    wave = np.array([1.0, 2.0, 3.0, 2.0, 5.0] * 8)
    assert forecast("seasonal_ar", wave, 2, 1) == (None, "seasonal_ar needs two seasons")
    assert forecast("long_seasonal_ar", wave, 2, (4, 30)) == (
        None,
        "long_seasonal_ar needs two seasons of different lengths",
    )
    assert forecast("ar", np.full(20, 3.0), 2, 1) == (None, "ar has too few periods, or they are all the same")


def test_the_lags_of_lightgbm_reach_two_of_each_season_back_as_far_as_the_histories_do() -> None:
    hours = Boosting(Periods("D"), (24, 168), 0)
    near = [1, 2, 3, 4, 5, 6, 7, 8]
    assert hours.lags(1_000) == [*near, 23, 24, 25, 48, 72, 167, 168, 169, 336]
    assert hours.lags(300) == [*near, 23, 24, 25, 48, 72]


def test_lightgbm_of_differences_steps_over_the_short_season_where_there_are_several() -> None:
    days = Boosting(Periods("D"), (7, 365), 0)
    assert [days.difference("lightgbm_diff", longest) for longest in (400, 731)] == [1, 7]
    assert days.difference("lightgbm", 731) == 0


def test_lightgbm_takes_logarithms_only_of_series_that_have_them() -> None:
    days = pd.date_range("2026-01-01", periods=60)
    wave = 100.0 + 10.0 * (np.arange(60) % 3) + (np.arange(60) * 7 % 5)
    rows = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": days, "y": wave - less})
            for name, less in {"a": 0.0, "zero": 100.0}.items()
        ]
    )
    found = boosted("lightgbm_diff", rows, 3, Boosting(Periods("D"), (3, 12), 0)).groupby("unique_id")["y_hat"]
    # The wave goes on with 100, 110 and 120, and up to 4 more.
    assert found.get_group("a").tolist() == pytest.approx([102.0, 112.0, 122.0], abs=5.0)
    assert found.get_group("zero").tolist() == pytest.approx([2.0, 12.0, 22.0], abs=5.0)
