"""Coherent forecasts: base forecasts of all nodes to forecasts of series whose sums are those of the aggregates.

With S the matrix that sums series to nodes, least squares find the series b that minimise (y - S b)' W^-1 (y - S b) for
the base forecasts y (Hyndman et al. 2011; Wickramasuriya, Athanasopoulos and Hyndman 2019). The same b comes from the
constraints C = [I, -A] (an aggregate less its series is 0): y - W C' (C W C')^-1 C y. C W C' has a row for each
aggregate and, where W is diagonal, an entry for each pair of aggregates that share series: it is sparse, and that of a
tree is factorised in linear time.

W by method:

- ``ols``: the identity.
- ``wls_structural``: the number of series in a node (Athanasopoulos et al. 2017).
- ``wls_variance``: the mean squared error of each node in the backtest.
- ``mint_shrink``: the covariance of errors, its correlations shrunk towards 0 (Schaefer and Strimmer 2005). With T
  errors of each node W = s D + (1 - s) R R' / T: a diagonal and a matrix of rank T, so the identity of Woodbury solves
  it exactly by T more columns. No matrix of nodes x nodes is ever made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from jobs.forecast.reconciliation.tree import Numbers, Tree

if TYPE_CHECKING:
    from jobs.forecast.reconciliation.params import Method

Projection = Callable[[Numbers], Numbers]
"""Values of all nodes (nodes x anything) to those of the series."""

_LEAST_SHRINKAGE: Final = 0.01
_SMALLEST_SHARE: Final = 1e-6


@dataclass(frozen=True)
class Errors:
    """Errors of the nodes in the backtest: nodes x T, NaN where one is not known; ``spread`` is their usual unit."""

    values: Numbers
    spread: Numbers

    def variances(self) -> Numbers:
        """The mean squared error of each node; that of its spread where there are none. Never zero."""
        known = np.isfinite(self.values)
        count = known.sum(axis=1)
        squares = np.where(known, self.values, 0.0) ** 2
        found = np.where(count > 0, squares.sum(axis=1) / np.maximum(count, 1), self.spread**2)
        positive = found[found > 0]
        least = _SMALLEST_SHARE * float(np.median(positive)) if len(positive) else 1.0
        return np.maximum(found, least)


def projection(method: Method, tree: Tree, errors: Errors, shares: Numbers) -> Projection:
    """The projection of ``method``; ``shares`` are the usual demand of the series, for ``top_down_history``."""
    if method == "bottom_up" or not tree.aggregates:
        return lambda values: values[tree.aggregates :]
    if method in {"top_down", "top_down_history"}:
        return _top_down(tree, None if method == "top_down" else tree.summed(shares))
    if method == "mint_shrink":
        variances = errors.variances()
        shrinkage = shrinkage_of(errors.values, variances)
        lent = np.nan_to_num(errors.values) * np.sqrt((1 - shrinkage) / max(errors.values.shape[1], 1))
        return _least_squares(tree, shrinkage * variances, lent)
    weights = {"ols": np.ones(tree.aggregates + tree.series), "wls_structural": tree.sizes}
    return _least_squares(tree, weights[method] if method in weights else errors.variances(), None)


def shrinkage_of(errors: Numbers, variances: Numbers) -> float:
    """How far correlations of ``errors`` (nodes x T) are shrunk towards 0: from 0.01 to 1 (Schaefer and Strimmer 2005).

    The sum of the variances of all correlations over that of their squares; no correlation is ever made, because sums
    over pairs of nodes are sums over pairs of errors.
    """
    count = errors.shape[1]
    if count < 2:
        return 1.0
    z = np.nan_to_num(errors / np.sqrt(variances)[:, None])
    gram = z.T @ z / count
    own = (z**2).sum(axis=1) / count
    squares = float((gram**2).sum())
    products = float(((z**2).sum(axis=0) ** 2).sum())
    spread = products - count * squares - float((z**4).sum() - count * (own**2).sum())
    together = squares - float((own**2).sum())
    if together <= 0:
        return 1.0
    found = count / (count - 1) ** 3 * spread / together
    return float(min(1.0, max(_LEAST_SHRINKAGE, found)))


def _least_squares(tree: Tree, diagonal: Numbers, lent: Numbers | None) -> Projection:
    """Least squares with W = ``diagonal`` + ``lent`` lent'."""
    from scipy.sparse import dia_array
    from scipy.sparse.linalg import splu

    above, below = diagonal[: tree.aggregates], diagonal[tree.aggregates :]
    weighted = tree.sums @ dia_array((below[None, :], [0]), shape=(tree.series, tree.series))
    constraint = weighted @ tree.sums.T + dia_array((above[None, :], [0]), shape=(tree.aggregates, tree.aggregates))
    solve = splu(
        constraint.tocsc(), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}, diag_pivot_thresh=0.0
    ).solve

    def misfit(values: Numbers) -> Numbers:
        return np.asarray(values[: tree.aggregates] - tree.sums @ values[tree.aggregates :], dtype=np.float64)

    if lent is None:

        def multipliers(values: Numbers) -> Numbers:
            return np.asarray(solve(misfit(values)), dtype=np.float64)

    else:
        low = misfit(lent)
        solved = solve(low)
        small = np.eye(low.shape[1]) + low.T @ solved

        def multipliers(values: Numbers) -> Numbers:
            first = solve(misfit(values))
            return np.asarray(first - solved @ np.linalg.solve(small, low.T @ first), dtype=np.float64)

    def projected(values: Numbers) -> Numbers:
        found = multipliers(values)
        # W C' for the rows of the series: -D A' and what they lend.
        moved = -below[:, None] * (tree.sums.T @ found)
        if lent is not None:
            moved = moved + lent[tree.aggregates :] @ (misfit(lent).T @ found)
        return np.asarray(values[tree.aggregates :] - moved, dtype=np.float64)

    return projected


def _top_down(tree: Tree, usual: Numbers | None) -> Projection:
    """The tops divided by shares of ``usual``, or of the forecasts themselves (Athanasopoulos, Ahmed and Hyndman 2009).

    Where aggregates cross there is no way down by levels: series have their shares of the largest aggregate above them.
    """
    above = tree.parents()
    if above is None:
        sizes = tree.sizes[: tree.aggregates]
        largest = np.zeros(tree.series, dtype=np.int64)
        for number in np.argsort(sizes, kind="stable"):
            largest[tree.sums.indices[tree.sums.indptr[number] : tree.sums.indptr[number + 1]]] = number
        above = np.r_[np.full(tree.aggregates, -1, dtype=np.int64), largest]
    depth = np.zeros(len(above), dtype=np.int64)
    for _ in range(len(above)):
        deeper = np.where(above >= 0, depth[above] + 1, 0)
        if (deeper == depth).all():
            break
        depth = deeper

    def projected(values: Numbers) -> Numbers:
        found = values.copy()
        # Forecasts below zero are no shares.
        shares = np.maximum(values if usual is None else np.broadcast_to(usual[:, None], values.shape), 0.0)
        totals, children = np.zeros_like(values), np.zeros(len(above))
        has_parent = above >= 0
        np.add.at(totals, above[has_parent], shares[has_parent])
        np.add.at(children, above[has_parent], 1.0)
        for level in range(1, int(depth.max(initial=0)) + 1):
            own = np.flatnonzero(depth == level)
            parent = above[own]
            whole = totals[parent]
            share = np.where(whole > 0, shares[own] / np.where(whole > 0, whole, 1.0), 1.0 / children[parent][:, None])
            found[own] = found[parent] * share
        return found[tree.aggregates :]

    return projected
