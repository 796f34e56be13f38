"""Forecasts of one series by one model: plain arrays in, plain arrays out, reasons instead of exceptions.

A value that is not known is NaN. It counts for no length and no scale, and its place in the season stays.

Croston-SBA: Syntetos and Boylan (2005); TSB: Teunter, Syntetos and Babai (2011); ADIDA and IMAPA: Nikolopoulos et al.
(2011), Petropoulos and Kourentzes (2015); Theta: the dynamic optimised one of Fiorucci et al. (2016); ETS: Hyndman et
al. (2008); CES: Svetunkov et al. (2022); STL: Cleveland et al. (1990), for several seasons MSTL of Bandara et al.
(2021), the rest by Theta or ETS without a season, the latter on logarithms; ARIMA: the search of Hyndman and Khandakar
(2008), bounded in its orders and in the history it sees. The libraries are imported on first use: a worker pays once.

A season is its length, or several lengths (hours: 24 and 168). STL and MFLES take all that the history holds, the
autoregressions say which they take, every other model, and every scale, takes the shortest.
"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from jobs.forecast.trials.autoregression import AUTOREGRESSIONS, autoregression

Numbers = NDArray[np.float64]
Season = int | Sequence[int]
"""Periods in a season, or in several."""

LOCAL_MODELS: Final = (
    "seasonal_naive",
    "window_average",
    "croston_sba",
    "tsb",
    "adida",
    "imapa",
    "theta",
    "ets",
    "ces",
    "mfles",
    "stl_theta",
    "log_stl_ets",
    "arima",
    *AUTOREGRESSIONS,
)
FEWEST_POINTS: Final = {
    **dict.fromkeys(LOCAL_MODELS, 6),
    "seasonal_naive": 1,
    "window_average": 1,
    **dict.fromkeys(("croston_sba", "tsb", "adida", "imapa"), 3),
    "theta": 5,
}
_SEASONAL_ONLY: Final = frozenset({"stl_theta", "log_stl_ets"})
_LOGARITHMIC: Final = frozenset({"log_stl_ets"})
# ETS and CES estimate one value per place in the season: of a year of weeks that is more than they can bear.
_LONGEST_STATE: Final = 24
_SHORTEST_WINDOW, _LONGEST_WINDOW = 4, 28
# ARIMA's search costs seconds on long histories, and what lies years back hardly moves its estimates.
_ARIMA_POINTS, _ARIMA_TRIES = 400, 12
_RECENT_PERIODS = 112
# Fewer values make no more than two errors: nobody can tell from these how far off a forecast is.
_FEWEST_FOR_SPREAD = 4


@cache
def _fitter(model: str, seasons: tuple[int, ...]) -> Any:
    # One task, one thread: Spark has filled the cores already.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    from statsforecast import models as library

    season_length = seasons[0] if seasons else 1
    short = season_length if season_length <= _LONGEST_STATE else 1
    several = list(seasons) if len(seasons) > 1 else season_length
    makers: dict[str, Callable[[], Any]] = {
        "croston_sba": library.CrostonSBA,
        "tsb": lambda: library.TSB(alpha_d=0.1, alpha_p=0.1),
        "adida": library.ADIDA,
        "imapa": library.IMAPA,
        "theta": lambda: library.DynamicOptimizedTheta(season_length=season_length),
        "ets": lambda: library.AutoETS(season_length=short),
        "ces": lambda: library.AutoCES(season_length=short),
        "mfles": lambda: library.MFLES(season_length=several if seasons else None),
        "stl_theta": lambda: library.MSTL(several, library.DynamicOptimizedTheta(season_length=1)),
        "log_stl_ets": lambda: library.MSTL(several, library.AutoETS(model="ZZN")),
        "arima": lambda: library.AutoARIMA(
            season_length=short,
            max_p=2,
            max_q=2,
            max_P=1,
            max_Q=1,
            max_order=3,
            max_d=1,
            max_D=1,
            approximation=True,
            nmodels=_ARIMA_TRIES,
        ),
    }
    return makers[model]()


def seasons_within(points: int, season_length: Season) -> tuple[int, ...]:
    """The seasons, shortest first, of which the history holds two whole ones and one point more."""
    lengths = [season_length] if isinstance(season_length, int) else season_length
    return tuple(sorted({length for length in lengths if length > 1 and points > 2 * length}))


def effective_season(points: int, season_length: Season) -> int:
    """The shortest season of which the history holds two whole ones and one point more; 1 where there is none."""
    return next(iter(seasons_within(points, season_length)), 1)


def known_points(y: Numbers) -> int:
    """How many values of ``y`` are known."""
    return int(np.count_nonzero(~np.isnan(y)))


def without_gaps(y: Numbers) -> Numbers:
    """``y`` from its first known value on, its gaps filled on the straight line between their neighbours.

    After the last known value it is repeated: what comes later is not known either. Empty without a known value.
    """
    known = np.flatnonzero(~np.isnan(y))
    if not len(known):
        return y[:0]
    places = np.arange(known[0], len(y))
    return np.interp(places, known, y[known]) if len(known) < len(places) else y[known[0] :]


def seasonal_naive(y: Numbers, horizon: int, season_length: int) -> Numbers:
    """The values of the last season, repeated."""
    season = min(season_length, len(y))
    return np.asarray(np.resize(y[-season:], horizon), dtype=np.float64)


def window_average(y: Numbers, horizon: int, season_length: int) -> Numbers:
    """The mean of the last season, or of the last few values where it is short or long."""
    wanted = season_length if season_length <= _LONGEST_WINDOW else 2 * _SHORTEST_WINDOW
    window = max(wanted, _SHORTEST_WINDOW)
    return np.full(horizon, float(np.mean(y[-window:])))


def forecast(model: str, y: Numbers, horizon: int, season_length: Season) -> tuple[Numbers | None, str]:
    """``horizon`` values after ``y`` by a local model, and an empty reason; or None and the reason why not.

    Never raises. Where the history is never negative, neither is the forecast. Values that are not known are NaN.
    """
    points, y = known_points(y), without_gaps(y)
    if points < FEWEST_POINTS[model]:
        return None, f"{model} needs {FEWEST_POINTS[model]} periods, {points} are there"
    seasons, season = seasons_within(points, season_length), effective_season(points, season_length)
    if model in _SEASONAL_ONLY and season == 1:
        return None, f"{model} needs two seasons"
    if model in _LOGARITHMIC and y.min() <= 0:
        return None, f"{model} needs values above zero"
    if model == "seasonal_naive":
        values = seasonal_naive(y, horizon, season)
    elif model == "window_average":
        values = window_average(y, horizon, season)
    elif model in AUTOREGRESSIONS:
        with np.errstate(all="ignore"):
            found, reason = autoregression(model, y, horizon, seasons)
        if found is None:
            return None, reason
        values = found
    else:
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                history = np.log(y) if model in _LOGARITHMIC else y
                history = history[-_ARIMA_POINTS:] if model == "arima" else history
                values = np.asarray(_fitter(model, seasons).forecast(y=history, h=horizon)["mean"], dtype=np.float64)
                values = np.exp(values) if model in _LOGARITHMIC else values
        except Exception as error:  # the libraries may raise anything: one bad series must not end the job
            return None, f"{model} failed: {type(error).__name__}"  # its message may contain row values
    if values.shape != (horizon,) or not np.isfinite(values).all():
        return None, f"{model} gave a forecast that is not finite"
    return (np.maximum(values, 0.0) if y.min() >= 0 else values), ""


def in_sample_scales(y: Numbers, season_length: Season) -> tuple[float, float]:
    """Mean absolute error of the seasonal naive and mean squared error of the naive, in the sample.

    The denominators of MASE (Hyndman and Koehler 2006) and RMSSE (M5), over pairs of which both values are known.
    0 where there are none.
    """
    season = effective_season(known_points(y), season_length)
    seasonal, steps = y[season:] - y[:-season], y[1:] - y[:-1]
    seasonal, steps = seasonal[np.isfinite(seasonal)], steps[np.isfinite(steps)]
    absolute = float(np.mean(np.abs(seasonal))) if len(seasonal) else 0.0
    squared = float(np.mean(steps**2)) if len(steps) else 0.0
    return absolute, squared


def is_whole(y: Numbers) -> bool:
    """The known values of ``y`` count things: whole numbers, none below zero."""
    known = y[np.isfinite(y)]
    return len(known) > 0 and bool((known >= 0).all() and (known == np.rint(known)).all())


def spread_of(y: Numbers, season_length: Season) -> float:
    """The unit in which the errors of a series are pooled with those of others; 0 where there is none.

    The in-sample error of the seasonal naive. Counts vary at least as the Poisson distribution does, however quiet the
    past was: there it is the root of that error squared and the mean of the last _RECENT_PERIODS values.
    """
    error = in_sample_scales(y, season_length)[0]
    if not is_whole(y):
        return error
    recent = y[np.isfinite(y)][-_RECENT_PERIODS:]
    return math.sqrt(error**2 + float(np.mean(recent)))


def measured_spread(y: Numbers, season_length: Season) -> float | None:
    """``spread_of`` a series that has errors to measure it by; None for one of a few values, and for a constant one."""
    few = int(np.isfinite(y).sum()) < _FEWEST_FOR_SPREAD
    return None if few else spread_of(y, season_length) or None


def weighted_forecast(
    weights: Mapping[str, float], y: Numbers, horizon: int, season_length: Season
) -> tuple[Numbers, float, tuple[str, ...]]:
    """The weighted mean of the local models among ``weights`` that can forecast ``y``.

    Returns the values, how much weight stands behind them (0: none could), and why the others could not.
    """
    total, behind, reasons = np.zeros(horizon), 0.0, []
    for model, weight in weights.items():
        if model in LOCAL_MODELS:
            values, reason = forecast(model, y, horizon, season_length)
            if values is None:
                reasons.append(reason)
            else:
                total += weight * values
                behind += weight
    return (total / behind if behind else total), behind, tuple(reasons)


def fallback_forecast(y: Numbers, horizon: int, season_length: Season) -> tuple[Numbers, str]:
    """A forecast in any case, and what made it: the seasonal naive, else the mean, else zero."""
    finite = y[np.isfinite(y)]
    if not finite.any():
        return np.zeros(horizon), "zero"
    values, _ = forecast("seasonal_naive", y, horizon, season_length)
    if values is not None:
        return values, "seasonal_naive"
    return np.full(horizon, max(float(finite.mean()), 0.0 if finite.min() >= 0 else -np.inf)), "mean"
