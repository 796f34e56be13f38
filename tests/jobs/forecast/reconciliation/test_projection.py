"""Base forecasts to coherent ones: three nodes by hand, larger hierarchies against the textbook formula."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from jobs.forecast.reconciliation.params import Method
from jobs.forecast.reconciliation.parts import Members, Moments, Part, joined, part_of
from jobs.forecast.reconciliation.paths import around, drawn, ranks_of, values_at
from jobs.forecast.reconciliation.projection import multipliers, parents_of, projected
from jobs.forecast.reconciliation.tree import Branch, Numbers, rounded, unit_of

pytestmark = pytest.mark.unit

Parents = list[list[int]]
"""The aggregates above each series by number, from the largest to the smallest."""

# A total of two series, forecast as 100, 40 and 50: ten are missing below.
PAIR: Parents = [[0], [0]]
BASE = np.array([[100.0], [40.0], [50.0]])


def projection(
    method: Method,
    parents: Parents,
    base: Numbers,
    errors: Numbers | None = None,
    usual: Numbers | None = None,
    branches: int = 1,
) -> Numbers:
    """The coherent values of the series, which are dealt out to branches."""
    aggregates = len(base) - len(parents)
    known = np.zeros((len(base), 0)) if errors is None else errors
    weights = np.ones(len(base)) if usual is None else usual
    above, below = slice(0, aggregates), slice(aggregates, None)
    series = Members(base[below], known[below], np.ones(len(parents)), weights[-len(parents) :])
    own = [np.arange(number, len(parents), branches) for number in range(branches)]
    trees = [Branch.of([parents[place] for place in places]) for places in own]
    members = [Members(series.values[p], series.errors[p], series.spread[p], series.usual[p]) for p in own]
    parts = [part_of(method, tree, of) for tree, of in zip(trees, members, strict=True)]
    nodes = np.arange(aggregates)
    tops = Members(base[above], known[above], np.ones(aggregates), np.ones(aggregates))
    found = multipliers(method, tops, joined(parts, nodes))
    coherent = np.zeros((len(parents), base.shape[1]))
    for places, tree, of in zip(own, trees, members, strict=True):
        coherent[places] = projected(method, tree, of, found)
    return coherent


def coherent(method: Method, parents: Parents, base: Numbers, errors: Numbers | None = None) -> list[float]:
    found = projection(method, parents, base, errors, np.array([1.0, 1.0, 3.0]) if len(base) == 3 else None)
    return [round(float(value), 9) for value in found[:, 0]]


def counts(parents: Parents) -> Part:
    """Sizes, and series in common, of the aggregates."""
    nothing = np.zeros((len(parents), 0))
    members = Members(nothing, nothing, np.ones(len(parents)), np.ones(len(parents)))
    return part_of("ols", Branch.of(parents), members)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("bottom_up", [40.0, 50.0]),
        ("top_down", [400 / 9, 500 / 9]),  # 100 by their own shares
        ("top_down_history", [25.0, 75.0]),  # 100 by the usual demand, 1 and 3
        ("ols", [40 + 10 / 3, 50 + 10 / 3]),  # each of the three gives way by a third
        ("wls_structural", [42.5, 52.5]),  # the total, of two series, gives way twice as far
    ],
)
def test_ten_units_too_few_are_shared_by_method(method: Method, expected: list[float]) -> None:
    assert coherent(method, PAIR, BASE) == pytest.approx(expected)


def test_what_errs_more_gives_way_more() -> None:
    errors = np.array([[1.0, -1.0, 1.0, -1.0], [2.0, 2.0, -2.0, -2.0], [0.0, 0.0, 0.0, 0.0]])
    # Mean squares 1, 4, and 0 taken as a millionth of the middle one: A takes 4 / 5 of ten.
    assert coherent("wls_variance", PAIR, BASE, errors) == pytest.approx([48.0, 50.0], abs=1e-4)
    # Without errors in the backtest the spread stands in for them.
    assert coherent("wls_variance", PAIR, BASE) == pytest.approx([40 + 10 / 3, 50 + 10 / 3])


def summing(parents: Parents) -> Numbers:
    """A row for each aggregate, a column for each series."""
    found = np.zeros((1 + max(max(own) for own in parents), len(parents)))
    for place, own in enumerate(parents):
        found[own, place] = 1.0
    return found


def textbook(parents: Parents, base: Numbers, covariance: Numbers) -> Numbers:
    """(S' W^-1 S)^-1 S' W^-1 y of Wickramasuriya et al. (2019), with dense matrices."""
    s = np.vstack([summing(parents), np.eye(len(parents))])
    inverse = np.linalg.inv(covariance)
    return np.asarray(np.linalg.solve(s.T @ inverse @ s, s.T @ inverse @ base))


def crossed() -> tuple[Parents, Numbers, Numbers]:
    """Total, two regions and two products of six series; base forecasts of three steps and twelve errors of each."""
    random = np.random.default_rng(7)
    parents = [[0, 1, 3], [0, 1, 4], [0, 1, 3], [0, 2, 4], [0, 2, 3], [0, 2, 4]]
    errors = random.normal(size=(11, 12)) + random.normal(size=12)
    return parents, random.uniform(10, 90, (11, 3)), errors


@pytest.mark.parametrize("branches", [1, 3])
def test_mint_is_that_of_the_textbook_though_no_dense_matrix_is_made(branches: int) -> None:
    parents, base, errors = crossed()
    count = errors.shape[1]
    variances = (errors**2).mean(axis=1)
    z = errors / np.sqrt(variances)[:, None]
    correlations = z @ z.T / count
    # Schaefer and Strimmer (2005), pair by pair: what is estimated is the variance of a mean of products.
    above = below = 0.0
    for i in range(11):
        for j in range(11):
            if i != j:
                products = z[i] * z[j]
                above += products.var(ddof=1) / count
                below += correlations[i, j] ** 2
    moments = Moments.of(Members(base, errors, np.ones(11), np.ones(11)))
    assert moments.shrinkage() == pytest.approx(above / below)
    shrunk = (1 - above / below) * correlations + above / below * np.eye(11)
    scale = np.sqrt(variances)
    expected = textbook(parents, base, scale[:, None] * shrunk * scale)
    assert projection("mint_shrink", parents, base, errors, branches=branches) == pytest.approx(expected)
    weighted = projection("wls_variance", parents, base, errors, branches=branches)
    assert weighted == pytest.approx(textbook(parents, base, np.diag(variances)))


@pytest.mark.parametrize("method", get_args(Method))
def test_branches_leave_coherent_forecasts_and_change_no_result_and_all_methods_add_up_exactly(method: Method) -> None:
    parents, base, errors = crossed()
    usual, sums = np.r_[np.ones(5), base[5:, 0]], summing(parents)
    series = base[5:, :1]
    stays = projection(method, parents, np.vstack([sums @ series, series]), errors, usual)
    assert stays == pytest.approx(series)
    whole = projection(method, parents, base, errors, usual)
    assert projection(method, parents, base, errors, usual, branches=4) == pytest.approx(whole)
    exact = rounded(whole / 3, unit_of(float(np.abs(whole).sum())))
    assert exact == pytest.approx(whole / 3, abs=2**-17)
    for own in sums > 0:
        for step in range(3):
            parts = [float(value) for value in exact[own, step]]
            assert sum(parts) == sum(reversed(parts)) == float(sums[0, own] @ exact[own, step])


def test_sums_are_exact_for_large_series_and_small_ones() -> None:
    values = np.array([9e14 / 7, 0.1, 1 / 3])
    a, b, c = rounded(values, unit_of(float(values.sum()))).tolist()
    assert (a + b) + c == a + (b + c) == (c + a) + b
    assert [a, b, c] == pytest.approx(values, abs=0.07)


def test_a_tree_knows_its_parents_and_crossed_levels_have_none() -> None:
    tree = counts([[0, 1], [0, 1], [0, 2]])
    found = parents_of(tree.shared, tree.sizes)
    assert found is not None
    assert (found.tolist(), tree.sizes.tolist()) == ([-1, 0, 0], [3.0, 2.0, 1.0])
    across = counts(crossed()[0])
    assert parents_of(across.shared, across.sizes) is None


def test_the_way_down_goes_level_by_level_and_equal_shares_replace_none() -> None:
    base = np.array([[90.0], [20.0], [10.0], [3.0], [1.0], [0.0], [0.0]])
    # 90 in 60 and 30 as 20 and 10; 60 as 3 and 1; nothing is expected of the last two.
    assert coherent("top_down", [[0, 1], [0, 1], [0, 2], [0, 2]], base) == [45.0, 15.0, 15.0, 15.0]


def test_what_belongs_to_no_aggregate_stays_and_what_nobody_forecasts_counts_for_nothing() -> None:
    branch = Branch.of([[], [3]])
    nothing = np.zeros((2, 0))
    members = Members(np.array([[7.0], [9.0]]), nothing, np.ones(2), np.ones(2))
    part = joined([part_of("ols", branch, members)], np.zeros(0, dtype=np.int64))
    tops = Members(np.zeros((0, 1)), np.zeros((0, 0)), np.zeros(0), np.zeros(0))
    assert projected("ols", branch, members, multipliers("ols", tops, part)).tolist() == [[7.0], [9.0]]


def test_a_path_takes_the_value_of_each_band_at_the_rank_of_the_error() -> None:
    errors = np.array([[5.0, -1.0, 2.0, 0.0], [0.0, 1.0, 2.0, np.nan]])
    assert ranks_of(errors).tolist() == [[0.875, 0.125, 0.625, 0.375], [0.125, 0.625, 0.875, 0.375]]
    levels = np.array([0.1, 0.5, 0.9])
    bands = np.array([[0.0, 10.0, 30.0]])
    # Half way from .5 to .9; and beyond .99 twice as far from the median as at .9, in an exponential tail.
    assert values_at(np.array([[0.5, 0.7, 0.99, 0.01]]), levels, bands)[0] == pytest.approx([10.0, 20.0, 50.0, -10.0])


def test_the_band_of_a_total_depends_on_whether_its_series_err_together() -> None:
    count, levels = 99, np.array([0.1, 0.5, 0.9])
    one = np.linspace(-1, 1, count)
    mixed = np.random.default_rng(3).permutation(one)
    bands = np.array([[60.0, 90.0, 120.0], [30.0, 40.0, 50.0], [40.0, 50.0, 60.0]])
    centre = np.array([90.0, 40.0, 50.0])
    widths = {}
    for name, other in (("together", one), ("against", -one), ("apart", mixed)):
        series = drawn(np.vstack([one, other]), levels, bands[1:])
        paths = np.vstack([series.sum(axis=0), series])
        found = around(centre, centre, bands, levels, paths, np.array([True, True, True]))
        widths[name] = float(found[0, 2] - found[0, 0])
        assert found[1] == pytest.approx(bands[1], abs=0.3)
    # Two bands of 20: 40 when their errors are the same, nothing when they cancel out, between them otherwise.
    assert widths["together"] == pytest.approx(40, abs=0.5)
    assert widths["against"] == pytest.approx(0, abs=0.5)
    assert 20 < widths["apart"] < 36


def test_with_few_joint_errors_a_band_keeps_its_width_and_none_falls_below_zero() -> None:
    found = around(
        np.array([90.0, 30.0, 60.0]),
        np.array([100.0, 40.0, 50.0]),
        np.array([[80.0, 100.0, 120.0], [5.0, 40.0, 75.0], [45.0, 50.0, 55.0]]),
        np.array([0.1, 0.5, 0.9]),
        None,
        np.array([True, True, True]),
    )
    assert found.tolist() == [[70.0, 90.0, 110.0], [0.0, 30.0, 65.0], [55.0, 60.0, 65.0]]
