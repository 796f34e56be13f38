"""One gradient boosting model over all series of a segment: LightGBM on lags, through mlforecast.

Every series is divided by its own mean as of the origin, so that large ones do not drown the small.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.models import effective_season, in_sample_scales, known_points
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

NAME = "lightgbm"
FAILED = f"{NAME} failed"
_LAGS = {"D": (1, 2, 3, 7, 14), "W": (1, 2, 3, 4, 8), "M": (1, 2, 3, 6, 12), "Q": (1, 2, 3, 4)}
_DATES = {"D": ["dayofweek"], "W": [], "M": ["month"], "Q": ["quarter"]}


@dataclass(frozen=True)
class Boosting:
    """How the model is fitted; ``season_length`` is an additional lag where the histories are long enough."""

    periods: Periods
    season_length: int
    seed: int
    trees: int = 150
    learning_rate: float = 0.05
    leaves: int = 15


def boosted(known: pd.DataFrame, horizon: int, how: Boosting) -> pd.DataFrame:
    """``unique_id, ds, y_hat`` for ``horizon`` periods after ``known`` (unique_id, ds as timestamps, y; full grids).

    ``y`` is null where it is not known: such a period is not learned from. Series with fewer than FEWEST_TRAINING known
    values are left out. No rows when no series is long enough to learn from.
    """
    import pandas as pd

    lengths = known.groupby("unique_id")["y"].transform("count")
    known = known[lengths >= FEWEST_TRAINING]
    longest = int(lengths.max()) if len(known) else 0
    lags = sorted({lag for lag in (*_LAGS[how.periods.freq], how.season_length) if 2 * lag < longest})
    nothing = pd.DataFrame({"unique_id": [], "ds": [], "y_hat": []})
    if not lags:
        return nothing
    level = known.groupby("unique_id")["y"].transform(lambda y: y.abs().mean())
    scaled = known.assign(y=known["y"] / level.where(level > 0, 1.0), _level=level.where(level > 0, 1.0))
    values = _fitted(scaled[["unique_id", "ds", "y"]], lags, how).predict(horizon)
    levels = scaled.groupby("unique_id")["_level"].first()
    lowest = known.groupby("unique_id")["y"].min()
    y_hat = values[NAME].to_numpy(dtype=np.float64) * values["unique_id"].map(levels).to_numpy()
    floor = np.where(values["unique_id"].map(lowest).to_numpy() >= 0, 0.0, -np.inf)
    return pd.DataFrame({"unique_id": values["unique_id"], "ds": values["ds"], "y_hat": np.maximum(y_hat, floor)})


def _fitted(scaled: pd.DataFrame, lags: list[int], how: Boosting) -> Any:
    # A gap is filled forward: a lag on the line between its neighbours would give away the value after it.
    filled = scaled.assign(y=scaled.groupby("unique_id")["y"].ffill())
    begun = filled["y"].notna()
    filled, is_known = filled[begun], scaled.loc[begun, "y"].notna().to_numpy()
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.lag_transforms import ExpandingMean, RollingMean

    model = LGBMRegressor(
        n_estimators=how.trees,
        learning_rate=how.learning_rate,
        num_leaves=how.leaves,
        random_state=how.seed,
        n_jobs=1,
        deterministic=True,
        force_row_wise=True,
        verbosity=-1,
    )
    forecaster = MLForecast(
        models={NAME: model},
        freq=how.periods.offset,
        lags=lags,
        lag_transforms={1: [RollingMean(window_size=4, min_samples=1), ExpandingMean()]},
        date_features=_DATES[how.periods.freq],
        num_threads=1,
    )
    with warnings.catch_warnings():
        # Rows whose long lags are before a series' first sale stay: the trees handle missing values.
        warnings.filterwarnings("ignore", message="Found null values")
        # One row for each of ``filled``, in its order.
        rows: Any = forecaster.preprocess(filled, static_features=[], dropna=False)
        features = rows[is_known]
        return forecaster.fit_models(features.drop(columns=["unique_id", "ds", "y"]), features["y"].to_numpy())


def global_backtest(rows: pd.DataFrame, origins: Origins, how: Boosting) -> pd.DataFrame:
    """The global model from all origins for the series in ``rows`` (DEMAND_COLUMNS); columns of COLUMNS."""
    import pandas as pd

    rows = rows.assign(ds=pd.to_datetime(rows["ds"])).sort_values(["unique_id", "ds"])
    today = rows[["unique_id", "ds", "y"]]
    found: list[tuple[Any, ...]] = []
    for cutoff in origins.cutoffs:
        known = today.assign(y=known_demand(rows, cutoff, origins.periods))[rows["ds"] <= pd.Timestamp(cutoff)]
        try:
            predicted, failure = boosted(known, origins.horizon, how), "too few periods before the origin"
        except Exception as error:  # the libraries may raise anything: the other models still count
            predicted = pd.DataFrame({"unique_id": [], "ds": [], "y_hat": []})
            failure = failed(error)
        found.extend(_trial_rows(today, known, predicted, cutoff, origins, failure))
    return pd.DataFrame(found, columns=list(COLUMNS))


def failed(error: Exception) -> str:
    """Why the model failed: only the class of the error, since its message may contain row values."""
    return f"{FAILED}: {type(error).__name__}"


def _trial_rows(
    rows: pd.DataFrame, known: pd.DataFrame, predicted: pd.DataFrame, cutoff: date, origins: Origins, failure: str
) -> list[tuple[Any, ...]]:
    scales = {
        name: (
            *in_sample_scales(y.to_numpy(), origins.season_length),
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
        day = ds.date()
        found.append((name, NAME, cutoff, day, steps[day], float(y), float(y_hat), *scales[name], None))
    for name in sorted(set(rows["unique_id"]) - set(joined["unique_id"])):
        reason = NOTHING_TO_COMPARE if name in has_forecast else failure
        found.append((name, NAME, cutoff, cutoff, 0, None, None, *scales.get(name, (0.0, 0.0, 1)), reason))
    return found


def in_segments(history: DataFrame, rows: int, rows_limit: int) -> DataFrame:
    """``history`` with ``segment``: one, or as many as keep each below ``rows_limit`` rows."""
    segments = max(1, -(-rows // rows_limit))
    return history.withColumn("segment", F.pmod(F.xxhash64("unique_id"), F.lit(segments)).cast("int"))


def backtest_globally(history: DataFrame, origins: Origins, how: Boosting, *, rows: int, rows_limit: int) -> DataFrame:
    """Backtest rows (COLUMNS) of the global model: one task up to ``rows_limit`` rows, above that one a segment."""

    def run(group: pd.DataFrame) -> pd.DataFrame:
        return global_backtest(group[list(DEMAND_COLUMNS)], origins, how)

    spread = in_segments(history.select(*DEMAND_COLUMNS), rows, rows_limit)
    return spread.groupBy("segment").applyInPandas(run, SCHEMA)
