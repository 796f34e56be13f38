"""Gradient boosting over all series of a segment: LightGBM on lags, through mlforecast.

``lightgbm`` forecasts levels: each series is divided by its own mean as of the origin, so that large ones do not drown
the small. ``lightgbm_diff`` forecasts the steps from a period to the next, in units of the series' mean step: it
follows trends, which trees on levels cannot.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.models import effective_season, in_sample_scales, known_points, spread_of
from jobs.forecast.trials.origins import (
    COLUMNS,
    DEMAND_COLUMNS,
    FEWEST_TRAINING,
    NOTHING_TO_COMPARE,
    SCHEMA,
    Origins,
    known_demand,
)

if TYPE_CHECKING:
    import pandas as pd

LEVELS: Final = "lightgbm"
DIFFERENCES: Final = "lightgbm_diff"
GLOBAL_MODELS: Final = (LEVELS, DIFFERENCES)
_DATES = {"H": ["hour", "dayofweek"], "D": ["dayofweek"], "W": [], "M": ["month"], "Q": ["quarter"], "Y": []}
_NEAR_LAGS: Final = range(1, 9)
# Beyond this the lags around the season add more columns than they tell.
_LONGEST_SEASON_WITH_NEIGHBOURS: Final = 60


@dataclass(frozen=True)
class Boosting:
    """How the models are fitted; lags reach two seasons back, or three where the histories are long enough."""

    periods: Periods
    season_length: int
    seed: int

    def lags(self, longest: int) -> list[int]:
        """The lags for histories of at most ``longest`` periods."""
        season = self.season_length
        wanted = {*_NEAR_LAGS, season, season + 1, 2 * season}
        if 1 < season <= _LONGEST_SEASON_WITH_NEIGHBOURS:
            wanted |= {season - 1, 3 * season}
        return sorted(lag for lag in wanted if lag > 0 and 2 * lag < longest)


def boosted(model: str, known: pd.DataFrame, horizon: int, how: Boosting) -> pd.DataFrame:
    """``unique_id, ds, y_hat`` for ``horizon`` periods after ``known`` (unique_id, ds as timestamps, y; full grids).

    ``y`` is null where it is not known: such a period is not learned from. Series with fewer than FEWEST_TRAINING known
    values are left out. No rows when no series is long enough to learn from.
    """
    import pandas as pd

    lengths = known.groupby("unique_id")["y"].transform("count")
    known = known[lengths >= FEWEST_TRAINING]
    lags = how.lags(int(lengths.max()) if len(known) else 0)
    if not lags:
        return pd.DataFrame({"unique_id": [], "ds": [], "y_hat": []})
    by_series = known.groupby("unique_id")["y"]
    size = by_series.transform(lambda y: y.abs().mean() if model == LEVELS else y.dropna().diff().abs().mean())
    unit = size.where(size > 0, 1.0)
    scaled = known.assign(y=known["y"] / unit, _unit=unit)
    values = _fitted(model, scaled[["unique_id", "ds", "y"]], lags, how).predict(horizon)
    units = scaled.groupby("unique_id")["_unit"].first()
    lowest = by_series.min()
    y_hat = values[model].to_numpy(dtype=np.float64) * values["unique_id"].map(units).to_numpy()
    floor = np.where(values["unique_id"].map(lowest).to_numpy() >= 0, 0.0, -np.inf)
    return pd.DataFrame({"unique_id": values["unique_id"], "ds": values["ds"], "y_hat": np.maximum(y_hat, floor)})


def _fitted(model: str, scaled: pd.DataFrame, lags: list[int], how: Boosting) -> Any:
    # A gap is filled forward: a lag on the line between its neighbours would give away the value after it.
    known = scaled["y"].notna()
    filled = scaled.assign(y=scaled.groupby("unique_id")["y"].ffill())
    begun = filled["y"].notna()
    if model == DIFFERENCES:  # The step out of a gap is that of several periods.
        known &= known.groupby(scaled["unique_id"]).shift(fill_value=False)
    filled, learned = filled[begun], scaled.loc[known, ["unique_id", "ds"]]
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.target_transforms import Differences

    of_levels = model == LEVELS
    learner = LGBMRegressor(
        n_estimators=300 if of_levels else 800,
        learning_rate=0.05 if of_levels else 0.03,
        num_leaves=31,
        min_child_samples=20,
        subsample=0.8,
        subsample_freq=1,
        colsample_bytree=0.7,
        random_state=how.seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    forecaster = MLForecast(
        models={model: learner},
        freq=how.periods.offset,
        lags=lags,
        lag_transforms={1: _windows(model, lags, how)},
        date_features=_DATES[how.periods.freq],
        target_transforms=None if of_levels else [Differences([1])],
        num_threads=1,
    )
    with warnings.catch_warnings():
        # Rows whose long lags are before a series' first sale stay: the trees handle missing values.
        warnings.filterwarnings("ignore", message="Found null values")
        rows: Any = forecaster.preprocess(filled, static_features=[], dropna=False)
        features = rows.merge(learned, on=["unique_id", "ds"])
        return forecaster.fit_models(features.drop(columns=["unique_id", "ds", "y"]), features["y"].to_numpy())


def _windows(model: str, lags: list[int], how: Boosting) -> list[Any]:
    from mlforecast.lag_transforms import ExpandingMean, RollingMean, RollingStd

    windows: list[Any] = [RollingMean(window_size=4, min_samples=1), ExpandingMean()]
    if how.season_length > 4 and how.season_length in lags:
        windows += [
            RollingMean(window_size=how.season_length, min_samples=1),
            RollingStd(window_size=how.season_length, min_samples=2),
        ]
    if model == LEVELS and how.season_length != 28:
        windows.append(RollingMean(window_size=28, min_samples=1))
    return windows


def global_backtest(rows: pd.DataFrame, origins: Origins, how: Boosting) -> pd.DataFrame:
    """The global models from all origins for the series in ``rows`` (DEMAND_COLUMNS); columns of COLUMNS."""
    import pandas as pd

    rows = rows.assign(ds=pd.to_datetime(rows["ds"])).sort_values(["unique_id", "ds"])
    today = rows[["unique_id", "ds", "y"]]
    found: list[tuple[Any, ...]] = []
    for cutoff in origins.cutoffs:
        known = today.assign(y=known_demand(rows, cutoff, origins.periods))[rows["ds"] <= pd.Timestamp(cutoff)]
        for model in GLOBAL_MODELS:
            if model not in origins.models:
                continue
            try:
                predicted, failure = boosted(model, known, origins.horizon, how), "too few periods before the origin"
            except Exception as error:  # the libraries may raise anything: the other models still count
                predicted = pd.DataFrame({"unique_id": [], "ds": [], "y_hat": []})
                failure = failed(model, error)
            found.extend(_trial_rows(model, today, known, predicted, cutoff, origins, failure))
    return pd.DataFrame(found, columns=list(COLUMNS))


def failed(model: str, error: Exception) -> str:
    """Why a model failed: only the class of the error, since its message may contain row values."""
    return f"{model} failed: {type(error).__name__}"


def _trial_rows(
    model: str,
    rows: pd.DataFrame,
    known: pd.DataFrame,
    predicted: pd.DataFrame,
    cutoff: date,
    origins: Origins,
    failure: str,
) -> list[tuple[Any, ...]]:
    scales = {
        name: (
            *in_sample_scales(y.to_numpy(), origins.season_length),
            spread_of(y.to_numpy(), origins.season_length),
            effective_season(known_points(y.to_numpy()), origins.season_length),
        )
        for name, y in known.groupby("unique_id")["y"]
    }
    joined = predicted[np.isfinite(predicted["y_hat"])].merge(rows, on=["unique_id", "ds"], how="inner")
    has_forecast = set(joined["unique_id"])
    joined = joined[joined["y"].notna()]
    steps = {day: step for step, day in enumerate(origins.future(cutoff), start=1)}
    found: list[tuple[Any, ...]] = []
    for name, ds, y_hat, y in zip(joined["unique_id"], joined["ds"], joined["y_hat"], joined["y"], strict=True):
        day = origins.periods.named(ds)
        found.append((name, model, cutoff, day, steps[day], float(y), float(y_hat), *scales[name], None))
    for name in sorted(set(rows["unique_id"]) - set(joined["unique_id"])):
        reason = NOTHING_TO_COMPARE if name in has_forecast else failure
        found.append((name, model, cutoff, cutoff, 0, None, None, *scales.get(name, (0.0, 0.0, 0.0, 1)), reason))
    return found


def in_segments(history: DataFrame, rows: int, rows_limit: int) -> DataFrame:
    """``history`` with ``segment``: one, or as many as keep each below ``rows_limit`` rows."""
    segments = max(1, -(-rows // rows_limit))
    return history.withColumn("segment", F.pmod(F.xxhash64("unique_id"), F.lit(segments)).cast("int"))


def backtest_globally(history: DataFrame, origins: Origins, how: Boosting, *, rows: int, rows_limit: int) -> DataFrame:
    """Backtest rows (COLUMNS) of the global models: one task up to ``rows_limit`` rows, above that one a segment."""

    def run(group: pd.DataFrame) -> pd.DataFrame:
        return global_backtest(group[list(DEMAND_COLUMNS)], origins, how)

    spread = in_segments(history.select(*DEMAND_COLUMNS), rows, rows_limit)
    return spread.groupBy("segment").applyInPandas(run, SCHEMA.format(period=origins.periods.sql_type))
