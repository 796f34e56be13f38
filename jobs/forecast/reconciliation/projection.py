"""Coherent forecasts: base forecasts of all nodes to forecasts of series whose sums are those of the aggregates.

With S the matrix that sums series to nodes, least squares find the series b that minimise (y - S b)' W^-1 (y - S b) for
the base forecasts y (Hyndman et al. 2011; Wickramasuriya, Athanasopoulos and Hyndman 2019). The same b comes from the
constraints C = [I, -A] (an aggregate less its series is 0): y - W C' (C W C')^-1 C y. C W C' has a row for each
aggregate and, where W is diagonal, an entry for each pair of aggregates that share series: it is sparse, and that of a
tree is factorised in linear time.

So series are eliminated branch by branch, exactly: a branch reports sums (parts.py), the multipliers of the aggregates
(C W C')^-1 C y are found from these in one place, and each branch moves its series by the multipliers above them.

W by method:

- ``ols``: the identity.
- ``wls_structural``: the number of series in a node (Athanasopoulos et al. 2017).
- ``wls_variance``: the mean squared error of each node in the backtest.
- ``mint_shrink``: the covariance of errors, its correlations shrunk towards 0 (Schaefer and Strimmer 2005). With T
  errors of each node W = s D + (1 - s) R R' / T: a diagonal and a matrix of rank T, so the identity of Woodbury solves
  it exactly by T more columns. No matrix of nodes x nodes is ever made, and branches need not be independent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.forecast.reconciliation.parts import TOP_DOWN, Members, Moments, Part, shares_of
from jobs.forecast.reconciliation.tree import Branch, Numbers, Places, unit_of

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from jobs.forecast.reconciliation.params import Method


@dataclass(frozen=True)
class Multipliers:
    """What moves series: a row for each of ``nodes`` (rising).

    By least squares a series moves by its weight times the sum of the rows above it, and by its errors times
    ``by_error``. From the top, a row has as many factors of the shares below a node, and then as many values for each
    of them where they are no shares at all. ``unit`` is that of exact sums; ``is_tree``: no aggregates cross.
    """

    nodes: Places
    by_node: Numbers
    by_error: Numbers
    unit: float
    is_tree: bool = True


def multipliers(method: Method, aggregates: Members, part: Part) -> Multipliers:
    """What moves the series of ``part``, all branches joined; ``aggregates`` are its nodes."""
    width = aggregates.values.shape[1]
    if method == "bottom_up" or not len(part.nodes):
        return Multipliers(part.nodes, np.zeros((len(part.nodes), width)), np.zeros((0, width)), unit_of(part.total))
    if method in TOP_DOWN:
        return _from_the_top(method, aggregates, part)
    diagonal = aggregates.weights(method, part.sizes)
    if method != "mint_shrink":
        return _least_squares(aggregates, part, diagonal, 1.0, np.zeros((len(diagonal), 0)), 0.0)
    shrinkage = (part.moments + Moments.of(aggregates)).shrinkage()
    lent = np.sqrt((1 - shrinkage) / max(aggregates.errors.shape[1], 1))
    low = np.nan_to_num(aggregates.errors) - part.errors
    return _least_squares(aggregates, part, diagonal, shrinkage, low, float(lent))


def _least_squares(
    aggregates: Members, part: Part, diagonal: Numbers, scale: float, low: Numbers, lent: float
) -> Multipliers:
    """Least squares with W = ``scale`` D + ``lent``^2 E E'; ``low`` is C E."""
    from scipy.sparse import dia_array
    from scipy.sparse.linalg import splu

    count = len(part.nodes)
    # An aggregate whose weight was that of nothing would leave a row of zeros.
    own = dia_array((np.maximum(diagonal, 1e-12)[None, :], [0]), shape=(count, count))
    constraint = scale * (part.shared + own)
    solve = splu(
        constraint.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0
    ).solve
    found = np.asarray(solve(aggregates.values - part.sums), dtype=np.float64)
    by_error = np.zeros((low.shape[1], found.shape[1]))
    if low.shape[1]:
        low = lent * low
        solved = solve(low)
        found -= solved @ np.linalg.solve(np.eye(low.shape[1]) + low.T @ solved, low.T @ found)
        by_error = -lent * (low.T @ found)
    found *= scale
    # No series comes out further from zero, so the bound on their sum needs none of them.
    moved = (np.abs(found) * part.shared.diagonal()[:, None]).sum(axis=0)
    if len(by_error):
        moved = moved + part.reach @ np.abs(by_error)
    return Multipliers(part.nodes, found, by_error, unit_of(part.total + float(moved.max(initial=0.0))))


def _from_the_top(method: Method, aggregates: Members, part: Part) -> Multipliers:
    """The tops divided by shares of the forecasts, or of usual demand (Athanasopoulos, Ahmed and Hyndman 2009).

    Where aggregates cross there is no way down by levels: series have their shares of the largest aggregate above them.
    """
    found = aggregates.values.copy()
    half = part.shares.shape[1] // 2
    above = parents_of(part.shared, part.sizes)
    is_tree = above is not None
    direct = part.shares[:, :half] if is_tree else part.shares[:, half:]
    totals, children = direct[:, :-1].copy(), direct[:, -1].copy()
    own = shares_of(method, aggregates)
    if above is not None:
        depth = _depths(above)
        np.add.at(children, above[above >= 0], 1.0)
        for level in range(int(depth.max(initial=0)), 0, -1):
            below = np.flatnonzero(depth == level)
            if method == "top_down_history":
                own[below] = totals[below]
            np.add.at(totals, above[below], own[below])
        for level in range(1, int(depth.max(initial=0)) + 1):
            below = np.flatnonzero(depth == level)
            found[below] = found[above[below]] * _share(own[below], totals[above[below]], children[above[below]])
    is_shared = totals > 0
    factors = np.where(is_shared, found / np.where(is_shared, totals, 1.0), 0.0)
    equal = np.where(is_shared, 0.0, found / np.maximum(children, 1.0)[:, None])
    total = part.total + float(np.abs(found).sum(axis=0).max(initial=0.0))
    return Multipliers(part.nodes, np.hstack([factors, equal]), np.zeros((0, 0)), unit_of(total), is_tree)


def _share(own: Numbers, whole: Numbers, children: Numbers) -> Numbers:
    return np.asarray(np.where(whole > 0, own / np.where(whole > 0, whole, 1.0), 1.0 / children[:, None]))


def _depths(above: Places) -> Places:
    depth = np.zeros(len(above), dtype=np.int64)
    for _ in range(len(above)):
        deeper = np.where(above >= 0, depth[above] + 1, 0)
        if (deeper == depth).all():
            break
        depth = deeper
    return depth


def parents_of(shared: csr_array, sizes: Numbers) -> Places | None:
    """The place of the smallest aggregate above each, -1 where there is none; None if aggregates cross.

    ``shared`` are the numbers of series that aggregates have in common, ``sizes`` those of each. Of aggregates with the
    same series the later one is the lower.
    """
    count = len(sizes)
    order = np.lexsort((np.arange(count), -sizes))
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    pairs = shared.tocoo()
    upper, lower, common = pairs.row, pairs.col, pairs.data
    if (common != np.minimum(sizes[upper], sizes[lower])).any():
        return None
    is_above = (rank[upper] < rank[lower]) & (common > 0)
    nearest = np.full(count, -1, dtype=np.int64)
    np.maximum.at(nearest, lower[is_above], rank[upper[is_above]])
    return np.where(nearest >= 0, order[nearest], -1)


def projected(method: Method, branch: Branch, members: Members, found: Multipliers) -> Numbers:
    """The coherent values of the series ``members`` of ``branch`` (series x anything)."""
    if method == "bottom_up" or not len(found.nodes) or not len(branch.nodes):
        return members.values
    if method in TOP_DOWN:
        place = branch.smallest if found.is_tree else branch.largest
        parent = np.where(place >= 0, np.searchsorted(found.nodes, branch.nodes)[place], 0)
        factors, equal = np.hsplit(found.by_node, 2)
        divided = shares_of(method, members) * factors[parent] + equal[parent]
        return np.where(place[:, None] >= 0, divided, members.values)
    place = np.searchsorted(found.nodes, branch.nodes)
    is_known = place < len(found.nodes)
    is_known[is_known] = found.nodes[place[is_known]] == branch.nodes[is_known]
    by_node = np.zeros((len(branch.nodes), members.values.shape[1]))
    by_node[is_known] = found.by_node[place[is_known]]
    weights = members.weights(method, np.ones(branch.series))
    moved = weights[:, None] * np.asarray(branch.sums.T @ by_node)
    if len(found.by_error):
        moved = moved + np.nan_to_num(members.errors) @ found.by_error
    return np.asarray(members.values + moved, dtype=np.float64)
