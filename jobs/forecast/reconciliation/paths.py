"""Coherent quantiles: joint errors of the backtest, in units of each node's calibrated band, projected path by path.

The base quantiles of a node say how far it strays; the errors of the backtest say which nodes stray together. Joint
error number k has a rank at each node; the value of the node's band at this rank is its part of path k (the Schaake
shuffle: Clark et al. 2004; Ben Taieb, Taylor and Hyndman 2021). Every path is projected like the forecast itself, and
series are summed (Panagiotelis et al. 2023). The quantiles of an aggregate are those of its sums: they agree with the
paths of its series.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from jobs.forecast.reconciliation.tree import Flags, Numbers

FEWEST_PATHS: Final = 8
"""With fewer joint errors bands keep their width and move with the forecast."""


def ranks_of(errors: Numbers) -> Numbers:
    """The places of ``errors`` (nodes x T) among those of their node, as probabilities (k - 0.5) / T; a NaN is 0."""
    count = errors.shape[1]
    # Ties, and errors that are not known, keep their order: it is the same at every node, and says nothing.
    order = np.argsort(np.where(np.isfinite(errors), errors, 0.0), axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(count), errors.shape), axis=1)
    return np.asarray((ranks + 0.5) / count, dtype=np.float64)


def values_at(probabilities: Numbers, levels: Numbers, bands: Numbers) -> Numbers:
    """The values of ``bands`` (nodes x levels) at ``probabilities`` (nodes x T): linear between levels.

    Beyond the outermost level the distance from the median grows as in an exponential tail, by ln(1 - p) / ln(1 - q).
    """
    place = np.clip(np.searchsorted(levels, probabilities) - 1, 0, len(levels) - 2)
    low, high = np.take_along_axis(bands, place, 1), np.take_along_axis(bands, place + 1, 1)
    share = np.clip((probabilities - levels[place]) / (levels[place + 1] - levels[place]), 0.0, 1.0)
    found = low + share * (high - low)
    middle = bands[:, [int(np.searchsorted(levels, 0.5))]]
    upper = np.log1p(-np.maximum(probabilities, levels[-1])) / np.log1p(-levels[-1])
    lower = np.log(np.minimum(probabilities, levels[0])) / np.log(levels[0])
    return np.asarray(middle + (found - middle) * np.maximum(upper, lower), dtype=np.float64)


def drawn(errors: Numbers, levels: Numbers, bands: Numbers) -> Numbers:
    """A path for each of the joint ``errors`` (nodes x T): the value of each node's band at the rank of its error."""
    return values_at(ranks_of(errors), levels, bands)


def around(
    centre: Numbers, base: Numbers, bands: Numbers, levels: Numbers, paths: Numbers | None, is_floored: Flags
) -> Numbers:
    """Quantiles of nodes (nodes x ``levels``) for one period, ``centre`` being their coherent forecast.

    ``base`` and ``bands`` are the base forecast and its quantiles, ``paths`` (nodes x T) the coherent paths, None where
    there are too few joint errors; ``is_floored`` says which nodes are never below zero.
    """
    if paths is None:
        shifted = bands + (centre - base)[:, None]
        shifted[is_floored] = np.maximum(shifted[is_floored], 0.0)
        return shifted
    # The mean of the paths is that of the published forecast only by chance: bands belong around the latter.
    count = paths.shape[1]
    inside = np.clip(levels, 0.5 / count, 1 - 0.5 / count)
    found = np.quantile(paths, inside, axis=1, method="hazen").T
    return _stretched(found, levels, inside, bands)


def _stretched(found: Numbers, at: Numbers, inside: Numbers, bands: Numbers) -> Numbers:
    """Beyond what the paths support, the distance from the median grows as it does in the base band."""
    middle = int(np.searchsorted(at, 0.5))
    own = np.stack([np.interp(inside, at, band) for band in bands]) if (inside != at).any() else bands
    centre = bands[:, [middle]]
    width = own - centre
    ratio = np.where(width != 0, (bands - centre) / np.where(width != 0, width, 1.0), 1.0)
    stretched = found[:, [middle]] + (found - found[:, [middle]]) * np.maximum(ratio, 1.0)
    return np.asarray(np.maximum.accumulate(np.where(inside == at, found, stretched), axis=1), dtype=np.float64)
