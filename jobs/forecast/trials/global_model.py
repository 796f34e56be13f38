"""Gradient boosting over all series of a segment: LightGBM on lags, through mlforecast.

``lightgbm`` forecasts levels: each series is divided by its own mean as of the origin, so that large ones do not drown
the small. ``lightgbm_diff`` forecasts the steps from a period to the next, in units of the series' mean step: it
follows trends, which trees on levels cannot. Where the histories hold several seasons, its steps are those from one
short season to the next, and values above zero are taken as logarithms. ``lightgbm_x`` and ``lightgbm_diff_x`` are the
same with regressors.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pyspark.sql import DataFrame

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.declared import WITH_REGRESSORS, Kind
from jobs.forecast.regressors.features import as_known, with_regressors
from jobs.forecast.regressors.segments import beside_each_other, segment_of
from jobs.forecast.trials.lags import lags_within, windows_of
from jobs.forecast.trials.models import (
    Season,
    effective_season,
    in_sample_scales,
    known_points,
    seasons_within,
    spread_of,
)
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
GLOBAL_MODELS: Final = (LEVELS, DIFFERENCES, *WITH_REGRESSORS)
_DATES = {"H": ["hour", "dayofweek"], "D": ["dayofweek"], "W": [], "M": ["month"], "Q": ["quarter"], "Y": []}


@dataclass(frozen=True)
class Boosting:
    """How the models are fitted; lags reach two of each season back, or three where the histories are long enough.

    ``regressors`` are the kinds of those that the models with regressors have.
    """

    periods: Periods
    season_length: Season
    seed: int
    regressors: Mapping[str, Kind] = field(default_factory=dict)

    def lags(self, longest: int) -> list[int]:
        """The lags for histories of at most ``longest`` periods."""
        return lags_within(longest, self.lengths)

    @property
    def lengths(self) -> tuple[int, ...]:
        """The lengths of the seasons, shortest first."""
        given = (self.season_length,) if isinstance(self.season_length, int) else self.season_length
        return tuple(sorted(set(given)))

    def difference(self, model: str, longest: int) -> int:
        """How many periods a step spans; 0 where the model forecasts levels."""
        if WITH_REGRESSORS.get(model, model) == LEVELS:
            return 0
        seasons = seasons_within(longest, self.season_length)
        return seasons[0] if len(seasons) > 1 else 1


def boosted(
    model: str, known: pd.DataFrame, horizon: int, how: Boosting, regressors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """``unique_id, ds, y_hat`` for ``horizon`` periods after ``known`` (unique_id, ds as timestamps, y; full grids).

    ``y`` is null where it is not known: such a period is not learned from. Series with fewer than FEWEST_TRAINING known
    values are left out. No rows when no series is long enough to learn from. A model of WITH_REGRESSORS also learns
    from ``regressors``: what ``as_known`` gives of them at the origin.
    """
    import pandas as pd

    of_levels = WITH_REGRESSORS.get(model, model) == LEVELS
    lengths = known.groupby("unique_id")["y"].transform("count")
    longest = int(lengths.max()) if len(known) else 0
    step = how.difference(model, longest)
    known = known[lengths >= max(FEWEST_TRAINING, step + 2 if step > 1 else 0)].reset_index(drop=True)
    lags = how.lags(longest)
    if not lags:
        return pd.DataFrame({"unique_id": [], "ds": [], "y_hat": []})
    lowest = known.groupby("unique_id")["y"].transform("min")
    is_log = (lowest > 0) & (step > 1)
    # Zero and below have no logarithm, and none is taken of them.
    known = known.assign(y=known["y"].where(~is_log, np.log(known["y"].where(is_log, 1.0))))
    by_series = known.groupby("unique_id")["y"]
    size = by_series.transform(lambda y: y.abs().mean() if of_levels else y.dropna().diff(step).abs().mean())
    unit = size.where(size > 0, 1.0)
    scaled = known.assign(y=known["y"] / unit)[["unique_id", "ds", "y"]]
    coming = None
    if model in WITH_REGRESSORS and regressors is not None:
        scaled, coming = _beside(scaled, regressors, horizon, how)
    with warnings.catch_warnings():
        # Lags before the first sale, and regressors that nobody knows, stay missing: the trees handle that.
        warnings.filterwarnings("ignore", message="Found null values")
        values = _fitted(model, scaled, lags, how, step).predict(horizon, X_df=coming)
    of_series = known[["unique_id"]].assign(unit=unit, is_log=is_log, lowest=lowest).groupby("unique_id").first()
    of_series = of_series.loc[values["unique_id"]]
    y_hat = values[model].to_numpy(dtype=np.float64) * of_series["unit"].to_numpy()
    with np.errstate(over="ignore"):
        y_hat = np.where(of_series["is_log"].to_numpy(), np.exp(y_hat), y_hat)
    floor = np.where(of_series["lowest"].to_numpy() >= 0, 0.0, -np.inf)
    return pd.DataFrame({"unique_id": values["unique_id"], "ds": values["ds"], "y_hat": np.maximum(y_hat, floor)})


def _beside(
    scaled: pd.DataFrame, regressors: pd.DataFrame, horizon: int, how: Boosting
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``scaled`` with the columns of the regressors, and these columns of the ``horizon`` periods to come."""
    import pandas as pd

    lasts = scaled.groupby("unique_id")["ds"].max()
    ahead = [
        (name, pd.Timestamp(how.periods.plus(how.periods.named(last), step)), step)
        for name, last in lasts.items()
        for step in range(1, horizon + 1)
    ]
    to_come = pd.DataFrame(ahead, columns=["unique_id", "ds", "step"])
    grid = pd.concat([scaled.assign(step=0), to_come], ignore_index=True)
    grid = grid.sort_values(["unique_id", "ds"], ignore_index=True)
    whole = with_regressors(grid, regressors, how.regressors, horizon=horizon, seed=how.seed)
    past = (whole["step"] == 0).to_numpy()
    return whole[past].drop(columns="step"), whole[~past].drop(columns=["step", "y"])


def _fitted(model: str, scaled: pd.DataFrame, lags: list[int], how: Boosting, step: int) -> Any:
    # A gap is filled forward: a lag on the line between its neighbours would give away the value after it.
    of_levels = WITH_REGRESSORS.get(model, model) == LEVELS
    known = scaled["y"].notna()
    filled = scaled.assign(y=scaled.groupby("unique_id")["y"].ffill())
    begun = filled["y"].notna()
    if not of_levels:  # The step out of a gap is that of several periods.
        known &= known.groupby(scaled["unique_id"]).shift(step, fill_value=False)
    filled = filled[begun]
    from lightgbm import LGBMRegressor
    from mlforecast import MLForecast
    from mlforecast.target_transforms import Differences

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
        lag_transforms={1: windows_of(lags, how.lengths, of_levels=of_levels)},
        date_features=_DATES[how.periods.freq],
        target_transforms=None if of_levels else [Differences([step])],
        num_threads=1,
    )
    rows: Any = forecaster.preprocess(filled, static_features=[], dropna=False)
    rows = rows.loc[known.reindex(rows.index).to_numpy()]
    y, names = rows["y"].to_numpy(), [name for name in rows.columns if name not in ("unique_id", "ds", "y")]
    features = rows[names]
    del rows
    return forecaster.fit_models(features, y)


def global_backtest(
    rows: pd.DataFrame, origins: Origins, how: Boosting, regressors: pd.DataFrame | None = None
) -> pd.DataFrame:
    """The global models from all origins for the series in ``rows`` (DEMAND_COLUMNS); columns of COLUMNS.

    ``regressors`` as ``read_regressors`` gives them: each origin sees what was known at it.
    """
    import pandas as pd

    rows = rows.assign(ds=pd.to_datetime(rows["ds"])).sort_values(["unique_id", "ds"])
    today = rows[["unique_id", "ds", "y"]]
    found: list[tuple[Any, ...]] = []
    for cutoff in origins.cutoffs:
        known = today.assign(y=known_demand(rows, cutoff, origins.periods))[rows["ds"] <= pd.Timestamp(cutoff)]
        moment = days_since_epoch(origins.periods.last_day(cutoff))
        at_origin = None if regressors is None else as_known(regressors, moment)
        for model in GLOBAL_MODELS:
            if model not in origins.models:
                continue
            try:
                predicted = boosted(model, known, origins.horizon, how, at_origin)
                failure = "too few periods before the origin"
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
            *in_sample_scales(y.to_numpy(), origins.season_lengths),
            spread_of(y.to_numpy(), origins.season_lengths),
            effective_season(known_points(y.to_numpy()), origins.season_lengths),
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


def segments_of(rows: int, rows_limit: int) -> int:
    """One segment, or as many as keep each below ``rows_limit`` rows."""
    return max(1, -(-rows // rows_limit))


def in_segments(history: DataFrame, rows: int, rows_limit: int) -> DataFrame:
    """``history`` with ``segment``: see ``segments_of``."""
    return history.withColumn("segment", segment_of(segments_of(rows, rows_limit)))


def backtest_globally(
    history: DataFrame,
    origins: Origins,
    how: Boosting,
    *,
    rows: int,
    rows_limit: int,
    regressors: DataFrame | None = None,
) -> DataFrame:
    """Backtest rows (COLUMNS) of the global models: one task up to ``rows_limit`` rows, above that one a segment."""

    def alone(group: pd.DataFrame) -> pd.DataFrame:
        return global_backtest(group[list(DEMAND_COLUMNS)], origins, how)

    def beside(group: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
        return global_backtest(group[list(DEMAND_COLUMNS)], origins, how, known)

    spread = in_segments(history.select(*DEMAND_COLUMNS), rows, rows_limit)
    schema = SCHEMA.format(period=origins.periods.sql_type)
    if regressors is None:
        return spread.groupBy("segment").applyInPandas(alone, schema)
    return beside_each_other(spread, regressors, beside, schema, segments=segments_of(rows, rows_limit))
