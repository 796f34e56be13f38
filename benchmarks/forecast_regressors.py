"""``python -m benchmarks.forecast_regressors --data FOLDER``: what prices and promotions add to LightGBM.

Dominick's orange juice, weekly, has the price of each store and brand, and flags of deals and features. The same models
forecast the last weeks without them, with them as they are known afterwards (lagged), and with those of the weeks that
are forecast (known ahead), as a shop knows them that plans its own prices.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from benchmarks.forecast_combined import Values, forecasts, shares
from benchmarks.forecast_data import FOLDER, LOADERS, ORIGINS, Panel
from benchmarks.forecast_scores import BEST, WEIGHTED, all_scores
from benchmarks.measure import load_note
from benchmarks.results import Claim, Section, conclude
from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.regressors.declared import KNOWN_AHEAD, LAGGED, WITH_REGRESSORS, Kind
from jobs.forecast.regressors.features import as_known
from jobs.forecast.trials.global_model import Boosting, boosted

if TYPE_CHECKING:
    import pandas as pd

_NAMES: Final = ("deal", "feat", "price")
_SET: Final = "orange_juice"
_WITHOUT: Final = "without"
_SEED: Final = 0


def regressors(data: Path, panel: Panel, kind: Kind) -> pd.DataFrame:
    """``unique_id, name, ds, known, value`` of the series of ``panel``: known from the end of their week, or always."""
    import pandas as pd

    rows = pd.read_parquet(data / FOLDER / "orange_juice_weekly" / "sales.parquet")
    prices = rows[[f"price{brand}" for brand in range(1, 12)]].to_numpy()
    rows["price"] = prices[np.arange(len(rows)), rows["brand"].to_numpy() - 1]
    rows["unique_id"] = rows["store"].astype(str) + "/" + rows["brand"].astype(str)
    rows = rows[rows["unique_id"].isin(list(panel.series))]
    last = int(rows["week"].max())
    starts = {week: panel.periods.plus(panel.last, week - last) for week in sorted(rows["week"].unique().tolist())}
    long = rows.melt(["unique_id", "week"], list(_NAMES), var_name="name", value_name="value")
    ends = {week: days_since_epoch(panel.periods.last_day(start)) for week, start in starts.items()}
    known = long["week"].map(ends) if kind == LAGGED else days_since_epoch(panel.last) - 10_000
    return long.assign(ds=pd.to_datetime(long["week"].map(starts)), known=known).drop(columns="week")


def with_regressors(panel: Panel, values: Values, known_rows: pd.DataFrame, kind: Kind) -> Values:
    """``values`` with the forecasts of the models of WITH_REGRESSORS, each origin by what was known at it."""
    from benchmarks.forecast_combined import _long

    how = Boosting(panel.periods, panel.season_length, _SEED, dict.fromkeys(_NAMES, kind))
    found = {key: dict(by_model) for key, by_model in values.items()}
    for origin in range(ORIGINS + 1):
        known = as_known(known_rows, days_since_epoch(panel.periods.last_day(panel.cutoff(origin))))
        history = _long(panel, origin)
        for model in WITH_REGRESSORS:
            rows = boosted(model, history, panel.horizon, how, known)
            for name, y_hat in rows.groupby("unique_id")["y_hat"]:
                if np.isfinite(y_hat).all():
                    found[str(name), origin][model] = y_hat.to_numpy(dtype=np.float64)
    return found


def scores(data: Path) -> dict[str, dict[str, float]]:
    """Variant -> method -> RMSSE: without regressors, with lagged ones, with those that are known ahead."""
    panel = LOADERS[_SET](data)
    values = forecasts(panel)
    both = replace(panel, models=(*panel.models, *WITH_REGRESSORS))
    found = {_WITHOUT: _rmsse(panel, values)}
    for kind in (LAGGED, KNOWN_AHEAD):
        found[kind] = _rmsse(both, with_regressors(panel, values, regressors(data, panel, kind), kind))
    return found


def _rmsse(panel: Panel, values: Values) -> dict[str, float]:
    rows = all_scores(panel, values, shares(panel, values))
    return {str(row["method"]): float(str(row["rmsse"])) for row in rows}


def section(found: Mapping[str, Mapping[str, float]], note: str) -> Section:
    """The section of the page from the scores of the variants."""
    rows: list[Sequence[str]] = [("method", "without", "lagged", "known ahead")]
    for method in (*WITH_REGRESSORS.values(), WEIGHTED, BEST):
        twin = next((name for name, model in WITH_REGRESSORS.items() if model == method), method)
        cells = [found[_WITHOUT][method], *(found[kind][twin] for kind in (LAGGED, KNOWN_AHEAD))]
        rows.append((method, *(f"{cell:.4f}" for cell in cells)))
    gain = 100 * (1 - found[KNOWN_AHEAD][WEIGHTED] / found[_WITHOUT][WEIGHTED])
    return Section(
        "forecast_regressors",
        "What prices and promotions add to a forecast",
        claims=[
            Claim("RMSSE of the weighted mean with prices and promotions known ahead", "printed", f"{gain:+.1f} %")
        ],
        tables={"RMSSE on orange juice, store-brand, weekly (300 series, 8 weeks ahead)": rows},
        notes=[
            note,
            "Each LightGBM beside the same with regressors (`lightgbm_x`, `lightgbm_diff_x`), and the weighted mean "
            "and the best single method in hindsight of all models, those with regressors among them.",
            "Known ahead are the prices, deals and features that the weeks had in the end: a shop's plan before them, "
            "if it was kept to. Lagged, nothing is known of the weeks that are forecast.",
        ],
        command="python -m benchmarks.forecast_regressors --data FOLDER --keep",
    )


def measure(data: Path) -> None:
    """Measure and keep the section; says so when the set is not there."""
    if not (data / FOLDER).is_dir():
        print(f"forecast_regressors: no {FOLDER} in the data folder, nothing measured")
        return
    main(["--data", str(data), "--keep"])


def main(argv: list[str] | None = None) -> None:
    """Command line: the folder of data."""
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_regressors", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--keep", action="store_true", help="keep the figures for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    note = load_note()
    conclude(section(scores(arguments.data), note), keep_it=arguments.keep)


if __name__ == "__main__":
    main()
