"""Autoregressions by least squares: bounded seasonal ARIMA models that cost a fraction of a millisecond a fit.

``ar`` forecasts levels, around their mean. ``seasonal_ar`` forecasts the change from a season to the next, in the
notation of Box and Jenkins an ARIMA(p, 0, 0)(P, 1, 0), and ``long_seasonal_ar`` the same over the longest of several
seasons. Lags are the last two periods and, of every season that the history holds, its length and one period to each
side. Values above zero are taken as logarithms. The coefficients are those of ridge regression (Hoerl and Kennard
1970), so that few periods cannot make them wild.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

LEVELS, SEASONAL, LONG_SEASONAL = "ar", "seasonal_ar", "long_seasonal_ar"
AUTOREGRESSIONS: Final = (LEVELS, SEASONAL, LONG_SEASONAL)
_NEAR_LAGS: Final = (1, 2)
# A lag needs three periods to learn from for each coefficient.
_PERIODS_PER_LAG: Final = 3
_RIDGE: Final = 0.01
# A forecast of more than twice the largest value of the past has left what could be learned.
_FURTHEST: Final = 2.0


def autoregression(model: str, y: Numbers, horizon: int, seasons: tuple[int, ...]) -> tuple[Numbers | None, str]:
    """``horizon`` values after ``y`` (no gaps), and an empty reason; or None and the reason why not.

    ``seasons`` are those that ``y`` holds, the shortest first.
    """
    if not np.isfinite(y).all():
        return None, f"{model} needs finite values"
    if model == SEASONAL and not seasons:
        return None, f"{model} needs two seasons"
    if model == LONG_SEASONAL and len(seasons) < 2:
        return None, f"{model} needs two seasons of different lengths"
    difference = {LEVELS: 0, SEASONAL: seasons[0] if seasons else 0, LONG_SEASONAL: seasons[-1] if seasons else 0}[
        model
    ]
    logarithmic = bool(y.min() > 0)
    history = np.log(y) if logarithmic else y
    centre = 0.0 if difference else float(history.mean())
    x = history[difference:] - history[:-difference] if difference else history - centre
    coefficients = _coefficients(x, _lags(len(x), seasons))
    if coefficients is None:
        return None, f"{model} has too few periods, or they are all the same"
    if difference and difference not in coefficients:
        return None, f"{model} has too few seasons to learn from"
    ahead = _continued(x, coefficients, horizon)
    values = np.concatenate([history, np.zeros(horizon)])
    for step in range(horizon):
        place = len(history) + step
        values[place] = (values[place - difference] if difference else centre) + ahead[step]
    coming = np.exp(values[len(history) :]) if logarithmic else values[len(history) :]
    if not np.isfinite(coming).all() or np.abs(coming).max() > _FURTHEST * float(np.abs(y).max()):
        return None, f"{model} gave a forecast far from anything before"
    return coming, ""


def _lags(points: int, seasons: tuple[int, ...]) -> list[int]:
    wanted = {*_NEAR_LAGS, *(season + side for season in seasons for side in (-1, 0, 1) if season + side > 0)}
    lags = sorted(wanted)
    while lags and points - lags[-1] < _PERIODS_PER_LAG * len(lags):
        lags.pop()
    return lags


def _coefficients(x: Numbers, lags: list[int]) -> dict[int, float] | None:
    """Lag -> coefficient of the ridge regression of ``x`` on its own past; None where there is nothing to learn."""
    variance = float(np.var(x)) if len(x) else 0.0
    if not lags or not np.isfinite(variance) or variance <= 0:
        return None
    longest = lags[-1]
    past = np.column_stack([x[longest - lag : len(x) - lag] for lag in lags])
    penalty = _RIDGE * len(past) * variance * np.eye(len(lags))
    try:
        found = np.linalg.solve(past.T @ past + penalty, past.T @ x[longest:])
    except np.linalg.LinAlgError:
        return None
    return {lag: float(value) for lag, value in zip(lags, found, strict=True)}


def _continued(x: Numbers, coefficients: dict[int, float], horizon: int) -> Numbers:
    """``horizon`` values after ``x``, each from those before it."""
    values = np.concatenate([x, np.zeros(horizon)])
    for place in range(len(x), len(values)):
        values[place] = sum(value * values[place - lag] for lag, value in coefficients.items())
    return values[len(x) :]
