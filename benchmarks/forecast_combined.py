"""The forecasts of a panel by the product's models, and its shares of them: what was known before the test only."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.forecast_data import ORIGINS, Panel
from jobs.forecast.trials.global_model import GLOBAL_MODELS, Boosting, boosted
from jobs.forecast.trials.models import (
    LOCAL_MODELS,
    Numbers,
    Season,
    fallback_forecast,
    forecast,
    in_sample_scales,
    known_points,
)
from jobs.forecast.trials.origins import FEWEST_TRAINING

if TYPE_CHECKING:
    import pandas as pd

Values = dict[tuple[str, int], dict[str, Numbers]]
"""(series, origin) -> model -> forecasts; origin 0 is that of the test."""

_SEED = 0


def forecasts(panel: Panel) -> Values:
    """Each model's forecasts from the test's origin and ORIGINS before it; what could not be forecast is missing."""
    names = sorted(panel.series)
    histories = [[panel.history(name, origin) for origin in range(ORIGINS + 1)] for name in names]
    models = tuple(model for model in panel.models if model in LOCAL_MODELS)
    run = partial(_of_series, models=models, horizon=panel.horizon, season_length=panel.season_length)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = pool.map(run, histories, chunksize=4)
        values = {
            (name, origin): by_model
            for name, series in zip(names, found, strict=True)
            for origin, by_model in enumerate(series)
        }
    how = Boosting(panel.periods, panel.season_length, _SEED)
    for origin in range(ORIGINS + 1):
        known = _long(panel, origin)
        for model in GLOBAL_MODELS:
            if model in panel.models and len(known):
                rows = boosted(model, known, panel.horizon, how)
                for name, y_hat in rows.groupby("unique_id")["y_hat"]:
                    if np.isfinite(y_hat).all():
                        values[str(name), origin][model] = y_hat.to_numpy(dtype=np.float64)
    return values


def _of_series(
    histories: list[Numbers], models: tuple[str, ...], horizon: int, season_length: Season
) -> list[dict[str, Numbers]]:
    found = []
    for y in histories:
        tried = {}
        if known_points(y) >= FEWEST_TRAINING:
            tried = {model: forecast(model, y, horizon, season_length)[0] for model in models}
        found.append({model: values for model, values in tried.items() if values is not None})
    return found


def profile_rows(panel: Panel) -> pd.DataFrame:
    """``unique_id, ds, y`` of what is known before the test: what the class of demand rests on."""
    return _long(panel, 0)


def _long(panel: Panel, origin: int) -> pd.DataFrame:
    """``unique_id, ds, y`` of what is known at an origin."""
    import pandas as pd

    histories = {name: panel.history(name, origin) for name in sorted(panel.series)}
    longest = max(len(y) for y in histories.values())
    days = pd.date_range(end=pd.Timestamp(panel.cutoff(origin)), periods=longest, freq=panel.periods.offset)
    frames = [
        pd.DataFrame({"unique_id": name, "ds": days[longest - len(y) :], "y": y})
        for name, y in histories.items()
        if len(y)
    ]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"unique_id": [], "ds": [], "y": []})


def validation_rows(panel: Panel, values: Values) -> pd.DataFrame:
    """``unique_id, model, cutoff, y, y_hat, scale_mse`` of the origins before the test's."""
    import pandas as pd

    frames = []
    for (name, origin), by_model in values.items():
        y = panel.coming(name, origin)
        if not origin or not len(y):
            continue
        scale = in_sample_scales(panel.history(name, origin), panel.season_length)[1]
        cutoff = pd.Timestamp(panel.cutoff(origin))
        for model, y_hat in by_model.items():
            frames.append(
                pd.DataFrame(
                    {"unique_id": name, "model": model, "cutoff": cutoff, "y": y, "y_hat": y_hat, "scale_mse": scale}
                )
            )
    rows = pd.concat(frames, ignore_index=True)
    return rows[rows["y"].notna()]


def shares(panel: Panel, values: Values) -> dict[str, dict[str, float]]:
    """Series -> model -> share, by the product's own class of demand, errors and weights."""
    from pyspark.sql import functions as F

    from benchmarks.session_lakes import bench_session
    from jobs.forecast.demand.series import profiles
    from jobs.forecast.trials.weights import FINAL, model_weights, origin_errors

    spark = bench_session("2g")
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{name}.parquet") for name in ("history", "rows")]
        for rows, path in zip((_long(panel, 0), validation_rows(panel, values)), paths, strict=True):
            rows.to_parquet(path, coerce_timestamps="us")
        grid = spark.read.parquet(paths[0]).withColumns(
            {"ds": F.to_date("ds"), "freq": F.lit(panel.periods.freq), "is_closed": F.lit(False)}
        )
        series = profiles(grid).select("unique_id", "demand_class").cache()
        trials = spark.read.parquet(paths[1]).withColumn("cutoff", F.to_date("cutoff")).join(series, "unique_id")
        weights = model_weights(origin_errors(trials.withColumn("use", F.lit(FINAL))), series)
        found: dict[str, dict[str, float]] = {}
        # A row for each series and model of the panel.
        for row in weights.select("unique_id", "model", "weight").collect():
            found.setdefault(row["unique_id"], {})[row["model"]] = float(row["weight"])
    return found


def champions(panel: Panel, values: Values) -> dict[str, str]:
    """Series -> the model of the lowest mean squared error over the origins, among those tried from most of them."""
    errors: dict[str, dict[str, list[float]]] = {}
    for (name, origin), by_model in values.items():
        y = panel.coming(name, origin)
        if origin and known_points(y):
            for model, y_hat in by_model.items():
                squared = float(np.nanmean((y - y_hat) ** 2))
                errors.setdefault(name, {}).setdefault(model, []).append(squared)
    found = {}
    for name, by_name in errors.items():
        most = max(len(of_model) for of_model in by_name.values())
        means = {model: np.mean(of_model) for model, of_model in by_name.items() if len(of_model) == most}
        found[name] = min(means, key=lambda model: (means[model], model))
    return found


def weighted(by_model: Mapping[str, Numbers], weights: Mapping[str, float]) -> Numbers | None:
    """The weighted mean of what could be forecast; the plain mean where no share stands behind it; None of nothing."""
    total = sum(weights.get(model, 0.0) for model in by_model)
    if not by_model:
        return None
    if not total:
        return np.asarray(np.mean(list(by_model.values()), axis=0), dtype=np.float64)
    return np.asarray(sum(weights.get(model, 0.0) / total * y for model, y in by_model.items()), dtype=np.float64)


def in_its_place(panel: Panel, name: str) -> Numbers:
    """What the product forecasts where a model cannot."""
    return fallback_forecast(panel.history(name, 0), panel.horizon, panel.season_length)[0]
