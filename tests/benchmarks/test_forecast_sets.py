"""How the forecast benchmark scores and combines."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from benchmarks.forecast_combined import champions, weighted
from benchmarks.forecast_data import Panel
from benchmarks.forecast_scores import BEST, NAIVE2, WEIGHTED, scored, smape
from benchmarks.forecast_sets import gain_percent, owa
from jobs.forecast.demand.periods import Periods

pytestmark = pytest.mark.unit


def _panel(*y: float) -> Panel:
    return Panel("made_up", "Made up", 1, 2, Periods("D"), date(2026, 1, 10), {"a": np.array(y)}, 1)


def test_the_test_is_the_last_horizon_and_origins_lie_a_horizon_apart_before_it() -> None:
    panel = _panel(1, 2, 3, 4, 5, 6, 7)
    assert panel.history("a", 0).tolist() == [1, 2, 3, 4, 5]
    assert panel.coming("a", 0).tolist() == [6, 7]
    assert panel.history("a", 1).tolist() == [1, 2, 3]
    assert panel.coming("a", 1).tolist() == [4, 5]
    assert panel.cutoff(1) == date(2026, 1, 6)


def test_a_series_that_begins_within_a_horizon_has_nothing_to_compare_there() -> None:
    panel = _panel(1, 2, 3)
    assert panel.history("a", 1).tolist() == []
    assert panel.coming("a", 1).tolist() == []


def test_smape_is_0_where_both_are_0_and_leaves_out_what_is_not_known() -> None:
    assert smape(np.array([0.0, 1.0, np.nan]), np.array([0.0, 3.0, 9.0])) == pytest.approx(50.0)


def test_errors_are_scaled_by_the_steps_before_the_test() -> None:
    # Steps of 2: scales 2 and 4. Errors 1 and 3 of the test.
    found = scored(_panel(1, 3, 5, 7, 8, 10), "made up", lambda _: np.array([7.0, 7.0]))
    assert found.rmsse == pytest.approx((5 / 4) ** 0.5)
    assert found.mase == pytest.approx(1.0)
    assert found.series == 1


def test_a_model_that_cannot_forecast_is_scored_by_what_stands_in_its_place() -> None:
    # The last value, 7, is repeated: errors 1 and 3.
    found = scored(_panel(1, 3, 5, 7, 8, 10), "made up", lambda _: None)
    assert found.mase == pytest.approx(1.0)
    assert found.series == 0


def test_shares_of_models_that_cannot_forecast_go_to_the_others() -> None:
    by_model = {"theta": np.array([1.0]), "ets": np.array([5.0])}
    assert weighted(by_model, {"theta": 0.25, "ets": 0.25, "imapa": 0.5}) == pytest.approx([3.0])
    assert weighted(by_model, {"imapa": 1.0}) == pytest.approx([3.0])
    assert weighted({}, {"imapa": 1.0}) is None


def test_the_champion_is_chosen_without_the_test() -> None:
    values = {
        ("a", 0): {"theta": np.array([6.0, 7.0]), "ets": np.array([0.0, 0.0])},
        ("a", 1): {"theta": np.array([0.0, 0.0]), "ets": np.array([4.0, 5.0])},
    }
    assert champions(_panel(1, 2, 3, 4, 5, 6, 7), values) == {"a": "ets"}


def test_gain_and_owa_are_relative_to_the_best_single_and_to_naive2() -> None:
    figures = {
        "scores": [
            {"method": BEST, "rmsse": 0.8, "mase": 1.0, "smape": 10.0},
            {"method": WEIGHTED, "rmsse": 0.6, "mase": 1.5, "smape": 5.0},
            {"method": NAIVE2, "rmsse": 1.0, "mase": 2.0, "smape": 20.0},
        ]
    }
    assert gain_percent(figures) == pytest.approx(25.0)
    assert owa(figures, figures["scores"][1]) == pytest.approx(0.5)
