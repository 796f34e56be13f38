"""``python -m benchmarks.forecast_accuracy --data FOLDER``: M4 Weekly and Hourly, beside the published rows.

The folder holds ``forecast/m4_weekly_hourly/weekly_train.parquet`` and so on (series_id, t, value) of the competition.
Our choice is made as forecast.backtest makes it: the last horizon of each training series is held out, the best model
there (simplest within 2 %) is fitted again on all of it. sMAPE and MASE as in the competition; OWA against Naive2.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from benchmarks.measure import load_note
from benchmarks.results import Claim, Section, conclude
from jobs.forecast.trials.models import Numbers, forecast, in_sample_scales, seasonal_naive

M4 = Path("forecast") / "m4_weekly_hourly"
_TIE = 0.02


@dataclass(frozen=True)
class Competition:
    """One frequency of M4; published rows are (method, sMAPE, MASE, OWA)."""

    name: str
    season: int
    horizon: int
    published: tuple[tuple[str, float, float, float], ...]
    models: tuple[str, ...]


_COMPETITIONS = (
    Competition(
        "weekly",
        1,
        13,
        (
            ("sNaive", 9.161, 2.777, 1.000),
            ("Theta", 9.093, 2.637, 0.971),
            ("Damped", 8.866, 2.404, 0.917),
            ("Comb", 8.944, 2.432, 0.926),
            ("1st Smyl", 7.817, 2.356, 0.851),
            ("2nd FFORMA", 7.625, 2.108, 0.796),
        ),
        ("seasonal_naive", "theta", "ets"),
    ),
    Competition(
        "hourly",
        24,
        48,
        (
            ("sNaive", 13.912, 1.193, 0.627),
            ("Theta", 18.138, 2.455, 1.006),
            ("Damped", 19.265, 2.956, 1.141),
            ("Comb", 22.053, 4.582, 1.556),
            ("1st Smyl", 9.328, 0.893, 0.440),
            ("2nd FFORMA", 11.506, 0.819, 0.484),
        ),
        ("seasonal_naive", "theta"),
    ),
)


def smape(y: Numbers, y_hat: Numbers) -> float:
    """200 |e| / (|y| + |f|), in percent."""
    return float(np.mean(200 * np.abs(y - y_hat) / (np.abs(y) + np.abs(y_hat))))


def mase(y: Numbers, y_hat: Numbers, scale: float) -> float:
    """Mean absolute error over the in-sample error of the seasonal naive."""
    return float(np.mean(np.abs(y - y_hat)) / scale)


def naive2(y: Numbers, horizon: int, season: int) -> Numbers:
    """M4's benchmark: the naive on seasonally adjusted values where a 90 % test of autocorrelation finds a season."""
    if not _is_seasonal(y, season):
        return np.full(horizon, y[-1])
    index = _seasonal_index(y, season)
    adjusted = y / np.resize(index, len(y))
    coming = np.take(index, np.arange(len(y), len(y) + horizon) % season)
    return np.asarray(adjusted[-1] * coming, dtype=np.float64)


def _is_seasonal(y: Numbers, season: int) -> bool:
    if season == 1 or len(y) < 3 * season:
        return False
    centred = y - y.mean()
    acf = np.array([np.sum(centred[lag:] * centred[: len(y) - lag]) for lag in range(1, season + 1)]) / np.sum(
        centred**2
    )
    return bool(abs(acf[-1]) > 1.645 * np.sqrt((1 + 2 * np.sum(acf[:-1] ** 2)) / len(y)))


def _seasonal_index(y: Numbers, season: int) -> Numbers:
    """Multiplicative indices by classical decomposition, of mean 1."""
    weights = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(y, weights / season, mode="valid")
    first = (len(y) - len(trend)) // 2
    ratios = y[first : first + len(trend)] / trend
    places = np.arange(first, first + len(trend)) % season
    index = np.array([ratios[places == place].mean() for place in range(season)])
    return np.asarray(index / index.mean(), dtype=np.float64)


def _one(task: tuple[Numbers, Numbers, Competition, tuple[str, ...]]) -> dict[str, tuple[float, float]]:
    """Method -> (sMAPE, MASE) of one series."""
    train, test, how, models = task
    horizon = len(test)
    scale = in_sample_scales(train, how.season)[0]
    methods = {
        "sNaive, ours": seasonal_naive(train, horizon, how.season),
        "Naive2, ours": naive2(train, horizon, how.season),
    }
    held = train[:-horizon]
    tried = {}
    for model in models:
        values, _ = forecast(model, held, horizon, how.season)
        if values is not None:
            tried[model] = float(np.mean((train[-horizon:] - values) ** 2)) ** 0.5
    best = min(tried.values())
    choice = next(model for model in models if tried.get(model, np.inf) <= best * (1 + _TIE))
    for model in models[1:]:
        values, _ = forecast(model, train, horizon, how.season)
        methods[f"{model}, ours"] = methods["sNaive, ours"] if values is None else values
    methods["our choice"] = methods["sNaive, ours"] if choice == models[0] else methods[f"{choice}, ours"]
    return {name: (smape(test, values), mase(test, values, scale)) for name, values in methods.items()}


def _series(path: Path) -> dict[str, Numbers]:
    table = pq.read_table(path).sort_by([("series_id", "ascending"), ("t", "ascending")])
    names, values = table["series_id"].to_numpy(zero_copy_only=False), table["value"].to_numpy()
    starts = np.flatnonzero(np.r_[True, names[1:] != names[:-1]])
    return dict(zip(names[starts], np.split(values.astype(np.float64), starts[1:]), strict=True))


def scored(data: Path, how: Competition, models: Sequence[str], most: int | None) -> dict[str, tuple[float, float]]:
    """Method -> mean (sMAPE, MASE) over the series of one frequency."""
    train, test = (_series(data / f"{how.name}_{part}.parquet") for part in ("train", "test"))
    names = sorted(train)[:most]
    tasks = [(train[name], test[name], how, tuple(models)) for name in names]
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(_one, tasks, chunksize=8))
    return {
        method: (
            float(np.mean([series[method][0] for series in found])),
            float(np.mean([series[method][1] for series in found])),
        )
        for method in found[0]
    }


def run(data: Path, models: Sequence[str] = (), most: int | None = None) -> Section:
    """Both frequencies as one section."""
    note = load_note()
    claims, tables = [], {}
    for how in _COMPETITIONS:
        found = scored(data, how, models or how.models, most)
        reference = found["Naive2, ours"]
        rows = [("method", "sMAPE", "MASE", "OWA")]
        rows += [(f"{name}, published", f"{s:.3f}", f"{m:.3f}", f"{o:.3f}") for name, s, m, o in how.published]
        for name, (s, m) in found.items():
            rows.append((name, f"{s:.3f}", f"{m:.3f}", f"{(s / reference[0] + m / reference[1]) / 2:.3f}"))
        tables[f"M4 {how.name}, {how.horizon} ahead" + (f", first {most} series only" if most else "")] = rows
        ours = tuple(round(value, 3) for value in found["sNaive, ours"])
        wanted = how.published[0][1:3]
        claims.append(
            Claim(f"M4 {how.name}: sMAPE / MASE of the seasonal naive", f"{wanted}", f"{ours}", ours == wanted)
        )
    return Section(
        "forecast_accuracy",
        "Forecast accuracy on M4",
        claims=claims,
        tables=tables,
        notes=[
            note,
            "The choice of a series is made on a held-out horizon of its training part, never on the test part.",
            "Hourly chooses between seasonal naive and Theta only: an ETS search over 24 seasonal states takes seconds "
            "for each of the 828 fits.",
        ],
        command="make bench DATA=folder ARGS=forecast_accuracy",
    )


def measure(data: Path) -> None:
    """Run on M4's files and keep the section; says so when they are not there."""
    if not (data / M4).is_dir():
        print(f"forecast_accuracy: no {M4} in the data folder, nothing measured")
        return
    main(["--data", str(data), "--keep"])


def main(argv: list[str] | None = None) -> None:
    """Command line: the folder, the models, and how many series."""
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_accuracy", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="*", default=[], help="default: those of each frequency")
    parser.add_argument("--series", type=int, default=None, help="only the first so many of each frequency")
    parser.add_argument("--keep", action="store_true", help="keep the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    section = run(arguments.data / M4, arguments.models, arguments.series)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
