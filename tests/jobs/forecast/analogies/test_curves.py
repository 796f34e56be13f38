"""What the launches of like items say of a new one: pure numbers, each expected value made by hand."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pandas as pd
import pytest

from jobs.forecast.analogies.bands import ranked
from jobs.forecast.analogies.curves import LaunchCurve, Launches
from jobs.forecast.analogies.steps import Terms, pool_forecasts
from jobs.forecast.analogies.sums import places_of

pytestmark = pytest.mark.unit

MEDIAN = (0.5,)
NONE = np.array([])


def launches(*rows: list[float], cycle: int = 1) -> Launches:
    return Launches(np.array(rows, dtype=np.float64), np.zeros(len(rows), dtype=np.int64), cycle)


def flat(*, dispersion: float, variation: float, level: float = 10.0) -> LaunchCurve:
    """A curve of items that sell the same at each of four ages."""
    four = launches([level] * 4, [level] * 4)
    return LaunchCurve(four, np.full(2, level), np.ones(4), np.ones(1), dispersion, variation, is_whole=False)


def test_an_item_without_sales_is_expected_to_sell_as_the_usual_one_at_its_age() -> None:
    found = LaunchCurve.of(launches([4, 2, 2, 2], [8, 4, 4, 4], [12, 6, 6, 6]), fewest=2)
    # 2.5, 5 and 7.5 a period, the largest of which counts as the next; twice as much in the first as later.
    assert found.foreseen(NONE, 0, 4, MEDIAN).mean == pytest.approx(np.array([8, 4, 4, 4]) * 12.5 / 15)


@pytest.mark.parametrize(
    ("own", "mean"),
    [
        ([16.0, 16.0], 15.0),  # (4 + 32) / (4 + 20) of 10
        ([10.0, 10.0], 10.0),
        ([0.0, 0.0], 10 * 4 / 24),
        ([16.0, float("nan")], 10 * 20 / 14),  # of a period that is not known nothing is expected either
    ],
)
def test_its_own_sales_count_against_those_of_the_others_by_their_credibility(own: list[float], mean: float) -> None:
    # K is the dispersion 2 over the variation 0.5: 4 units.
    found = flat(dispersion=2.0, variation=0.5).foreseen(np.array(own), 0, 2, MEDIAN)
    assert found.mean == pytest.approx([mean, mean])


def test_the_unit_of_errors_is_the_standard_deviation_of_what_is_left_unknown() -> None:
    curve = flat(dispersion=2.0, variation=0.5)
    assert curve.foreseen(NONE, 0, 1, MEDIAN).spread == pytest.approx(sqrt(2 * 10 + 0.5 * 100))
    # After 20 units expected, 4 / (4 + 20) of the variation is left.
    assert curve.foreseen(np.full(2, 10.0), 0, 1, MEDIAN).spread == pytest.approx(sqrt(2 * 10 + 0.5 / 6 * 100))


def test_one_item_moves_the_curve_no_further_than_the_next_largest_has() -> None:
    usual = [[2.0, 1, 1], [4.0, 2, 2], [6.0, 3, 3]]
    large = LaunchCurve.of(launches(*usual, [12, 6, 6]), fewest=2)
    giant = LaunchCurve.of(launches(*usual, [12e9, 6e9, 6e9]), fewest=2)
    assert giant.foreseen(NONE, 0, 3, MEDIAN).mean == pytest.approx(large.foreseen(NONE, 0, 3, MEDIAN).mean)


def test_an_item_too_young_for_an_age_counts_at_those_that_it_was_seen_at() -> None:
    nan = float("nan")
    found = LaunchCurve.of(launches([8, 4, 4], [8, 4, 4], [16, nan, nan], [16, 8, nan]), fewest=1)
    # Later ages are half the first, whoever was there to see: levels are 5.33, 5.33, 10.67 and 10.67 a period.
    mean = found.foreseen(NONE, 0, 3, MEDIAN).mean
    assert mean / mean[0] == pytest.approx([1, 0.5, 0.5])
    assert mean[0] == pytest.approx(12)


def test_an_age_that_fewer_items_have_reached_than_are_asked_for_is_like_the_one_before() -> None:
    nan = float("nan")
    found = LaunchCurve.of(launches([8, 4, 99], [8, 4, nan], [8, 4, nan]), fewest=2)
    mean = found.foreseen(NONE, 0, 4, MEDIAN).mean
    assert mean[1] == mean[2] == mean[3]


def test_days_on_which_nobody_buys_stay_without_demand_in_the_week_of_a_new_item() -> None:
    week = [6.0, 6, 6, 6, 6, 6, 0]
    found = LaunchCurve.of(launches([*week, *week], [*week, *week], cycle=7), fewest=2)
    # It starts on the last but one day of such a week, after two days of waiting.
    coming = found.foreseen(NONE, 5, 5, (0.1, 0.9), waits=2)
    assert coming.mean == pytest.approx([0, 0, 6, 0, 6])
    assert coming.quantiles[:2].max() == coming.quantiles[3].max() == 0


def test_the_band_is_that_of_the_ranks_among_the_items_and_wider_where_they_are_few() -> None:
    nine = np.arange(1.0, 10.0)[:, None]
    assert list(ranked(nine, (0.1, 0.5, 0.9))) == [1, 5, 9]
    # Level .975 needs 39 items: the outermost of nine is 4 from the middle.
    assert ranked(nine, (0.975,))[0] == pytest.approx(5 + 4 * log(40) / log(10))
    assert ranked(nine[:3], (0.975,))[0] == pytest.approx(2 + 1 * log(40) / log(4))
    # A single one has no ranks.
    assert ranked(nine[:1], (0.975,))[0] == pytest.approx(1.959964)


def test_the_worst_of_many_items_counts_as_the_next_worst() -> None:
    errors = np.append(np.arange(1.0, 20.0), 1e9)[:, None]
    assert ranked(errors, (0.95,))[0] == 19


def test_counts_have_whole_quantiles_never_below_zero_that_rise() -> None:
    found = LaunchCurve.of(launches([1, 0, 2], [2, 1, 0], [1, 3, 1], [5, 0, 1]), fewest=2)
    quantiles = found.foreseen(np.array([1.0]), 0, 2, (0.025, 0.5, 0.975)).quantiles
    assert (quantiles == np.rint(quantiles)).all()
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()


def test_each_new_item_of_a_pool_has_each_step_once_in_the_order_of_names() -> None:
    like = pd.DataFrame(
        {"unique_id": ["x", "y", "z"], "place": [0, 0, 0], "demand": [[4.0, 2.0], [4.0, 2.0], [4.0, None]]}
    )
    new = pd.DataFrame({"unique_id": ["b", "a"], "place": [0, 0], "waits": [0, 1], "own": [[4.0], []]})
    rows = pool_forecasts(like, new, Terms(horizon=2, cycle=1, fewest=2, most=10))
    found = [(name, step, round(mean, 6)) for name, step, mean in rows[["unique_id", "step", "y_hat"]].to_numpy()]
    # The second age is the last that is known.
    assert found == [("a", 1, 0.0), ("a", 2, 4.0), ("b", 1, 2.0), ("b", 2, 2.0)]
    assert pool_forecasts(like.iloc[:0], new, Terms(2, 1, 2, 10)).empty


def test_quantiles_between_the_published_ones_lie_on_the_straight_line_and_beyond_them_on_an_exponential_tail() -> None:
    # The published levels are .025, .1, .25, .5, .75, .9, .95, .975 and .99; .8 is a third of the way from .75 to .9.
    (low, middle, high, beyond) = places_of((0.025, 0.5, 0.8, 0.999))
    assert (low, middle) == ((0, 0, 0.0), (2, 3, 1.0))
    assert (high[:2], beyond[:2]) == ((4, 5), (3, 8))
    assert high[2] == pytest.approx(1 / 3)
    assert beyond[2] == pytest.approx(log(1000) / log(100))
