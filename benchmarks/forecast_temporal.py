"""``python -m benchmarks.forecast_temporal --data FOLDER``: do forecasts of longer periods pay beside sums?

The last horizon of each series is held out. Three forecasts of the longer periods within it: the sum of the forecasts
of short periods (what forecast.reconcile publishes), a forecast of the longer periods by the same models on the summed
history, and both together, as temporal hierarchies combine them (Athanasopoulos, Hyndman, Kourentzes and Petropoulos
2017), by structural weights or by the errors from the origin before. Each is the mean of cheap default models, weighted
by 1 / E^4 as that origin says.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.forecast_data import FOLDER, LOADERS, Panel
from benchmarks.measure import load_note
from benchmarks.results import Claim, Section, conclude
from jobs.forecast.trials.models import Numbers, forecast, without_gaps

CASES: Final = (
    ("tourism_large", 3, "months to quarters"),
    ("tourism_large", 12, "months to years"),
    ("tourism", 4, "quarters to years"),
    ("m4_weekly", 4, "weeks to four weeks"),
    ("orange_juice", 4, "weeks to four weeks"),
    ("m5", 7, "days to weeks"),
)
HEADER: Final = (
    "set",
    "series",
    "sum",
    "own forecast",
    "structural",
    "by variance",
    "short, before",
    "short, structural",
)
_MODELS: Final = ("seasonal_naive", "window_average", "tsb", "imapa", "theta", "ar", "seasonal_ar")
_MOST_SERIES: Final = 150
# Of a season in weeks and days one value serves both: what matters is how many longer periods it holds.
_SEASONS: Final = {"tourism_large": 12, "tourism": 4, "m4_weekly": 52, "orange_juice": 52, "m5": 7}


def summed(y: Numbers, periods: int) -> Numbers:
    """Sums of ``periods`` values each, the last ones ending with ``y``; what is left over at the start is dropped."""
    return np.asarray(y[len(y) % periods :].reshape(-1, periods).sum(axis=1), dtype=np.float64)


def _tried(y: Numbers, horizon: int, season: int) -> dict[str, Numbers]:
    found = {model: forecast(model, y, horizon, season)[0] for model in _MODELS}
    return {model: values for model, values in found.items() if values is not None}


def _means(tried: Sequence[Sequence[dict[str, Numbers]]], truths: Sequence[Numbers]) -> tuple[list[Numbers], float]:
    """The weighted means of the test's origin, and the relative squared error of those of the origin before."""
    now, before = tried
    scale = [float(np.mean(y**2)) or 1.0 for y in truths]
    errors = {
        model: np.mean(
            [
                ((own[model] - y) ** 2).mean() / s
                for own, y, s in zip(before, truths, scale, strict=True)
                if model in own
            ]
        )
        for model in _MODELS
        if any(model in own for own in before)
    }
    shares = {model: 1 / max(error, 1e-12) ** 2 for model, error in errors.items()}

    def mean(own: dict[str, Numbers]) -> Numbers:
        total = sum(shares.get(model, 0.0) for model in own)
        return np.asarray(sum(shares.get(model, 0.0) / total * y for model, y in own.items()), dtype=np.float64)

    off = np.mean([((mean(own) - y) ** 2).mean() / s for own, y, s in zip(before, truths, scale, strict=True)])
    return [mean(own) for own in now], float(off)


def row_of(panel: Panel, periods: int, words: str) -> list[str]:
    """The row of a set: RMSSE of longer periods, and of short ones before and after, means over its series."""
    season, horizon = _SEASONS[panel.name], panel.horizon // periods * periods
    names = sorted(panel.series)[:: max(1, len(panel.series) // _MOST_SERIES)][:_MOST_SERIES]
    fine: list[list[dict[str, Numbers]]] = [[], []]
    coarse: list[list[dict[str, Numbers]]] = [[], []]
    known, truth, earlier = [], [], []
    for name in names:
        y = without_gaps(panel.series[name])
        if len(y) < 3 * panel.horizon + 4 * periods:
            continue
        ends = (len(y) - horizon, len(y) - 2 * horizon)
        for origin, end in enumerate(ends):
            fine[origin].append(_tried(y[:end], horizon, season))
            coarse[origin].append(_tried(summed(y[:end], periods), horizon // periods, max(1, season // periods)))
        known.append(y[: ends[0]])
        truth.append(y[ends[0] :])
        earlier.append(y[ends[1] : ends[0]])
    short, _ = _means(fine, earlier)
    own, own_error = _means(coarse, [summed(y, periods) for y in earlier])
    _, sum_error = _means(
        [[{m: summed(v, periods) for m, v in tried.items()} for tried in part] for part in fine],
        [summed(y, periods) for y in earlier],
    )
    sums = [summed(y, periods) for y in short]
    share = sum_error / (sum_error + own_error)
    structural = [(a + b) / 2 for a, b in zip(sums, own, strict=True)]
    weighted = [a + share * (b - a) for a, b in zip(sums, own, strict=True)]
    moved = [y + np.repeat((b - a) / periods, periods) for y, a, b in zip(short, sums, structural, strict=True)]
    longer = [[summed(y, periods) for y in part] for part in (truth, known)]
    figures = [_rmsse(of, *longer) for of in (sums, own, structural, weighted)]
    figures += [_rmsse(of, truth, known) for of in (short, moved)]
    return [f"{panel.title}: {words}", str(len(known)), *(f"{figure:.4f}" for figure in figures)]


def _rmsse(found: Sequence[Numbers], truth: Sequence[Numbers], known: Sequence[Numbers]) -> float:
    scores = [
        np.sqrt(((a - y) ** 2).mean() / (np.diff(past) ** 2).mean())
        for a, y, past in zip(found, truth, known, strict=True)
        if (np.diff(past) != 0).any()
    ]
    return float(np.mean(scores))


def section(rows: Sequence[Sequence[str]], note: str) -> Section:
    """The section of the page."""
    better = sum(float(row[5]) < float(row[2]) for row in rows)
    worse = [f"{float(row[5]) / float(row[2]) - 1:+.1%}" for row in rows]
    return Section(
        "forecast_temporal",
        "Longer periods: sums, or forecasts of their own",
        claims=[
            Claim("Cases in which both together, by variance, beat the sum", "printed", f"{better} of {len(rows)}"),
            Claim("Their RMSSE against that of the sum", "printed", ", ".join(worse)),
        ],
        tables={"RMSSE, means over series (up to 150 of a set)": [HEADER, *rows]},
        notes=[
            note,
            "Own forecast: of the longer periods, by the same models on the summed history. Structural: half way, "
            "as least squares weigh one longer period over its short ones. By variance: weights from the errors at the "
            "origin before, one for each set.",
        ],
        command="make bench DATA=folder ARGS=forecast_temporal",
    )


def measure(data: Path) -> None:
    """Run and keep the section; says so when the sets are not there."""
    if not (data / FOLDER).is_dir():
        print(f"forecast_temporal: no {FOLDER} in the data folder, nothing measured")
        return
    main(["--data", str(data), "--keep"])


def main(argv: list[str] | None = None) -> None:
    """Command line: the folder of data."""
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_temporal", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="keep the figures for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    note, rows = load_note(), []
    for name, periods, words in CASES:
        rows.append(row_of(LOADERS[name](arguments.data), periods, words))
        print(*rows[-1], sep=" | ", flush=True)
    conclude(section(rows, note), keep_it=arguments.keep)


if __name__ == "__main__":
    main()
