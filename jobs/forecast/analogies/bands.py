"""Quantiles by the ranks of like items: the rule of calibration.py, for few items in memory.

The quantile of level q of n items is that of rank ceil((n + 1) q) above the middle and floor((n + 1) q) below (split
conformal prediction: Vovk et al. 2005): it holds for one more item, however few there are. n items say nothing beyond
level n / (n + 1). Further out, the distance of the outermost error from the middle is stretched by
ln(1 / (1 - q)) / ln(n + 1), the same below with q for 1 - q: the fewer items, the wider the band. From 20 items on the
errors of the worst one (of the worst 0.5 % of them) count as those of the next worst.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final

import numpy as np

from jobs.forecast.trials.calibration import SERIES_PER_OUTLIER
from jobs.forecast.trials.models import Numbers

# Of fewer items none can be spared.
_FEWEST_TO_BOUND: Final = 20


def ranked(errors: Numbers, levels: Sequence[float]) -> Numbers:
    """The quantiles of ``errors`` (items x ages) at ``levels``: by the ranks among the items, each with several errors.

    With fewer than two items, those of the normal distribution.
    """
    own = errors[np.isfinite(errors).any(axis=1)]
    count = len(own)
    if count < 2:
        return np.asarray([NormalDist().inv_cdf(level) for level in levels], dtype=np.float64)
    most, least = np.sort(np.nanmax(own, axis=1))[::-1], np.sort(np.nanmin(own, axis=1))
    outliers = outliers_among(count) if count >= _FEWEST_TO_BOUND else 0
    pool = np.sort(np.clip(own[np.isfinite(own)], least[outliers], most[outliers]))
    middle = float(np.median(pool))
    found = np.empty(len(levels))
    for number, level in enumerate(levels):
        is_upper = level >= 0.5
        rank = np.ceil((count + 1) * level) if is_upper else np.floor((count + 1) * level)
        inside = min(max(rank, 1), count) / count
        at = inside if is_upper else inside - 1 / count
        place = int(np.ceil(at * len(pool) - 1e-9)) - is_upper
        value = pool[min(max(place, 0), len(pool) - 1)]
        if rank < 1 or rank > count:
            stretch = -np.log(1 - level if is_upper else level) / np.log(count + 1)
            value = middle + (value - middle) * max(stretch, 1.0)
        found[number] = value
    return found


def outliers_among(count: int) -> int:
    """How many of ``count`` items are taken for broken."""
    return min(count - 1, max(1, count // SERIES_PER_OUTLIER))
