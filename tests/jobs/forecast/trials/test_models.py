"""Forecasts of single series: no bad series may ever end a job."""

from __future__ import annotations

import numpy as np
import pytest

from jobs.forecast.trials.models import (
    LOCAL_MODELS,
    effective_season,
    fallback_forecast,
    forecast,
    in_sample_scales,
    is_whole,
    seasonal_naive,
    spread_of,
    weighted_forecast,
    without_gaps,
)

pytestmark = pytest.mark.unit

BAD_SERIES = {
    "one point": [3.0],
    "two points": [1.0, 2.0],
    "all zeros": [0.0] * 20,
    "constant": [4.0] * 20,
    "not a number": [1.0, np.nan, 2.0, 3.0, 1.0, 2.0, 4.0, 2.0],
    "infinite": [1.0, 2.0, 3.0, np.inf, 2.0, 1.0, 2.0, 3.0],
    "huge and tiny": [1e-300, 1e300, 1e-300, 1e300, 1.0, 1e300, 2.0, 1e300],
    "falling to zero": [float(n) for n in range(20, -1, -1)],
}


@pytest.mark.parametrize("name", BAD_SERIES)
def test_every_series_gets_finite_values_that_are_not_negative(name: str) -> None:
    y = np.array(BAD_SERIES[name])
    for model in (*LOCAL_MODELS, "lightgbm"):
        values, behind, reasons = weighted_forecast({model: 0.5}, y, 3, 7)
        assert values.shape == (3,)
        assert np.isfinite(values).all()
        assert (values >= 0).all()
        assert behind == 0.5 or reasons or model == "lightgbm"
    values, made_by = fallback_forecast(y, 3, 7)
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert made_by in {"seasonal_naive", "mean", "zero"}


def test_the_fallback_goes_from_the_naive_to_the_mean_and_to_zero() -> None:
    assert fallback_forecast(np.array([1.0, 2.0, 3.0]), 1, 1)[1] == "seasonal_naive"
    values, made_by = fallback_forecast(np.array([1.0, 3.0, np.inf]), 2, 1)
    assert (values.tolist(), made_by) == ([2.0, 2.0], "mean")
    assert fallback_forecast(np.zeros(9), 1, 1)[1] == "zero"
    assert fallback_forecast(np.array([np.nan]), 1, 1)[1] == "zero"


def test_the_weighted_mean_is_that_of_the_models_that_can_forecast() -> None:
    y = np.array([4.0, 8.0, 6.0, 2.0])
    # The naive says 2, the average of the last four 5; Theta needs five periods.
    values, behind, reasons = weighted_forecast({"seasonal_naive": 0.2, "window_average": 0.4, "theta": 0.4}, y, 2, 1)
    assert values.tolist() == pytest.approx([4.0, 4.0])
    assert behind == pytest.approx(0.6)
    assert reasons == ("theta needs 5 periods, 4 are there",)
    assert weighted_forecast({"theta": 1.0}, y, 2, 1)[1] == 0
    assert weighted_forecast({"log_stl_ets": 1.0}, np.arange(20.0), 2, 4)[2] == ("log_stl_ets needs values above zero",)
    assert weighted_forecast({"stl_theta": 1.0}, y, 2, 4)[2] == ("stl_theta needs 6 periods, 4 are there",)


def test_the_seasonal_naive_repeats_the_last_season() -> None:
    assert seasonal_naive(np.array([9.0, 1.0, 2.0, 3.0]), 5, 3).tolist() == [1.0, 2.0, 3.0, 1.0, 2.0]
    assert seasonal_naive(np.array([9.0]), 2, 7).tolist() == [9.0, 9.0]


def test_a_season_counts_only_when_the_history_holds_two_and_a_point() -> None:
    assert [effective_season(points, 7) for points in (13, 14, 15)] == [1, 1, 7]


def test_the_scales_of_mase_and_rmsse_are_those_worked_out_by_hand() -> None:
    # Steps of 1, 2, 3: the mean of the steps is 2, that of their squares 14 / 3.
    assert in_sample_scales(np.array([1.0, 2.0, 4.0, 7.0]), 1) == (2.0, pytest.approx(14 / 3))
    assert in_sample_scales(np.array([5.0]), 1) == (0.0, 0.0)
    # With a season of 2 and five points: |4-1|, |7-2|, |11-4|.
    assert in_sample_scales(np.array([1.0, 2.0, 4.0, 7.0, 11.0]), 2)[0] == 5.0


GAP = [np.nan] * 3


def test_a_gap_is_bridged_between_its_neighbours_and_carried_on_after_the_last_known_value() -> None:
    assert without_gaps(np.array([np.nan, 2.0, *GAP, 10.0, np.nan])).tolist() == [2.0, 4.0, 6.0, 8.0, 10.0, 10.0]
    assert without_gaps(np.array(GAP)).tolist() == []


def test_a_gap_counts_for_no_scale_no_length_and_no_season() -> None:
    # Steps whose both values are known: 2 - 1 and 7 - 4.
    assert in_sample_scales(np.array([1.0, 2.0, *GAP, 4.0, 7.0]), 1) == (2.0, 5.0)
    assert forecast("theta", np.array([1.0, 2.0, *GAP, 4.0, 7.0]), 1, 1)[1] == "theta needs 5 periods, 4 are there"
    # Eleven periods, of which eight are known: too few for two seasons of 4 and a period.
    values, _ = forecast("seasonal_naive", np.array([1.0, 2.0, 3.0, 4.0, *GAP, 8.0, 1.0, 2.0, 3.0]), 2, 4)
    assert values is not None
    assert values.tolist() == [3.0, 3.0]


def test_a_gap_moves_no_season() -> None:
    season = [10.0, 20.0, 30.0, 40.0]
    values, _ = forecast("seasonal_naive", np.array([*season, 10.0, *GAP, *season, *season[:2]]), 4, 4)
    assert values is not None
    assert values.tolist() == [30.0, 40.0, 10.0, 20.0]


def test_croston_sba_of_a_demand_of_6_every_third_period_is_1_9() -> None:
    # Size 6 over interval 3 is 2, times (1 - 0.1 / 2) by Syntetos and Boylan.
    values, _ = forecast("croston_sba", np.array([0.0, 0.0, 6.0] * 4), 2, 1)
    assert values is not None
    assert values.tolist() == pytest.approx([1.9, 1.9])


def test_a_falling_series_of_demand_is_not_forecast_below_zero() -> None:
    values, _ = forecast("theta", np.array([float(n) for n in range(20, -1, -1)]), 60, 1)
    assert values is not None
    assert values.min() == 0.0


def test_counts_vary_at_least_as_the_poisson_distribution_does() -> None:
    quiet = np.array([0.0] * 30 + [3.0] * 10)
    # The naive errs by 3 once in 39 steps; the mean is 30 / 40.
    assert spread_of(quiet, 1) == pytest.approx(((3 / 39) ** 2 + 0.75) ** 0.5)
    assert spread_of(np.full(20, 4.0), 1) == 2.0
    # Half a litre is no count, and neither is what may be negative.
    assert spread_of(np.array([0.5, 1.5, 0.5]), 1) == 1.0
    assert spread_of(np.array([-1.0, 1.0, -1.0]), 1) == 2.0
    assert spread_of(np.full(20, 0.5), 1) == 0.0
    assert is_whole(np.array([1.0, np.nan, 2.0]))
    assert not is_whole(np.array([np.nan]))
