"""What a budget of CPU seconds per series pays for."""

from __future__ import annotations

import pytest

from jobs.forecast.trials.budget import price, within
from jobs.forecast.trials.params import DEFAULT_MODELS, Model

pytestmark = pytest.mark.unit

MODELS = ("ets", "theta", "seasonal_naive", "tsb")


def test_without_a_budget_everything_is_tried() -> None:
    plan = within(MODELS, 3, 200, None, horizon=10)
    assert (plan.models, plan.windows, plan.left_out) == (MODELS, 3, ())


def test_the_dearest_models_are_left_out_first_and_the_order_stays() -> None:
    # A forecast of 1,000 periods: ETS 400.5 ms, Theta 45.5, TSB .7, the naive .6; three windows and the forecast.
    # Beside it 40 ms for the history, and .5 ms for the ten rows of each model, and of their mean, in each window.
    assert within(MODELS, 3, 1_000, 4 * 0.4473 + 0.04 + 0.0076, horizon=10).models == MODELS
    plan = within(MODELS, 3, 1_000, 4 * 0.0468 + 0.04 + 0.0061, horizon=10)
    assert (plan.models, plan.windows, plan.left_out) == (("theta", "seasonal_naive", "tsb"), 3, ("ets",))
    assert plan.cpu_seconds_per_series == pytest.approx(4 * 0.0468 + 0.04 + 0.006)


def test_a_window_is_given_up_for_one_more_model_but_never_the_last_two() -> None:
    plan = within(MODELS, 6, 1_000, 3 * 0.0468 + 0.04 + 0.0041, horizon=10)
    assert (plan.models, plan.windows) == (("theta", "seasonal_naive", "tsb"), 2)
    least = within(MODELS, 6, 1_000, 0.0001, horizon=10)
    assert (least.models, least.windows) == (("seasonal_naive",), 2)
    # Nobody asked for a second window.
    assert within(MODELS, 1, 1_000, 0.0001, horizon=10).windows == 1


def test_spare_seconds_buy_windows_once_no_further_model_fits() -> None:
    # The naive and TSB take 1.3 ms a window, and 1.5 with the mean for their rows; Theta takes 45.5.
    plan = within(MODELS, 6, 1_000, 0.04 + 7 * 0.0013 + 6 * 0.0015 + 0.001, horizon=10)
    assert (plan.models, plan.windows) == (("seasonal_naive", "tsb"), 6)


@pytest.mark.parametrize("model", DEFAULT_MODELS)
def test_each_model_that_is_tried_by_default_is_priced(model: Model) -> None:
    assert price(model, 1_000) < 0.4 or model == "ets"
