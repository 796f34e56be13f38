"""What a branch reports of its series to the task that knows the aggregates: sums, and nothing of single series.

The constraints C = [I, -A] (an aggregate less its series is 0) need of the series only A b, A D A' for the diagonal D
of their weights, and A E for their errors E. All are sums over series, so branches that divide the series in whatever
way report exactly what the whole would.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from jobs.forecast.reconciliation.tree import Branch, Numbers, Places

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from jobs.forecast.reconciliation.params import Method

TOP_DOWN: Final = frozenset({"top_down", "top_down_history"})
_LEAST_SHRINKAGE: Final = 0.01
_LEAST_SHARE: Final = 1e-6
_LEAST: Final = 1e-12
_NOTHING: Final = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))


@dataclass(frozen=True)
class Members:
    """Some nodes: ``values`` (nodes x anything), joint ``errors`` (nodes x T, NaN where one is not known).

    ``spread`` is the usual unit of a node's errors, ``usual`` its demand in a period.
    """

    values: Numbers
    errors: Numbers
    spread: Numbers
    usual: Numbers

    def weights(self, method: Method, sizes: Numbers) -> Numbers:
        """How far each node gives way: ``sizes`` are the numbers of series that they sum."""
        if method == "wls_structural":
            return sizes
        return self.variances() if method in {"wls_variance", "mint_shrink"} else np.ones(len(sizes))

    def variances(self) -> Numbers:
        """The mean squared error of each node; that of its spread where none is known.

        At least a millionth of the latter, and never zero: what has never erred gives way last.
        """
        known = np.isfinite(self.errors)
        count = known.sum(axis=1)
        squares = (np.where(known, self.errors, 0.0) ** 2).sum(axis=1)
        found = np.where(count > 0, squares / np.maximum(count, 1), self.spread**2)
        return np.maximum(found, np.maximum(_LEAST_SHARE * self.spread**2, _LEAST))


@dataclass(frozen=True)
class Moments:
    """Sums over nodes of their errors z, in units of their standard deviation: z z', z^4, (the mean of z^2)^2."""

    products: Numbers
    fourth: float
    squared: float

    @classmethod
    def of(cls, members: Members) -> Moments:
        """Those of ``members``."""
        z = np.nan_to_num(members.errors / np.sqrt(members.variances())[:, None])
        own = (z**2).sum(axis=1) / max(z.shape[1], 1)
        return cls(z.T @ z, float((z**4).sum()), float((own**2).sum()))

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.products + other.products, self.fourth + other.fourth, self.squared + other.squared)

    def shrinkage(self) -> float:
        """How far correlations are shrunk towards 0: from 0.01 to 1 (Schaefer and Strimmer 2005).

        The sum of the variances of all correlations over that of their squares. A correlation is here the mean of T
        products, so its variance is the sum of their squared deviations over T (T - 1); the paper's T / (T - 1)^3 is
        for sums over T - 1. No correlation is ever made: sums over pairs of nodes are sums over pairs of errors.
        """
        count = len(self.products)
        if count < 2:
            return 1.0
        squares = float(((self.products / count) ** 2).sum())
        spread = float((np.diag(self.products) ** 2).sum()) - count * squares
        spread -= self.fourth - count * self.squared
        together = squares - self.squared
        if together <= 0:
            return 1.0
        return float(min(1.0, max(_LEAST_SHRINKAGE, spread / (count * (count - 1)) / together)))


@dataclass(frozen=True)
class Part:
    """Sums over the series of a branch, a row for each of its ``nodes``.

    ``sizes`` are numbers of series, ``sums`` those of values, ``errors`` those of errors that are known, ``shared`` the
    weights of the series that two nodes have in common (nodes x nodes). ``shares`` are, for methods from the top, those
    of the series whose smallest aggregate a node is, with their number, and then of those whose largest it is.
    ``total`` is the sum of absolute values, ``reach`` those of errors (T).
    """

    nodes: Places
    sizes: Numbers
    sums: Numbers
    shares: Numbers
    errors: Numbers
    shared: csr_array
    moments: Moments
    total: float
    reach: Numbers


def part_of(method: Method, branch: Branch, members: Members) -> Part:
    """What ``branch`` reports of its series ``members`` for ``method``."""
    from scipy.sparse import dia_array

    nodes, series = len(branch.nodes), branch.series
    below = members.weights(method, np.ones(series))
    weighted = branch.sums @ dia_array((below[None, :], [0]), shape=(series, series))
    nothing = np.zeros((nodes, 0))
    shares, errors, moments = nothing, nothing, Moments(np.zeros((0, 0)), 0.0, 0.0)
    if method in TOP_DOWN:
        own = np.hstack([shares_of(method, members), np.ones((series, 1))])
        shares = np.hstack([_by_place(place, own, nodes) for place in (branch.smallest, branch.largest)])
    if method == "mint_shrink":
        errors, moments = branch.summed(np.nan_to_num(members.errors)), Moments.of(members)
    return Part(
        branch.nodes,
        branch.summed(np.ones(series)),
        branch.summed(members.values),
        shares,
        errors,
        (weighted @ branch.sums.T).tocsr(),
        moments,
        float(np.abs(members.values).sum(axis=0).max(initial=0.0)),
        np.abs(np.nan_to_num(members.errors)).sum(axis=0),
    )


def shares_of(method: Method, members: Members) -> Numbers:
    """By what series divide an aggregate: their forecasts, or their usual demand. Below zero is no share."""
    own = members.values if method == "top_down" else members.usual[:, None]
    return np.maximum(own, 0.0)


def _by_place(place: Places, values: Numbers, nodes: int) -> Numbers:
    found = np.zeros((nodes, values.shape[1]))
    np.add.at(found, place[place >= 0], values[place >= 0])
    return found


def joined(parts: Sequence[Part], nodes: Places) -> Part:
    """The parts of all branches as one, of ``nodes`` (rising) alone: others are forecast by nobody."""
    from scipy.sparse import csr_array

    count, first = len(nodes), parts[0]
    sizes = np.zeros(count)
    # A branch without any aggregate does not know how wide its rows would be.
    sums, shares, errors = (
        np.zeros((count, max(getattr(part, name).shape[1] for part in parts))) for name in ("sums", "shares", "errors")
    )
    entries: list[tuple[Places, Places, Numbers]] = []
    for part in parts:
        place = np.searchsorted(nodes, part.nodes)
        is_known = place < count
        is_known[is_known] = nodes[place[is_known]] == part.nodes[is_known]
        place[~is_known] = -1
        known = place[is_known]
        if not len(known):
            continue
        sizes[known] += part.sizes[is_known]
        sums[known] += part.sums[is_known]
        shares[known] += part.shares[is_known]
        errors[known] += part.errors[is_known]
        shared = part.shared.tocoo()
        rows, columns = place[shared.row], place[shared.col]
        inside = (rows >= 0) & (columns >= 0)
        entries.append((rows[inside], columns[inside], shared.data[inside]))
    rows, columns, data = (np.concatenate(values) for values in zip(*(entries or [_NOTHING]), strict=True))
    moments = first.moments
    for part in parts[1:]:
        moments = moments + part.moments
    shared = csr_array((data, (rows, columns)), shape=(count, count))
    total, reach = float(sum(part.total for part in parts)), np.sum([part.reach for part in parts], axis=0)
    return Part(nodes, sizes, sums, shares, errors, shared, moments, total, reach)
