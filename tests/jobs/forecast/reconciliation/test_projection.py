"""Base forecasts to coherent ones: three nodes by hand, larger hierarchies against the textbook formula."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from jobs.forecast.reconciliation.params import Method
from jobs.forecast.reconciliation.paths import coherent_bands, ranks_of, values_at
from jobs.forecast.reconciliation.projection import Errors, projection, shrinkage_of
from jobs.forecast.reconciliation.tree import Numbers, Tree, exactly_summed

pytestmark = pytest.mark.unit

# A total of two series, forecast as 100, 40 and 50: ten are missing below.
PAIR = Tree.of([[0], [0]], 1)
BASE = np.array([[100.0], [40.0], [50.0]])


def coherent(method: Method, tree: Tree, base: Numbers, errors: Numbers | None = None) -> list[float]:
    nodes = tree.aggregates + tree.series
    known = np.zeros((nodes, 0)) if errors is None else errors
    found = projection(method, tree, Errors(known, np.ones(nodes)), np.array([1.0, 3.0]))(base)
    return [round(float(value), 9) for value in found[:, 0]]


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


def textbook(tree: Tree, base: Numbers, covariance: Numbers) -> Numbers:
    """(S' W^-1 S)^-1 S' W^-1 y of Wickramasuriya et al. (2019), with dense matrices."""
    s = np.vstack([tree.sums.toarray(), np.eye(tree.series)])
    inverse = np.linalg.inv(covariance)
    return np.asarray(np.linalg.solve(s.T @ inverse @ s, s.T @ inverse @ base))


def crossed() -> tuple[Tree, Numbers, Numbers]:
    """Total, two regions and two products of six series; base forecasts of three steps and twelve errors of each."""
    random = np.random.default_rng(7)
    tree = Tree.of([[0, 1, 3], [0, 1, 4], [0, 1, 3], [0, 2, 4], [0, 2, 3], [0, 2, 4]], 5)
    errors = random.normal(size=(11, 12)) + random.normal(size=12)
    return tree, random.uniform(10, 90, (11, 3)), errors


def test_mint_is_that_of_the_textbook_though_no_dense_matrix_is_made() -> None:
    tree, base, errors = crossed()
    count = errors.shape[1]
    variances = (errors**2).mean(axis=1)
    z = errors / np.sqrt(variances)[:, None]
    correlations = z @ z.T / count
    # Schaefer and Strimmer (2005), pair by pair.
    above = below = 0.0
    for i in range(11):
        for j in range(11):
            if i != j:
                products = z[i] * z[j]
                above += count / (count - 1) ** 3 * ((products - products.mean()) ** 2).sum()
                below += correlations[i, j] ** 2
    assert shrinkage_of(errors, variances) == pytest.approx(above / below)
    shrunk = (1 - above / below) * correlations + above / below * np.eye(11)
    scale = np.sqrt(variances)
    expected = textbook(tree, base, scale[:, None] * shrunk * scale)
    found = projection("mint_shrink", tree, Errors(errors, np.ones(11)), np.ones(6))(base)
    assert found == pytest.approx(expected)
    weighted = projection("wls_variance", tree, Errors(errors, np.ones(11)), np.ones(6))(base)
    assert weighted == pytest.approx(textbook(tree, base, np.diag(variances)))


@pytest.mark.parametrize("method", get_args(Method))
def test_coherent_forecasts_stay_and_all_methods_add_up_exactly(method: Method) -> None:
    tree, base, errors = crossed()
    project = projection(method, tree, Errors(errors, np.ones(11)), base[5:, 0])
    series = base[5:]
    assert project(tree.summed(series))[:, :1] == pytest.approx(series[:, :1])
    nodes = exactly_summed(tree, project(base) / 3)
    for step in range(3):
        for number in range(5):
            own = [
                nodes[5 + place, step]
                for place in tree.sums.indices[tree.sums.indptr[number] : tree.sums.indptr[number + 1]]
            ]
            assert sum(own) == sum(reversed(own)) == nodes[number, step]
    assert nodes[5:] == pytest.approx(project(base) / 3, abs=2**-17)


def test_sums_are_exact_for_large_series_and_small_ones() -> None:
    tree = Tree.of([[0]] * 3, 1)
    total, *own = exactly_summed(tree, np.array([[9e14 / 7], [0.1], [1 / 3]]))[:, 0]
    assert own[0] + own[1] + own[2] == own[2] + own[1] + own[0] == total


def test_a_tree_knows_its_parents_and_crossed_levels_have_none() -> None:
    tree = Tree.of([[0, 1], [0, 1], [0, 2]], 3)
    found = tree.parents()
    assert found is not None
    assert found.tolist() == [-1, 0, 0, 1, 1, 2]
    assert crossed()[0].parents() is None
    assert tree.sizes.tolist() == [3.0, 2.0, 1.0, 1.0, 1.0, 1.0]


def test_the_way_down_goes_level_by_level_and_equal_shares_replace_none() -> None:
    tree = Tree.of([[0, 1], [0, 1], [0, 2], [0, 2]], 3)
    base = np.array([[90.0], [20.0], [10.0], [3.0], [1.0], [0.0], [0.0]])
    # 90 in 60 and 30 as 20 and 10; 60 as 3 and 1; nothing is expected of the last two.
    assert coherent("top_down", tree, base) == [45.0, 15.0, 15.0, 15.0]


def test_a_path_takes_the_value_of_each_band_at_the_rank_of_the_error() -> None:
    errors = np.array([[5.0, -1.0, 2.0, 0.0], [0.0, 1.0, 2.0, np.nan]])
    assert ranks_of(errors).tolist() == [[0.875, 0.125, 0.625, 0.375], [0.125, 0.625, 0.875, 0.375]]
    levels = np.array([0.1, 0.5, 0.9])
    bands = np.array([[0.0, 10.0, 30.0]])
    # Half way from .5 to .9; and beyond .99 twice as far from the median as at .9, in an exponential tail.
    assert values_at(np.array([[0.5, 0.7, 0.99, 0.01]]), levels, bands)[0] == pytest.approx([10.0, 20.0, 50.0, -10.0])


def test_the_band_of_a_total_depends_on_whether_its_series_err_together() -> None:
    count, levels = 99, (0.1, 0.5, 0.9)
    one = np.linspace(-1, 1, count)
    mixed = np.random.default_rng(3).permutation(one)
    bands = np.array([[60.0, 90.0, 120.0], [30.0, 40.0, 50.0], [40.0, 50.0, 60.0]])
    widths = {}
    for name, other in (("together", one), ("against", -one), ("apart", mixed)):
        found = coherent_bands(
            PAIR,
            projection("bottom_up", PAIR, Errors(np.zeros((3, 0)), np.ones(3)), np.ones(2)),
            centre=np.array([90.0, 40.0, 50.0]),
            base=np.array([90.0, 40.0, 50.0]),
            bands=bands,
            levels=levels,
            errors=np.vstack([one + other, one, other]),
            is_floored=np.array([True, True]),
        )
        widths[name] = float(found[0, 2] - found[0, 0])
        assert found[1] == pytest.approx(bands[1], abs=0.3)
    # Two bands of 20: 40 when their errors are the same, nothing when they cancel out, between them otherwise.
    assert widths["together"] == pytest.approx(40, abs=0.5)
    assert widths["against"] == pytest.approx(0, abs=0.5)
    assert 20 < widths["apart"] < 36


def test_with_few_joint_errors_a_band_keeps_its_width_and_none_falls_below_zero() -> None:
    found = coherent_bands(
        PAIR,
        projection("ols", PAIR, Errors(np.zeros((3, 0)), np.ones(3)), np.ones(2)),
        centre=np.array([90.0, 30.0, 60.0]),
        base=np.array([100.0, 40.0, 50.0]),
        bands=np.array([[80.0, 100.0, 120.0], [5.0, 40.0, 75.0], [45.0, 50.0, 55.0]]),
        levels=(0.1, 0.5, 0.9),
        errors=np.zeros((3, 2)),
        is_floored=np.array([True, True]),
    )
    assert found.tolist() == [[70.0, 90.0, 110.0], [0.0, 30.0, 65.0], [55.0, 60.0, 65.0]]
