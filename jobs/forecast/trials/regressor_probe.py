"""The leakage probe of regressors: plant other values that became known after the origin, and look for a change.

The price of a period after the origin, a promotion that was announced after it: no forecast may move. What was known
at the origin, a planned price for example, must move one; otherwise the probe itself is blind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.regressors.declared import WITH_REGRESSORS
from jobs.forecast.trials.origins import Origins

if TYPE_CHECKING:
    import pandas as pd

    Backtest = Callable[[pd.DataFrame, Origins, pd.DataFrame], pd.DataFrame]

_KEY = ["unique_id", "model", "ds"]


def probe_regressors(
    rows: pd.DataFrame, regressors: pd.DataFrame, origins: Origins, backtest: Backtest
) -> pd.DataFrame:
    """``model, cutoff, saw_the_future, saw_the_past`` of the models with regressors for the series in ``rows``.

    ``rows`` have DEMAND_COLUMNS, ``regressors`` ``unique_id, name, ds`` (timestamps), ``known`` (days since 1970) and
    ``value``.
    """
    import pandas as pd

    models = tuple(model for model in origins.models if model in WITH_REGRESSORS)
    found: list[dict[str, Any]] = []
    for cutoff in origins.cutoffs if models else ():
        one = replace(origins, models=models, cutoffs=(cutoff,))
        moment = days_since_epoch(origins.periods.last_day(cutoff))
        is_known = (regressors["known"] <= moment).to_numpy()
        other = 1_000.0 + 7.0 * regressors["value"].abs() + 100.0 * np.arange(len(regressors))
        late = regressors.assign(value=np.where(is_known, regressors["value"], other))
        # What is decided on the day after the origin, about all that comes then.
        to_come = regressors["ds"] > pd.Timestamp(cutoff)
        decided = regressors.assign(value=other, known=moment + 1)[to_come]
        plain = backtest(rows, one, regressors)
        future = backtest(rows, one, pd.concat([late, decided], ignore_index=True))
        past = backtest(rows, one, regressors.assign(value=np.where(is_known, other, regressors["value"])))
        for model in sorted(set(plain.loc[plain["step"] > 0, "model"])):
            seen = {"saw_the_future": moved(plain, future, model), "saw_the_past": moved(plain, past, model)}
            found.append({"model": model, "cutoff": cutoff, **seen})
    return pd.DataFrame(found, columns=["model", "cutoff", "saw_the_future", "saw_the_past"])


def moved(plain: pd.DataFrame, other: pd.DataFrame, model: str) -> bool:
    """Whether the forecasts of ``model`` differ between two backtests."""
    left = plain[(plain["model"] == model) & (plain["step"] > 0)].set_index(_KEY)["y_hat"].sort_index()
    right = other[(other["model"] == model) & (other["step"] > 0)].set_index(_KEY)["y_hat"].sort_index()
    return not (left.index.equals(right.index) and np.array_equal(left.to_numpy(), right.to_numpy()))
