"""The launch curve of like items, and what it says of an item with few periods of its own or none.

Demand of item i in the period of age k (0: its first), which has the place p in the cycle (a day of hours, a week of
days; longer seasons cannot be separated from age in one life), is taken as

    level_i x curve_k x cycle_p

with noise of variance dispersion x mean, and levels whose squared coefficient of variation is ``variation``. The three
factors are fitted in turn by ratios of sums, as marginal totals of multiplicative models are (Bailey 1963, Insurance
rates with minimum bias, Proceedings of the Casualty Actuarial Society 50); an item that is too young to have been seen
at an age counts at the ages at which it was. Two things keep one item from dominating: the largest level counts as the
next largest (so do the largest 0.5 % of many), and curve and cycle weigh an item by the root of its level, halfway
between its units and one item, one vote. ``curve`` and ``cycle`` are 1 on average; the usual item has the mean level.

The level of a new item, relative to the usual one, is the credibility estimate of Buehlmann and Straub (1970,
Glaubwuerdigkeit fuer Schadensaetze, Mitteilungen der Vereinigung Schweizerischer Versicherungsmathematiker 70), the
posterior mean where levels are gamma distributed (Clayton and Kaldor 1987, Biometrics 43):

    ratio = (K + sold) / (K + expected),    K = dispersion / variation

``sold`` are its own units so far, ``expected`` those of the usual item at the same ages. Without a period of its own
the ratio is 1; after much demand it is sold / expected. Forecasts by analogy scaled by first sales are the textbook
way (Kahn 2006, New Product Forecasting; Silver, Pyke and Thomas 2017, chapter 4).

The band comes from the like items themselves: each is forecast at the same age from as many first periods as the new
item has, with the level of the others. Its errors, in units of

    s(m) = sqrt(dispersion x m + rest x m^2),    rest = variation x K / (K + expected)

(the standard deviation that the model gives a forecast of m), are ranked among the items: see bands.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from jobs.forecast.analogies.bands import outliers_among, ranked
from jobs.forecast.trials.models import Numbers

Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_MOST_ROUNDS: Final = 40
_SETTLED: Final = 1e-9
# Levels of like items are never all the same.
_LEAST_VARIATION: Final = 0.01
# An age learns from its neighbours too, the first one only from itself: in it something is always sold.
_REACH: Final = 1


@dataclass(frozen=True)
class Launches:
    """The first periods of like items: ``demand`` has a row for each item and a column for each age.

    Units, NaN where nothing is known (yet). ``places`` are the places of the first periods in a cycle of ``cycle``.
    """

    demand: Numbers
    places: Places
    cycle: int = 1

    @property
    def items(self) -> int:
        """How many items there are."""
        return int(self.demand.shape[0])

    def place(self, ages: Places) -> Places:
        """The place in the cycle of each item at each of ``ages`` (items x ages)."""
        return np.asarray((self.places[:, None] + ages[None, :]) % self.cycle, dtype=np.int64)


@dataclass(frozen=True)
class Foreseen:
    """The demand expected of one new item (units), the quantiles of each step, and the unit of its errors."""

    mean: Numbers
    quantiles: Numbers
    spread: float


@dataclass(frozen=True)
class LaunchCurve:
    """What ``launches`` have in common (see the module). ``fewest`` items are needed for an age to have a curve."""

    launches: Launches
    levels: Numbers
    curve: Numbers
    cycle: Numbers
    dispersion: float
    variation: float
    is_whole: bool
    _ranked: dict[tuple[int, int, tuple[float, ...]], Numbers] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, launches: Launches, *, fewest: int) -> LaunchCurve:
        """Fitted to ``launches``, of which there is at least one with a known period."""
        y = launches.demand
        known = np.isfinite(y)
        ages = np.arange(y.shape[1])
        places, blocks = launches.place(ages), ages // launches.cycle
        filled = np.where(known, y, 0.0)
        curve, cycle = np.ones(int(blocks[-1]) + 1), np.ones(launches.cycle)
        for _ in range(_MOST_ROUNDS):
            before = curve
            shape = curve[blocks][None, :] * cycle[places] * known
            levels = _ratio(filled.sum(axis=1), shape.sum(axis=1))
            bounded = np.minimum(levels, _next_largest(levels))
            # By the root of its level: neither large items alone nor single sales of small ones make the curve.
            weight = 1 / np.sqrt(np.where(bounded > 0, bounded, 1.0))
            capped = filled * (weight * _ratio(bounded, levels))[:, None]
            usual = (weight * bounded)[:, None] * known
            expected = usual * curve[blocks][None, :] * cycle[places]
            curve = _curve(curve, capped.sum(axis=0), expected.sum(axis=0), known, blocks, fewest)
            expected = usual * curve[blocks][None, :] * cycle[places]
            cycle = cycle * _by_place(capped, expected, places, launches.cycle)
            if cycle.mean() > 0:
                cycle = cycle / cycle.mean()
            if np.abs(curve - before).max() <= _SETTLED * curve.max():
                break
        mean = float(np.average(curve[blocks], weights=np.maximum(known.sum(axis=0), 1e-9)))
        curve = curve / mean if mean > 0 else curve
        shape = curve[blocks][None, :] * cycle[places] * known
        levels = _ratio(filled.sum(axis=1), shape.sum(axis=1))
        levels = np.minimum(levels, _next_largest(levels))
        is_whole = bool((filled == np.rint(filled)).all())
        dispersion = _dispersion(filled, levels[:, None] * shape, known, is_whole=is_whole)
        variation = _variation(levels, dispersion, shape.sum(axis=1))
        return cls(launches, levels, curve, cycle, dispersion, variation, is_whole)

    @property
    def level(self) -> float:
        """The level of the usual item: its units in a period of a usual age and place."""
        return float(self.levels.mean())

    def shape(self, ages: Places, places: Places) -> Numbers:
        """Curve times cycle at ``ages``; beyond the last age with a curve, that of the last."""
        blocks = np.minimum(ages // self.launches.cycle, len(self.curve) - 1)
        return np.asarray(self.curve[blocks] * self.cycle[places], dtype=np.float64)

    def ratio(self, sold: Numbers | float, expected: Numbers | float) -> Numbers:
        """The level of an item in units of the usual one, by its own sales so far."""
        k = self.dispersion / self.variation
        return np.asarray((k + sold) / (k + expected), dtype=np.float64)

    def spread(self, mean: Numbers, expected: Numbers | float) -> Numbers:
        """The standard deviation of demand around a forecast of ``mean`` made after ``expected`` units."""
        k = self.dispersion / self.variation
        rest = self.variation * k / (k + expected)
        return np.asarray(np.sqrt(self.dispersion * mean + rest * mean**2), dtype=np.float64)

    def errors(self, seen: int) -> Numbers:
        """Errors of the like items (items x ages) in units of ``spread``, each forecast after ``seen`` periods.

        NaN up to then, where nothing is known, and where no demand is possible.
        """
        y = self.launches.demand
        ages = np.arange(y.shape[1])
        shape = self.shape(ages[None, :], self.launches.place(ages))
        known = np.isfinite(y)
        others = self._levels_of_others()[:, None]
        early = known & (ages[None, :] < seen)
        expected = (others * shape * early).sum(axis=1)
        ratio = self.ratio(np.where(early, y, 0.0).sum(axis=1), expected)[:, None]
        mean = ratio * others * shape
        unit = self.spread(mean, expected[:, None])
        found = (y - mean) / np.where(unit > 0, unit, np.nan)
        found[:, : min(seen, y.shape[1])] = np.nan
        return np.asarray(found, dtype=np.float64)

    def _levels_of_others(self) -> Numbers:
        items = self.launches.items
        if items < 2:
            return self.levels
        rest = (self.levels.sum() - self.levels) / (items - 1)
        return np.asarray(np.maximum(rest, 1e-9), dtype=np.float64)

    def foreseen(self, own: Numbers, place: int, horizon: int, levels: Sequence[float], *, waits: int = 0) -> Foreseen:
        """The next ``horizon`` periods of an item with the periods ``own`` (NaN: not known), at ``levels``.

        ``place`` is that of its first period in the cycle; before it ``waits`` periods are without demand.
        """
        seen, cycle = len(own), self.launches.cycle
        lived = np.arange(seen)
        usual = self.level * self.shape(lived, (place + lived) % cycle)
        is_known = np.isfinite(own)
        expected = float(usual[is_known].sum())
        ratio = float(self.ratio(float(own[is_known].sum()), expected))
        ages = seen + np.arange(max(0, horizon - waits))
        mean = np.zeros(horizon)
        mean[horizon - len(ages) :] = ratio * self.level * self.shape(ages, (place + ages) % cycle)
        unit = self.spread(mean, expected)
        offsets = np.zeros((horizon, len(levels)))
        for step, age in enumerate(ages, start=horizon - len(ages)):
            offsets[step] = self._offsets(seen, int(age), tuple(levels))
        quantiles = np.maximum(mean[:, None] + offsets * unit[:, None], 0.0)
        is_whole = self.is_whole and bool((own[is_known] == np.rint(own[is_known])).all())
        quantiles = np.maximum.accumulate(np.rint(quantiles) if is_whole else quantiles, axis=1)
        usual_mean = np.asarray([ratio * self.level])
        spread = float(unit[unit > 0].mean()) if (unit > 0).any() else float(self.spread(usual_mean, expected)[0])
        return Foreseen(mean, quantiles, spread)

    def _offsets(self, seen: int, age: int, levels: tuple[float, ...]) -> Numbers:
        """The quantiles of errors at an age; many new items ask for the same."""
        key = (seen, age, levels)
        if key not in self._ranked:
            self._ranked[key] = ranked(self._near(self.errors(seen), age), levels)
        return self._ranked[key]

    def _near(self, errors: Numbers, age: int) -> Numbers:
        """The columns of ``errors`` that an age learns from; of the last age that there are errors of, if need be."""
        cycle = self.launches.cycle
        last = max(0, (errors.shape[1] - 1) // cycle)
        block = min(age // cycle, last)
        reach = _REACH if block > 0 else 0
        first = max(1 if block > 0 else 0, block - reach) * cycle
        return errors[:, first : (block + reach + 1) * cycle]


def _next_largest(levels: Numbers) -> float:
    """What the largest of ``levels`` count as."""
    return float(np.sort(levels)[::-1][outliers_among(len(levels))])


def _ratio(sums: npt.NDArray[Any], expected: npt.NDArray[Any]) -> Numbers:
    found = np.zeros(sums.shape)
    np.divide(sums, expected, out=found, where=expected > 0)
    return found


def _curve(before: Numbers, sold: Numbers, expected: Numbers, known: Flags, blocks: Places, fewest: int) -> Numbers:
    """``before`` made to fit what was ``sold`` at each age; cut after the last block with ``fewest`` items."""
    found = before * _ratio(np.bincount(blocks, sold), np.bincount(blocks, expected))
    items = np.array([known[:, blocks == block].any(axis=1).sum() for block in range(len(before))])
    enough = np.flatnonzero(items >= min(fewest, items.max()))
    last = int(enough[-1]) if len(enough) else 0
    # The first period is one of its own: it begins with a sale. Later ones lean on their neighbours.
    smooth = found.copy()
    for block in range(1, last + 1):
        near = slice(max(1, block - 1), min(last, block + 1) + 1)
        smooth[block] = found[near].mean()
    smooth[last + 1 :] = smooth[last]
    return smooth


def _by_place(sold: Numbers, expected: Numbers, places: Places, cycle: int) -> Numbers:
    return _ratio(
        np.bincount(places.ravel(), sold.ravel(), minlength=cycle),
        np.bincount(places.ravel(), expected.ravel(), minlength=cycle),
    )


def _dispersion(y: Numbers, mean: Numbers, known: Flags, *, is_whole: bool) -> float:
    """The middle item's squared errors over its means; of counts at least 1, that of the Poisson distribution."""
    squares = np.where(mean > 0, (y - mean) ** 2 / np.where(mean > 0, mean, 1.0), 0.0)
    free = np.maximum((known & (mean > 0)).sum(axis=1) - 1, 0)
    own = squares.sum(axis=1)[free > 0] / free[free > 0]
    middle = float(np.median(own)) if len(own) else 1.0
    return max(middle, 1.0 if is_whole else 1e-9)


def _variation(levels: Numbers, dispersion: float, exposure: Numbers) -> float:
    """The squared coefficient of variation of levels, less what chance adds to it."""
    mean = float(levels.mean())
    if len(levels) < 2 or mean <= 0:
        return 1.0
    chance = dispersion / mean * float(np.mean(1 / np.maximum(exposure, 1e-9)))
    return max(float(levels.var(ddof=1)) / mean**2 - chance, _LEAST_VARIATION)
