"""What the bands of the product are held against: ETS by its own variance, and the last values of each series."""

from __future__ import annotations

import multiprocessing
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Final

import numpy as np

from benchmarks.forecast_data import Panel
from jobs.forecast.trials.models import Numbers, effective_season, in_sample_scales, known_points, without_gaps
from jobs.forecast.trials.tables import QUANTILES

HORIZONS_BACK: Final = 4
_LONGEST_ETS_SEASON: Final = 24


def own_pinball(panel: Panel) -> float:
    """The mean scaled pinball loss of each series' own quantiles of its last known values, HORIZONS_BACK horizons.

    Of whole numbers and interpolated ones, the better set.
    """
    levels = np.array(list(QUANTILES.values()))
    losses = []
    for name in panel.series:
        known, y = panel.history(name, 0), panel.coming(name, 0)
        scale = in_sample_scales(known, panel.season_length)[0]
        last = known[-HORIZONS_BACK * panel.horizon :]
        last = last[np.isfinite(last)]
        if not scale or not len(last):
            continue
        row = []
        for method in ("linear", "inverted_cdf"):
            missed = y[:, None] - np.quantile(last, levels, method=method)
            row.append(np.nanmean(np.maximum(levels * missed, (levels - 1) * missed)) / scale)
        losses.append(row)
    return float(np.mean(np.array(losses), axis=0).min())


def _of_ets(history: Numbers, horizon: int, season: int) -> Numbers | None:
    """Low and high of the 80 % and the 95 % band of ETS, as four rows; None where it cannot."""
    from statsforecast.models import AutoETS

    points = known_points(history)
    if points < 6:
        return None
    length = effective_season(points, season)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            model = AutoETS(season_length=length if length <= _LONGEST_ETS_SEASON else 1)
            found = model.forecast(y=without_gaps(history), h=horizon, level=[80, 95])
    except Exception:  # a series that ETS cannot forecast is left out
        return None
    values = np.array([found[name] for name in ("lo-80", "hi-80", "lo-95", "hi-95")], dtype=np.float64)
    values = np.maximum(values, 0.0) if np.nanmin(history) >= 0 else values
    return values if np.isfinite(values).all() else None


def ets_bands(panel: Panel) -> dict[str, float]:
    """``series``, ``in_80``, ``in_95`` and ``width_95`` (over MASE's scale) of ETS on the test."""
    names = sorted(panel.series)
    season = panel.season_length if isinstance(panel.season_length, int) else min(panel.season_length)
    run = partial(_of_ets, horizon=panel.horizon, season=season)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        bands = list(pool.map(run, [panel.history(name, 0) for name in names], chunksize=8))
    found = []
    for name, band in zip(names, bands, strict=True):
        scale = in_sample_scales(panel.history(name, 0), season)[0]
        if band is not None and scale > 0:
            y = panel.coming(name, 0)
            known = np.isfinite(y)
            inside = [np.mean((y >= low)[known] & (y <= high)[known]) for low, high in (band[:2], band[2:])]
            found.append((*inside, float(np.mean(band[3] - band[2])) / scale))
    means = np.mean(np.array(found), axis=0)
    return {"series": len(found), "in_80": means[0], "in_95": means[1], "width_95": means[2]}
