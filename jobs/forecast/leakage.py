"""The leakage probe: plant another future, and see whether any forecast moves.

A backtest is worth nothing when a model has seen what it forecasts. For some series the values after an origin are
replaced; every forecast from that origin must stay as it was. Replacing the last known value must move one, otherwise
the probe itself is blind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame

from jobs.forecast.global_model import Boosting, global_backtest
from jobs.forecast.origins import Origins, local_backtest

if TYPE_CHECKING:
    import pandas as pd

    Backtest = Callable[[pd.DataFrame, Origins], pd.DataFrame]

SCHEMA = "model string, cutoff date, saw_the_future boolean, saw_the_past boolean"
_KEY = ["unique_id", "model", "ds"]


def probe(rows: pd.DataFrame, origins: Origins, backtest: Backtest) -> pd.DataFrame:
    """``model, cutoff, saw_the_future, saw_the_past`` for ``backtest`` on the series in ``rows`` (unique_id, ds, y)."""
    import pandas as pd

    found: list[dict[str, Any]] = []
    for cutoff in origins.cutoffs:
        one = replace(origins, cutoffs=(cutoff,))
        known = np.array([day <= cutoff for day in rows["ds"]])
        last = rows[known].groupby("unique_id")["ds"].transform("max")
        is_last = np.zeros(len(rows), dtype=bool)
        is_last[np.flatnonzero(known)] = (rows["ds"][known] == last).to_numpy()
        plain = backtest(rows, one)
        future = backtest(rows.assign(y=np.where(known, rows["y"], _other(rows["y"]))), one)
        past = backtest(rows.assign(y=np.where(is_last, _other(rows["y"]), rows["y"])), one)
        for model in sorted(set(plain["model"])):
            found.append(
                {
                    "model": model,
                    "cutoff": cutoff,
                    "saw_the_future": _moved(plain, future, model),
                    "saw_the_past": _moved(plain, past, model),
                }
            )
    return pd.DataFrame(found, columns=["model", "cutoff", "saw_the_future", "saw_the_past"])


def _other(y: pd.Series[float]) -> pd.Series[float]:
    # Far from the truth, and different for each value: neither a mean nor a rank survives it.
    return 1_000.0 + 7.0 * y.abs() + 100.0 * np.arange(len(y))


def _moved(plain: pd.DataFrame, other: pd.DataFrame, model: str) -> bool:
    left = plain[(plain["model"] == model) & (plain["step"] > 0)].set_index(_KEY)["y_hat"].sort_index()
    right = other[(other["model"] == model) & (other["step"] > 0)].set_index(_KEY)["y_hat"].sort_index()
    return not (left.index.equals(right.index) and np.array_equal(left.to_numpy(), right.to_numpy()))


def probed(history: DataFrame, origins: Origins, how: Boosting) -> DataFrame:
    """The probe (SCHEMA) over the few series of ``history`` (unique_id, ds, y), in one task; no rows of no series."""

    def run(group: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        rows = group.sort_values(["unique_id", "ds"]).reset_index(drop=True)
        told = [probe(rows, origins, local_backtest)]
        if "lightgbm" in origins.models:
            told.append(probe(rows, origins, lambda some, one: global_backtest(some, one, how)))
        return pd.concat(told)

    return history.select("unique_id", "ds", "y").groupBy().applyInPandas(run, SCHEMA)
