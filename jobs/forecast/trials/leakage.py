"""The leakage probe: plant a different future and check whether any forecast changes.

A backtest is worth nothing when a model has seen what it forecasts. For some series the values after an origin are
replaced, and corrections of known periods are planted that came after it: a return and a confirmed fraud. Every
forecast from that origin must stay as it was. Replacing the last known value must move one, and so must a correction of
it that was known at the origin; otherwise the probe itself is blind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.regressors.segments import beside_each_other
from jobs.forecast.trials.global_model import GLOBAL_MODELS, Boosting, global_backtest
from jobs.forecast.trials.origins import DEMAND_COLUMNS, Origins, local_backtest
from jobs.forecast.trials.regressor_probe import moved, probe_regressors

if TYPE_CHECKING:
    import pandas as pd

    Backtest = Callable[[pd.DataFrame, Origins], pd.DataFrame]

SCHEMA = "model string, cutoff {period}, saw_the_future boolean, saw_the_past boolean"


def probe(rows: pd.DataFrame, origins: Origins, backtest: Backtest) -> pd.DataFrame:
    """``model, cutoff, saw_the_future, saw_the_past`` for ``backtest`` on the series in ``rows`` (DEMAND_COLUMNS)."""
    import pandas as pd

    found: list[dict[str, Any]] = []
    for cutoff in origins.cutoffs:
        one = replace(origins, cutoffs=(cutoff,))
        moment = days_since_epoch(origins.periods.last_day(cutoff))
        known = np.array([day <= cutoff for day in rows["ds"]])
        last = _last_of_each(rows, known & rows["y"].notna().to_numpy())
        # A period out of stock has more demand than was sold, and its sum would not come back to the last digit.
        sold = known & ((rows["net"] > 0) & (rows["net"] == rows["y"])).to_numpy()
        latest = _last_of_each(rows, sold)
        before = _last_of_each(rows, sold & ~latest)
        net, other = rows["net"].fillna(0.0), _other(rows["y"])
        later = rows.assign(y=np.where(known, rows["y"], other))
        later = corrected(later, latest, moment + 1, -net)  # a fraud: all units of the period are taken off
        later = corrected(later, before, moment + 8, -net / 2)  # goods given back
        plain = backtest(rows, one)
        future = backtest(later, one)
        pasts = [
            backtest(rows.assign(y=np.where(last, other, rows["y"]), net=np.where(last, other, net)), one),
            backtest(corrected(rows, last, moment, other), one),
        ]
        # A model that cannot forecast these series has nothing to betray.
        for model in sorted(set(plain.loc[plain["step"] > 0, "model"])):
            found.append(
                {
                    "model": model,
                    "cutoff": cutoff,
                    "saw_the_future": moved(plain, future, model),
                    "saw_the_past": all(moved(plain, past, model) for past in pasts),
                }
            )
    return pd.DataFrame(found, columns=["model", "cutoff", "saw_the_future", "saw_the_past"])


def corrected(rows: pd.DataFrame, places: np.ndarray[Any, Any], day: int, change: pd.Series[float]) -> pd.DataFrame:
    """``rows`` (DEMAND_COLUMNS) with one more change of ``net`` at ``places``, known on ``day`` (since 1970)."""
    import pandas as pd

    later_on, later_units = rows["later_on"].tolist(), rows["later_units"].tolist()
    for place in np.flatnonzero(places):
        later_on[place] = [*([] if later_on[place] is None else later_on[place]), day]
        later_units[place] = [*([] if later_units[place] is None else later_units[place]), float(change.iloc[place])]
    net = np.where(places, rows["net"].fillna(0.0) + change, rows["net"])
    y = np.where(places, np.maximum(net, 0.0), rows["y"])
    lists = {"later_on": later_on, "later_units": later_units}
    columns = {name: pd.Series(values, index=rows.index, dtype=object) for name, values in lists.items()}
    return rows.assign(net=net, y=y, **columns)


def _last_of_each(rows: pd.DataFrame, where: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which rows are the last of their series among those ``where``."""
    import pandas as pd

    days = pd.to_datetime(rows["ds"])
    latest = days.where(where).groupby(rows["unique_id"]).transform("max")
    return np.asarray(where & (days == latest).to_numpy())


def _other(y: pd.Series[float]) -> pd.Series[float]:
    # Far from the truth, and different for each value: neither a mean nor a rank survives it. A gap stays one.
    return 1_000.0 + 7.0 * y.abs() + 100.0 * np.arange(len(y))


def probed(history: DataFrame, origins: Origins, how: Boosting, regressors: DataFrame | None = None) -> DataFrame:
    """The probe (SCHEMA) over the few series of ``history`` (DEMAND_COLUMNS), in one task; no rows of no series."""

    def run(group: pd.DataFrame, kept: pd.DataFrame | None) -> pd.DataFrame:
        import pandas as pd

        rows = group.sort_values(["unique_id", "ds"]).reset_index(drop=True)
        verdicts = [probe(rows, origins, local_backtest)]
        if set(GLOBAL_MODELS) & set(origins.models):
            verdicts.append(probe(rows, origins, lambda some, one: global_backtest(some, one, how, kept)))
        if kept is not None:
            verdicts.append(
                probe_regressors(rows, kept, origins, lambda some, one, known: global_backtest(some, one, how, known))
            )
        return pd.concat(verdicts)

    def alone(group: pd.DataFrame) -> pd.DataFrame:
        return run(group, None)

    few = history.select(*DEMAND_COLUMNS)
    schema = SCHEMA.format(period=origins.periods.sql_type)
    if regressors is None:
        return few.groupBy().applyInPandas(alone, schema)
    return beside_each_other(few.withColumn("segment", F.lit(0)), regressors, run, schema, segments=1)
