"""Regressors as known at an origin, as columns that a model over all series learns from.

A value that is planned stands beside its own period, with that of the period before. A past value must never stand
nearer to the period it explains than it will when that period is forecast: the forecast of step h sees the last value
h periods back. So each past period is learned from as if it were forecast 1 to ``horizon`` periods ahead, at random:
what the model learns is what it will see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from jobs.forecast.regressors.declared import HOLIDAYS, LAGGED, PRICE, STOCK, VIEWS, Kind

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("unique_id", "name", "ds", "known", "value")
"""What a model gets: rows of REGRESSORS, ``known`` in days since 1970."""

AHEAD: Final = "x_ahead"
_IN_UNITS_OF_THE_SERIES: Final = (PRICE, STOCK, VIEWS)
_RECENT = 4


def as_known(rows: pd.DataFrame, moment: int) -> pd.DataFrame:
    """``unique_id, name, ds, value``: of ``rows`` (COLUMNS) what was known at the end of the day ``moment``."""
    known = rows[rows["known"] <= moment].sort_values("known", kind="stable")
    return known.drop_duplicates(["unique_id", "name", "ds"], keep="last")[["unique_id", "name", "ds", "value"]]


def with_regressors(
    grid: pd.DataFrame, known: pd.DataFrame, kinds: Mapping[str, Kind], *, horizon: int, seed: int
) -> pd.DataFrame:
    """``grid`` with a column for each regressor, and which: ``x_promotion``, ``x_promotion_before``, ``x_price_last``.

    ``grid`` has ``unique_id, ds`` (timestamps) and ``step``, sorted: the periods that are known with step 0, then the
    ones to be forecast, 1 to ``horizon``. ``known`` is what ``as_known`` gives, ``kinds`` the kind of each name. A
    value that is not known is NaN. Prices, stock and views are in units of their mean of the series up to the origin.
    """
    import pandas as pd

    series = grid["unique_id"]
    place = grid.groupby("unique_id").cumcount().to_numpy()
    past = (grid["step"] == 0).to_numpy()
    back = grid["step"].to_numpy().copy()
    back[past] = np.random.default_rng(seed).integers(1, horizon + 1, size=int(past.sum()))
    found: dict[str, Any] = {}
    for name, kind in kinds.items():
        values = _values(grid, known[known["name"] == name])
        if kind == LAGGED:
            values = values.where(past)  # Whoever hands over a later value gets no use of it.
        if name == PRICE:
            values = values.groupby(series).ffill()  # What nobody bought keeps its price; so does what nobody planned.
        if name in _IN_UNITS_OF_THE_SERIES:
            mean = values.where(past).abs().groupby(series).transform("mean")
            values = values / mean.where(mean > 0)
        if kind == LAGGED:
            recent = values.groupby(series).rolling(_RECENT, min_periods=1).mean().reset_index(level=0, drop=True)
            found[f"x_{name}_last"] = _earlier(values, place, back)
            found[f"x_{name}_recent"] = _earlier(recent.reindex(values.index), place, back)
            found[AHEAD] = back.astype(float)
            continue
        found[f"x_{name}"] = values
        found[f"x_{name}_before"] = values.groupby(series).shift(1)
        if name == HOLIDAYS:
            found[f"x_{name}_after"] = _values(grid, _next(known[known["name"] == name]))
    return grid.assign(**{name: pd.Series(column, index=grid.index, dtype=float) for name, column in found.items()})


def _values(grid: pd.DataFrame, known: pd.DataFrame) -> pd.Series[float]:
    """The values of one name on ``grid``: a series' own, otherwise those for all."""
    import pandas as pd

    own, for_all = known[known["unique_id"].notna()], known[known["unique_id"].isna()]
    common = grid["ds"].map(for_all.set_index("ds")["value"]).astype(float)
    if own.empty:
        return common
    index = pd.MultiIndex.from_frame(grid[["unique_id", "ds"]])
    found = own.set_index(["unique_id", "ds"])["value"].reindex(index)
    return pd.Series(found.to_numpy(dtype=float), index=grid.index).fillna(common)


def _next(known: pd.DataFrame) -> pd.DataFrame:
    """Each value at the period before its own; what holds for all has a value in every period."""
    import pandas as pd

    periods = np.sort(known["ds"].unique())
    before = pd.Series(periods[:-1], index=periods[1:])
    return known.assign(ds=known["ds"].map(before)).dropna(subset=["ds"])


def _earlier(values: pd.Series[float], place: np.ndarray[Any, Any], back: np.ndarray[Any, Any]) -> Any:
    """The value ``back`` periods before each place of a series; NaN before its first one."""
    positions = np.arange(len(values)) - back
    return np.where(place >= back, values.to_numpy()[np.maximum(positions, 0)], np.nan)
