"""Forecasts of one series by one model: plain arrays in, plain arrays out, reasons instead of exceptions.

A value that is not known is NaN. It counts for no length and no scale, and its place in the season stays.

Croston-SBA: Syntetos and Boylan (2005); IMAPA: Petropoulos and Kourentzes (2015); Theta: Assimakopoulos and
Nikolopoulos (2000); ETS: Hyndman et al. (2008). The libraries are imported on first use: a worker pays once.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

LOCAL_MODELS: Final = ("seasonal_naive", "croston_sba", "imapa", "theta", "ets")
FEWEST_POINTS: Final = {"seasonal_naive": 1, "croston_sba": 3, "imapa": 3, "theta": 5, "ets": 6}


@cache
def _fitter(model: str, season_length: int) -> Any:
    # One task, one thread: Spark has filled the cores already.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    from statsforecast.models import IMAPA, AutoETS, CrostonSBA, Theta

    makers: dict[str, Callable[[], Any]] = {
        "croston_sba": CrostonSBA,
        "imapa": IMAPA,
        "theta": lambda: Theta(season_length=season_length),
        "ets": lambda: AutoETS(season_length=season_length),
    }
    return makers[model]()


def effective_season(points: int, season_length: int) -> int:
    """``season_length`` where the history holds two whole seasons and one point more, otherwise 1."""
    return season_length if season_length > 1 and points > 2 * season_length else 1


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


def forecast(model: str, y: Numbers, horizon: int, season_length: int) -> tuple[Numbers | None, str]:
    """``horizon`` values after ``y`` by a local model, and an empty reason; or None and the reason why not.

    Never raises. Where the history is never negative, neither is the forecast. Values that are not known are NaN.
    """
    points, y = known_points(y), without_gaps(y)
    if points < FEWEST_POINTS[model]:
        return None, f"{model} needs {FEWEST_POINTS[model]} periods, {points} are there"
    season = effective_season(points, season_length)
    if model == "seasonal_naive":
        values = seasonal_naive(y, horizon, season)
    else:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values = np.asarray(_fitter(model, season).forecast(y=y, h=horizon)["mean"], dtype=np.float64)
        except Exception as error:  # the libraries may raise anything: one bad series must not end the job
            return None, f"{model} failed: {type(error).__name__}"  # its message may contain row values
    if values.shape != (horizon,) or not np.isfinite(values).all():
        return None, f"{model} gave a forecast that is not finite"
    return (np.maximum(values, 0.0) if y.min() >= 0 else values), ""


def in_sample_scales(y: Numbers, season_length: int) -> tuple[float, float]:
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


def spread_of(scale_mae: float) -> float:
    """The unit in which the errors of a series are pooled with those of others; 1 for a constant series."""
    return scale_mae if scale_mae > 0 else 1.0


def laddered_forecast(model: str, y: Numbers, horizon: int, season_length: int) -> tuple[Numbers, str, str]:
    """A forecast in any case: by ``model``, else seasonal naive, else the mean, else zero.

    Returns the values, what made them, and why it was not ``model`` (empty when it was).
    """
    finite = y[np.isfinite(y)]
    if len(finite) == 0:
        return np.zeros(horizon), "zero", "no history"
    if not finite.any():
        return np.zeros(horizon), "zero", "no demand at all"
    reasons: list[str] = []
    for name in dict.fromkeys((model, "seasonal_naive")):
        if name in LOCAL_MODELS:
            values, reason = forecast(name, y, horizon, season_length)
            if values is not None:
                return values, name, "; ".join(reasons)
            reasons.append(reason)
    mean = max(float(finite.mean()), 0.0 if finite.min() >= 0 else -np.inf)
    return np.full(horizon, mean), "mean", "; ".join(reasons)
