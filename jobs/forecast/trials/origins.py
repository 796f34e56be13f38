"""The rolling origins of a backtest, and the local models run over them inside Spark."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame

from common.report.wording import plural
from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.buckets import in_buckets
from jobs.forecast.trials.models import (
    LOCAL_MODELS,
    Season,
    effective_season,
    forecast,
    in_sample_scales,
    known_points,
    spread_of,
)

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "unique_id",
    "model",
    "cutoff",
    "ds",
    "step",
    "y",
    "y_hat",
    "scale_mae",
    "scale_mse",
    "spread",
    "season",
    "reason",
)
SCHEMA = (
    "unique_id string, model string, cutoff {period}, ds {period}, step int, y double, y_hat double, scale_mae double, "
    "scale_mse double, spread double, season int, reason string"
)
FEWEST_TRAINING = 4
NOTHING_TO_COMPARE = "no value is known after the origin"
DEMAND_COLUMNS = ("unique_id", "ds", "y", "net", "later_on", "later_units")
"""What a backtest gets: demand as of today, null in a gap, and the changes of it that came after their period."""


@dataclass(frozen=True)
class Origins:
    """What is tried: models, the last periods known (the latest first), periods ahead, and seasons (shortest first)."""

    models: tuple[str, ...]
    cutoffs: tuple[date, ...]
    horizon: int
    season_lengths: tuple[int, ...]
    periods: Periods

    @classmethod
    def rolling(
        cls,
        models: Sequence[str],
        last: date,
        periods: Periods,
        *,
        horizon: int | None,
        windows: int,
        stride: int | None,
        season: Season | None,
    ) -> Origins:
        """Origins ``stride`` periods apart; the latest leaves exactly ``horizon`` periods up to ``last``.

        Both are rounded up to whole days where periods are hours.
        """
        ahead = horizon or periods.horizon
        # What is corrected later is known by the day: an origin within a day would see the rest of it.
        first, apart = (-(-number // periods.in_a_day) * periods.in_a_day for number in (ahead, stride or ahead))
        cutoffs = tuple(periods.plus(last, -(first + n * apart)) for n in range(windows))
        seasons = (season,) if isinstance(season, int) else season or periods.season_lengths
        return cls(tuple(models), cutoffs, ahead, tuple(sorted(set(seasons))), periods)

    @property
    def season_length(self) -> int:
        """The shortest season, that of all scales."""
        return self.season_lengths[0]

    def future(self, cutoff: date) -> list[date]:
        """The periods that are forecast from ``cutoff``."""
        return [self.periods.plus(cutoff, step) for step in range(1, self.horizon + 1)]


def split_at(days: Sequence[date], y: np.ndarray[Any, Any], cutoff: date) -> tuple[Any, Any]:
    """What is known at ``cutoff``, and what comes after it."""
    known = sum(1 for day in days if day <= cutoff)
    return y[:known], y[known:]


def known_demand(rows: pd.DataFrame, cutoff: date, periods: Periods) -> np.ndarray[Any, Any]:
    """``y`` of ``rows`` (DEMAND_COLUMNS) as known at the end of the period ``cutoff``; later periods mean nothing.

    ``later_on`` are days since 1970, ``later_units`` what became known on them. Without any later ones it is ``y``.
    What ``y`` has beyond ``net`` was lost to a stock-out and stays; a period held for unknown stays unknown.
    """
    y = rows["y"].to_numpy(dtype=np.float64)
    corrected = np.flatnonzero(rows["later_on"].notna().to_numpy())
    if not len(corrected):
        return y
    moment, known = days_since_epoch(periods.last_day(cutoff)), y.copy()
    for place in corrected:
        days, units = rows["later_on"].iloc[place], rows["later_units"].iloc[place]
        unknown = [-change for day, change in zip(days, units, strict=True) if day > moment]
        if unknown:
            net = float(rows["net"].iloc[place])
            lost = np.maximum(y[place] - max(0.0, net), 0.0)
            known[place] = max(0.0, round(math.fsum([net, *unknown]), 9)) + lost
    return known


def local_backtest(rows: pd.DataFrame, origins: Origins) -> pd.DataFrame:
    """All local models from all origins for the series in ``rows`` (DEMAND_COLUMNS); columns of COLUMNS.

    A model forecasts from what was known at the origin; ``y`` is what is known today, and periods of which nothing is
    known leave no row. A model that cannot be tried on a series from an origin leaves one row with step 0 and the
    reason.
    """
    import pandas as pd

    found: list[tuple[Any, ...]] = []
    for name, series in rows.sort_values(["unique_id", "ds"]).groupby("unique_id", sort=False):
        days, y = series["ds"].tolist(), series["y"].to_numpy(dtype=np.float64)
        for cutoff in origins.cutoffs:
            known, _ = split_at(days, known_demand(series, cutoff, origins.periods), cutoff)
            _, coming = split_at(days, y, cutoff)
            found.extend(_from_origin(str(name), known, coming, cutoff, origins))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _from_origin(
    name: str, known: np.ndarray[Any, Any], coming: np.ndarray[Any, Any], cutoff: date, origins: Origins
) -> Iterator[tuple[Any, ...]]:
    points = known_points(known)
    season = effective_season(points, origins.season_lengths)
    scale_mae, scale_mse = in_sample_scales(known, origins.season_lengths)
    tail = (scale_mae, scale_mse, spread_of(known, origins.season_lengths), season)
    for model in origins.models:
        if model not in LOCAL_MODELS:
            continue
        values, reason = None, f"only {plural(points, 'period')} before the origin"
        if not known_points(coming[: origins.horizon]):
            reason = NOTHING_TO_COMPARE
        elif points >= FEWEST_TRAINING:
            values, reason = forecast(model, known, origins.horizon, origins.season_lengths)
        if values is None:
            yield (name, model, cutoff, cutoff, 0, None, None, *tail, reason)
            continue
        for step, (day, y_hat) in enumerate(zip(origins.future(cutoff), values, strict=True), start=1):
            if step <= len(coming) and not math.isnan(coming[step - 1]):
                yield (name, model, cutoff, day, step, float(coming[step - 1]), float(y_hat), *tail, None)


def backtest_locally(history: DataFrame, origins: Origins, *, rows: int, rows_per_bucket: int, least: int) -> DataFrame:
    """Backtest rows (COLUMNS) of the local models; ``history`` has DEMAND_COLUMNS on a full grid, ``rows`` in all."""

    def run(series: pd.DataFrame) -> pd.DataFrame:
        return local_backtest(series, origins)

    known = history.select(*DEMAND_COLUMNS)
    schema = SCHEMA.format(period=origins.periods.sql_type)
    return in_buckets(known, run, schema, rows=rows, rows_per_bucket=rows_per_bucket, least=least)
