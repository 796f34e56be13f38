"""Which lags and windows LightGBM sees of a series with one or several seasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

_NEAR: Final = range(1, 9)
# Of a single season beyond this, the lags around it add more columns than they tell.
_LONGEST_WITH_NEIGHBOURS: Final = 60


def lags_within(longest: int, seasons: Sequence[int]) -> list[int]:
    """The lags for histories of at most ``longest`` periods: near ones, and up to two or three of each season.

    ``seasons`` has the shortest first. A lag takes part where the longest history is twice as long.
    """
    wanted = set(_NEAR)
    for season in seasons:
        wanted |= {season, season + 1, 2 * season}
        if 1 < season <= _LONGEST_WITH_NEIGHBOURS:
            wanted |= {season - 1, 3 * season}
        elif season != seasons[0]:
            wanted |= {season - 1}
    return sorted(lag for lag in wanted if lag > 0 and 2 * lag < longest)


def windows_of(lags: Sequence[int], seasons: Sequence[int], *, of_levels: bool) -> list[Any]:
    """The rolling windows that end at the period before: of a few periods, of each season among ``lags``, of all."""
    from mlforecast.lag_transforms import ExpandingMean, RollingMean, RollingStd

    windows: list[Any] = [RollingMean(window_size=4, min_samples=1), ExpandingMean()]
    for season in seasons:
        if season > 4 and season in lags:
            windows += [
                RollingMean(window_size=season, min_samples=1),
                RollingStd(window_size=season, min_samples=2),
            ]
    if of_levels and 28 not in seasons:
        windows.append(RollingMean(window_size=28, min_samples=1))
    return windows
