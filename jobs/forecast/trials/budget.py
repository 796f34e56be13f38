"""What may be tried for so many CPU seconds per series: as many models as they pay for, then as many windows.

The price of a model is an estimate, measured once on one core and rounded, so that the same run always tries the same:
by a clock it would not. Prices grow with the length of the history. Those of ETS, ARIMA and CES are of series with a
short season; without one they cost less. Beside the models there is what Spark takes for the rows: those of the
history, which are read and arranged for each job, and those that are forecast, which are weighed, scored and audited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

FEWEST_WINDOWS: Final = 2
"""Shares need errors from an origin before the last one."""

BENCHMARK: Final = "seasonal_naive"

_MS_PER_1000_PERIODS: Final[Mapping[str, float]] = {
    "seasonal_naive": 0.1,
    "window_average": 0.1,
    "croston_sba": 0.2,
    "tsb": 0.2,
    "adida": 0.3,
    "imapa": 0.4,
    "ar": 0.5,
    "seasonal_ar": 0.5,
    "long_seasonal_ar": 0.5,
    "mfles": 5.0,
    "lightgbm": 20.0,
    "lightgbm_diff": 55.0,
    "lightgbm_x": 25.0,
    "lightgbm_diff_x": 65.0,
    "theta": 45.0,
    "log_stl_ets": 60.0,
    "stl_theta": 65.0,
    "ces": 80.0,
    "ets": 400.0,
    "arima": 350.0,
}
# A model that is not priced is taken for a dear one.
_UNKNOWN_MS: Final = 400.0
# What each call costs, however short the history.
_CALL_MS: Final = 0.5
# For both jobs together, a series: of its history, and of a forecast of one model for one period.
_MS_PER_1000_PERIODS_READ: Final = 40.0
_MS_PER_FORECAST: Final = 0.05


@dataclass(frozen=True)
class Plan:
    """The models and windows that are tried, what they are expected to cost, and the models left out for their price.

    ``cpu_seconds_per_series`` counts the backtest and the forecasts made with its models afterwards, models and rows.
    """

    models: tuple[str, ...]
    windows: int
    cpu_seconds_per_series: float
    left_out: tuple[str, ...] = ()


def price(model: str, periods: float) -> float:
    """CPU seconds that ``model`` is expected to take for one forecast of a series of so many ``periods``."""
    return (_CALL_MS + _MS_PER_1000_PERIODS.get(model, _UNKNOWN_MS) * periods / 1_000) / 1_000


def within(models: Sequence[str], windows: int, periods: float, budget: float | None, *, horizon: int) -> Plan:
    """What of ``models`` and ``windows`` a series of so many ``periods`` can have for ``budget`` CPU seconds.

    ``horizon`` periods are forecast from each origin.

    Cheap models come first: a mean of many models gains more than one more origin does. The seasonal naive is tried in
    any case, for all else is measured by it. Without a budget everything is tried.
    """
    if budget is None:
        return Plan(tuple(models), windows, _cost(models, windows, periods, horizon))
    by_price = sorted(models, key=lambda model: (model != BENCHMARK, price(model, periods), model))
    best = Plan((by_price[0],), min(windows, FEWEST_WINDOWS), 0.0)
    for count in range(windows, min(windows, FEWEST_WINDOWS) - 1, -1):
        taken: list[str] = []
        for model in by_price:
            if _cost([*taken, model], count, periods, horizon) > budget:
                break
            taken.append(model)
        if len(taken) > len(best.models):
            best = Plan(tuple(taken), count, 0.0)
        elif len(taken) == len(best.models) and count > best.windows:
            best = Plan(best.models, count, 0.0)
    kept = tuple(model for model in models if model in best.models)
    left_out = tuple(model for model in models if model not in best.models)
    return Plan(kept, best.windows, _cost(kept, best.windows, periods, horizon), left_out)


def _cost(models: Sequence[str], windows: int, periods: float, horizon: int) -> float:
    # Once more for the forecasts themselves; their mean is one more model.
    calls = (windows + 1) * sum(price(model, periods) for model in models)
    rows = _MS_PER_1000_PERIODS_READ * periods / 1_000 + _MS_PER_FORECAST * horizon * windows * (len(models) + 1)
    return calls + rows / 1_000
