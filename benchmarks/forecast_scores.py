"""Scores of forecasts on the test of a panel: RMSSE, MASE, sMAPE and M4's benchmark, Naive2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.forecast_combined import Values, champions, in_its_place, weighted
from benchmarks.forecast_data import Panel
from jobs.forecast.trials.models import Numbers, in_sample_scales, seasonal_naive

BEST, CHAMPION, MEAN, WEIGHTED = (
    "best single in hindsight",
    "one champion per series",
    "plain mean",
    "weighted mean (default)",
)
NAIVE2, NAIVE = "Naive2, ours", "sNaive, ours"
OF_ALL = frozenset({BEST, CHAMPION, MEAN, WEIGHTED, NAIVE, NAIVE2})


@dataclass(frozen=True)
class Score:
    """A method's means over the series of a set, and how many series it could forecast itself."""

    method: str
    rmsse: float
    mase: float
    smape: float
    series: int


def smape(y: Numbers, y_hat: Numbers) -> float:
    """200 |e| / (|y| + |f|), in percent; 0 where both are 0. Values of ``y`` that are not known do not count."""
    both = np.abs(y) + np.abs(y_hat)
    terms = np.divide(200 * np.abs(y - y_hat), both, out=np.zeros_like(both), where=(both > 0) | np.isnan(both))
    return float(np.nanmean(terms))


def naive2(y: Numbers, horizon: int, season: int) -> Numbers:
    """M4's benchmark: the naive on seasonally adjusted values where a 90 % test of autocorrelation finds a season."""
    if not _is_seasonal(y, season):
        return np.full(horizon, y[-1])
    index = _seasonal_index(y, season)
    adjusted = y / np.resize(index, len(y))
    coming = np.take(index, np.arange(len(y), len(y) + horizon) % season)
    return np.asarray(adjusted[-1] * coming, dtype=np.float64)


def _is_seasonal(y: Numbers, season: int) -> bool:
    if season == 1 or len(y) < 3 * season:
        return False
    centred = y - y.mean()
    acf = np.array([np.sum(centred[lag:] * centred[: len(y) - lag]) for lag in range(1, season + 1)]) / np.sum(
        centred**2
    )
    return bool(abs(acf[-1]) > 1.645 * np.sqrt((1 + 2 * np.sum(acf[:-1] ** 2)) / len(y)))


def _seasonal_index(y: Numbers, season: int) -> Numbers:
    """Multiplicative indices by classical decomposition, of mean 1."""
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(y, weights / season, mode="valid")
    first = (len(y) - len(trend)) // 2
    ratios = y[first : first + len(trend)] / trend
    places = np.arange(first, first + len(trend)) % season
    index = np.array([ratios[places == place].mean() for place in range(season)])
    return np.asarray(index / index.mean(), dtype=np.float64)


def scored(panel: Panel, method: str, of: Callable[[str], Numbers | None]) -> Score:
    """The scores of ``of(series)``; where it is None, of what the product forecasts in its place.

    A series without a scale counts for no scaled error.
    """
    found, own = [], 0
    for name in panel.series:
        y, known, y_hat = panel.coming(name, 0), panel.history(name, 0), of(name)
        own += y_hat is not None
        values = in_its_place(panel, name) if y_hat is None else y_hat
        absolute, squared = in_sample_scales(known, panel.scale_season)
        found.append(
            (
                np.sqrt(np.nanmean((y - values) ** 2) / squared) if squared else np.nan,
                np.nanmean(np.abs(y - values)) / absolute if absolute else np.nan,
                smape(y, values),
            )
        )
    rmsse, mase, percent = np.nanmean(np.array(found), axis=0)
    return Score(method, float(rmsse), float(mase), float(percent), own)


def all_scores(panel: Panel, values: Values, weights: Mapping[str, Mapping[str, float]]) -> list[dict[str, object]]:
    """The scores of each model, of the ways to choose and combine, and for M4 of its benchmarks; as dictionaries."""

    def by_model(name: str) -> dict[str, Numbers]:
        return values[name, 0]

    chosen = champions(panel, values)
    found = [scored(panel, model, lambda name, model=model: by_model(name).get(model)) for model in panel.models]  # type: ignore[misc]
    best = min(found, key=lambda score: score.rmsse)
    found += [
        Score(BEST, best.rmsse, min(s.mase for s in found), min(s.smape for s in found), best.series),
        scored(panel, CHAMPION, lambda name: by_model(name).get(chosen.get(name, ""))),
        scored(panel, MEAN, lambda name: weighted(by_model(name), {})),
        scored(panel, WEIGHTED, lambda name: weighted(by_model(name), weights.get(name, {}))),
    ]
    if panel.name.startswith("m4_"):
        season, horizon = panel.scale_season, panel.horizon
        found += [
            scored(panel, NAIVE, lambda name: seasonal_naive(panel.history(name, 0), horizon, season)),
            scored(panel, NAIVE2, lambda name: naive2(panel.history(name, 0), horizon, season)),
        ]
    return [asdict(score) for score in found]
