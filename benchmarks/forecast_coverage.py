"""``python -m benchmarks.forecast_coverage --data FOLDER``: how often bands hold by class of demand and steps ahead.

The forecasts are those of forecast_sets; shares, errors of the weighted mean and bands come from the product's own
steps, by the origins before the test only. Beside them stand the bands of ETS, by its own variance, and the quantiles
of what each series sold last.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.coverage_references import HORIZONS_BACK, ets_bands, own_pinball
from benchmarks.coverage_tails import POINTS, tails, tails_off
from benchmarks.forecast_combined import Values, forecasts, profile_rows
from benchmarks.forecast_data import FOLDER, LOADERS, ORIGINS, Panel
from benchmarks.measure import load_note
from benchmarks.results import RESULTS, Claim, Section, conclude
from jobs.forecast.trials.models import (
    in_sample_scales,
    is_whole,
    known_points,
    spread_of,
)

if TYPE_CHECKING:
    import pandas as pd

SETS: Final = ("tourism", "tourism_large", "m5", "m4_weekly")
"""Those of 300 series or more with tests of demand or of a whole competition; hours take ETS too long."""
FIGURES: Final = RESULTS / "forecast_coverage"
_FEWEST_ERRORS: Final = 40


def trial_rows(panel: Panel, values: Values) -> pd.DataFrame:
    """Rows as in BACKTESTS of all origins, that of the test included, with ``is_floored`` and ``is_whole``."""
    import pandas as pd

    frames: list[pd.DataFrame] = []
    for (name, origin), by_model in values.items():
        y, known = panel.coming(name, origin), panel.history(name, origin)
        if not len(y) or not known_points(known):
            continue
        absolute, squared = in_sample_scales(known, panel.season_length)
        same = {
            "unique_id": name,
            "cutoff": panel.cutoff(origin),
            "ds": [panel.periods.plus(panel.cutoff(origin), step) for step in range(1, panel.horizon + 1)],
            "step": np.arange(1, panel.horizon + 1, dtype=np.int32),
            "y": y,
            "scale_mae": absolute,
            "scale_mse": squared,
            "spread": spread_of(known, panel.season_length) or 1.0,
            "is_floored": bool(np.nanmin(known) >= 0),
            "is_whole": is_whole(known),
        }
        frames.extend(pd.DataFrame({**same, "model": model, "y_hat": y_hat}) for model, y_hat in by_model.items())
    rows = pd.concat(frames, ignore_index=True)
    return rows[rows["y"].notna()]


def held(panel: Panel, values: Values) -> tuple[list[dict[str, Any]], float]:
    """What ``coverages`` finds on the test, and the mean scaled pinball loss; the product's weights and bands, from the
    origins before it.
    """
    from pyspark.sql import functions as F

    from benchmarks.session_lakes import bench_session
    from jobs.forecast.demand.series import profiles
    from jobs.forecast.forecasts.steps import with_quantiles
    from jobs.forecast.trials.accuracy import pinball_term
    from jobs.forecast.trials.calibration import reach_of
    from jobs.forecast.trials.coverage import coverages
    from jobs.forecast.trials.origins import Origins
    from jobs.forecast.trials.residuals import step_residuals
    from jobs.forecast.trials.weights import combined, model_weights, origin_errors, uses_of

    spark = bench_session("2g")
    test = panel.cutoff(0)
    cutoffs = tuple(panel.cutoff(origin) for origin in range(ORIGINS + 1))
    seasons = panel.season_length if not isinstance(panel.season_length, int) else (panel.season_length,)
    origins = Origins(panel.models, cutoffs, panel.horizon, tuple(seasons), panel.periods)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{name}.parquet") for name in ("history", "rows")]
        for frame, path in zip((profile_rows(panel), trial_rows(panel, values)), paths, strict=True):
            frame.to_parquet(path, coerce_timestamps="us")
        grid = spark.read.parquet(paths[0]).withColumns(
            {"ds": F.to_date("ds"), "freq": F.lit(panel.periods.freq), "is_closed": F.lit(False)}
        )
        classes = profiles(grid).select("unique_id", "demand_class").cache()
        rows = spark.read.parquet(paths[1]).cache()
        uses = [(cutoff, use) for cutoff, use, _ in uses_of(origins) if use in cutoffs and cutoff != test]
        pairs = spark.createDataFrame(uses, "cutoff date, use date")
        errors = origin_errors(rows.join(F.broadcast(pairs), "cutoff").join(classes, "unique_id"))
        # The origin of the test is one more use: its shares are those of the forecasts to come.
        means = combined(rows, model_weights(errors, classes)).cache()
        residuals = step_residuals(means.where(F.col("cutoff") < F.lit(test)), classes)
        flags = (
            rows.where(F.col("cutoff") == F.lit(test))
            .groupBy("unique_id")
            .agg(F.first("is_floored").alias("is_floored"), F.first("is_whole").alias("is_whole"))
        )
        coming = means.where(F.col("cutoff") == F.lit(test)).join(flags, "unique_id").join(classes, "unique_id")
        coming = coming.withColumn("weight", F.lit(1.0))
        bands = with_quantiles(coming, residuals, fewest=_FEWEST_ERRORS, reach=reach_of(panel.horizon)).cache()
        found = coverages(bands, panel.horizon).collect()  # three thirds of four classes
        outside = {(row["demand_class"], row["step_group"]): row for row in tails(bands, panel.horizon).collect()}
        (loss,) = bands.groupBy("unique_id").agg(F.avg(pinball_term()).alias("loss")).agg(F.avg("loss")).collect()
    rows_of_classes = sorted((row.asDict() for row in found), key=lambda row: (row["demand_class"], row["step_group"]))
    for row in rows_of_classes:
        row |= outside[row["demand_class"], row["step_group"]].asDict()
    return rows_of_classes, float(loss[0])


def figures_of(panel: Panel, values: Values) -> dict[str, Any]:
    """What is kept of a set."""
    by_class, pinball = held(panel, values)
    return {
        "title": panel.title,
        "horizon": panel.horizon,
        "series": len(panel.series),
        "note": load_note(),
        "is_counted": all(is_whole(y[np.isfinite(y)]) for y in panel.series.values()),
        "held": by_class,
        "ets": ets_bands(panel),
        "pinball": {"ours": pinball, "own quantiles": own_pinball(panel)},
    }


def _overall(figures: Mapping[str, Any], what: str) -> float:
    rows = figures["held"]
    return float(sum(row[what] * row["values"] for row in rows) / sum(row["values"] for row in rows))


def section(kept: Mapping[str, Mapping[str, Any]]) -> Section:
    """The section of the page."""
    from jobs.forecast.trials.coverage import steps_of

    claims: list[Claim] = []
    tables: dict[str, Sequence[Sequence[str]]] = {}
    summary: list[Sequence[str]] = [
        ("set", "series", "in 80 %", "in 95 %", "width of 95 %", "ETS in 80 %", "in 95 %", "width of 95 %")
    ]
    for figures in kept.values():
        ets = figures["ets"]
        ours = [f"{100 * _overall(figures, what):.1f}" for what in ("in_80", "in_95")]
        theirs = [f"{100 * ets[what]:.1f}" for what in ("in_80", "in_95")]
        width = f"{_overall(figures, 'width_95'):.2f}"
        summary.append((figures["title"], str(figures["series"]), *ours, width, *theirs, f"{ets['width_95']:.2f}"))
        cells: list[Sequence[str]] = [("class", "steps", "series", "in 80 %", "±", "in 95 %", "±", "width of 95 %")]
        large, misses = 0, 0
        for row in figures["held"]:
            first, last = steps_of(row["step_group"], figures["horizon"])
            both = [(100 * row[f"in_{band}"], 100 * (row[f"in_{band}_error"] or 0.0)) for band in ("80", "95")]
            large += 2
            for (share, error), nominal in zip(both, (80.0, 95.0), strict=True):
                is_off = abs(share - nominal) > POINTS + error
                misses += tails_off(row, f"{nominal:g}", nominal) if figures.get("is_counted") else is_off
            shares = [f"{value:.1f}" for pair in both for value in pair]
            cells.append(
                (str(row["demand_class"]), f"{first} to {last}", str(row["series"]), *shares, f"{row['width_95']:.2f}")
            )
        tables[f"{figures['title']}: by class and steps ahead"] = cells
        kind = "tails of bands of whole numbers" if figures.get("is_counted") else "shares in bands"
        what = f"{figures['title']}: {kind}, by class and steps, surely further than 2 points off"
        claims.append(Claim(what, "0", f"{misses} of {large}", misses == 0))
        if "pinball" in figures:  # figures kept before it was measured have none
            ours_loss, own_loss = (figures["pinball"][name] for name in ("ours", "own quantiles"))
            what = f"{figures['title']}: scaled pinball loss beside the quantiles of each series' last values"
            claims.append(Claim(what, f"< {own_loss:.4f}", f"{ours_loss:.4f}", ours_loss < own_loss))
    return Section(
        "forecast_coverage",
        "Coverage of the bands on public sets",
        claims=claims,
        tables={"Bands by set, in percent; widths over the scale of MASE": summary, **tables},
        notes=[
            *(f"{figures['title']}: {figures['note']}" for figures in kept.values()),
            "± is half the 95 % interval of a share, in which the values of a series count together. A share is surely "
            "off where the whole interval lies beyond 2 points from nominal. One test of each set: a year in which all "
            "series rise together moves all shares, which the interval does not know.",
            "No band of whole numbers holds just 80 %: where most values are 0, so is its lower edge, and many lie on "
            "it. There each tail is judged instead: 10 % (2.5 %) must lie between the share of the values "
            "beyond the edge and that of those beyond or on it.",
            f"The last values of a series are those of {HORIZONS_BACK} horizons: 112 days of M5. The loss is the mean "
            "over nine quantiles, over the scale of MASE, over series.",
            "ETS: AutoETS of statsforecast with bands by its own variance, cut at zero where the history is.",
        ],
        command="make bench DATA=folder ARGS=forecast_coverage",
    )


def kept_figures() -> dict[str, dict[str, Any]]:
    """The kept figures of the sets."""
    paths = {name: FIGURES / f"{name}.json" for name in SETS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def keep_figures(name: str, figures: Mapping[str, Any]) -> None:
    """Keep the figures of a set beside the results."""
    FIGURES.mkdir(parents=True, exist_ok=True)
    text = json.dumps(figures, indent=1, ensure_ascii=False) + "\n"
    (FIGURES / f"{name}.json").write_text(text, encoding="utf-8")


def measure(data: Path) -> None:
    """Run on the sets and keep the section; says so when they are not there."""
    if not (data / FOLDER).is_dir():
        print(f"forecast_coverage: no {FOLDER} in the data folder, nothing measured")
        return
    main(["--data", str(data), "--keep"])


def main(argv: Sequence[str] | None = None) -> None:
    """Command line: the folder of data, and which sets."""
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_coverage", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS), help="default: all")
    parser.add_argument("--keep", action="store_true", help="keep the figures for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    kept = kept_figures() if arguments.keep else {}
    for name in arguments.sets:
        panel = LOADERS[name](arguments.data)
        kept[name] = figures_of(panel, forecasts(panel))
        if arguments.keep:
            keep_figures(name, kept[name])
    conclude(section(kept), keep_it=arguments.keep)


if __name__ == "__main__":
    main()
