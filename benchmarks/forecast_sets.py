"""``python -m benchmarks.forecast_sets --data FOLDER``: the default forecast beside every single method, on seven sets.

The last horizon of each series (M4: the competition's test) is held out. The default models forecast it and, as
forecast.backtest does, three horizons before it, whose errors make the shares of the weighted mean. ``--sets`` runs
some of the sets; the figures of each are kept beside the results, and the section is made of all of them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.forecast_data import FOLDER, LOADERS
from benchmarks.forecast_notes import HOURLY_TRIES, PUBLISHED, TRIED
from benchmarks.forecast_scores import BEST, CHAMPION, MEAN, NAIVE, NAIVE2, OF_ALL, WEIGHTED
from benchmarks.measure import load_note
from benchmarks.results import RESULTS, Claim, Section, conclude

FIGURES: Final = RESULTS / "forecast_sets"
_MEAN_GAIN_PERCENT: Final = 1.0
_BARS: Final = {"m4_weekly": 0.751, "m4_hourly": 0.410}

Figures = Mapping[str, Any]


def figures_of(data: Path, name: str) -> dict[str, Any]:
    """Load, forecast and score one set; what is kept of it."""
    from benchmarks.forecast_combined import forecasts, shares
    from benchmarks.forecast_scores import all_scores

    note = load_note()
    panel = LOADERS[name](data)
    values = forecasts(panel)
    return {
        "title": panel.title,
        "series": len(panel.series),
        "horizon": panel.horizon,
        "season": panel.season_length,
        "scores": all_scores(panel, values, shares(panel, values)),
        "note": note,
    }


def _score(figures: Figures, method: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(score for score in figures["scores"] if score["method"] == method)
    return found


def gain_percent(figures: Figures, score: str = "rmsse") -> float:
    """By how much the weighted mean's error is below that of the best single method in hindsight, in percent."""
    return 100 * (1 - float(_score(figures, WEIGHTED)[score]) / float(_score(figures, BEST)[score]))


def owa(figures: Figures, score: Mapping[str, Any]) -> float:
    """The mean of sMAPE and MASE, each over that of Naive2."""
    reference = _score(figures, NAIVE2)
    return float((score["smape"] / reference["smape"] + score["mase"] / reference["mase"]) / 2)


def _best_name(figures: Figures) -> str:
    singles = [score for score in figures["scores"] if score["method"] not in OF_ALL]
    return str(min(singles, key=lambda score: score["rmsse"])["method"])


def _summary(kept: Mapping[str, Figures]) -> list[Sequence[str]]:
    header = ("set", "series", "ahead", "best single", "its RMSSE", "champion", "plain mean", "weighted mean", "gain")
    rows: list[Sequence[str]] = [header]
    for figures in kept.values():
        values = [f"{_score(figures, method)['rmsse']:.4f}" for method in (BEST, CHAMPION, MEAN, WEIGHTED)]
        size = (str(figures["series"]), str(figures["horizon"]))
        rows.append((figures["title"], *size, _best_name(figures), *values, f"{gain_percent(figures):+.1f} %"))
    return rows


def _by_method(figures: Figures) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("method", "RMSSE", "MASE", "sMAPE", "series")]
    for score in figures["scores"]:
        method = f"{BEST} (each score by itself)" if score["method"] == BEST else score["method"]
        numbers = (f"{score['rmsse']:.4f}", f"{score['mase']:.4f}", f"{score['smape']:.2f}", str(score["series"]))
        rows.append((method, *numbers))
    return rows


def _competition(name: str, figures: Figures) -> list[Sequence[str]]:
    rows: list[Sequence[str]] = [("method", "sMAPE", "MASE", "OWA")]
    rows += [(f"{method}, published", f"{s:.3f}", f"{m:.3f}", f"{o:.3f}") for method, s, m, o in PUBLISHED[name]]
    for score in figures["scores"]:
        if score["method"] != BEST:
            numbers = (f"{score['smape']:.3f}", f"{score['mase']:.3f}", f"{owa(figures, score):.3f}")
            rows.append((score["method"], *numbers))
    return rows


def section(kept: Mapping[str, Figures]) -> Section:
    """The section of the page from the figures of the sets."""
    gains = {name: gain_percent(figures) for name, figures in kept.items()}
    claims = [
        Claim(f"{kept[name]['title']}: RMSSE below that of the best single", "> 0 %", f"{gain:+.1f} %", gain > 0)
        for name, gain in gains.items()
    ]
    if gains:
        mean = sum(gains.values()) / len(gains)
        is_met = mean >= _MEAN_GAIN_PERCENT
        claims.append(
            Claim(f"the same, mean of {len(gains)} sets", f"≥ {_MEAN_GAIN_PERCENT:g} %", f"{mean:+.1f} %", is_met)
        )
    tables: dict[str, Sequence[Sequence[str]]] = {"RMSSE by set": _summary(kept)}
    for figures in kept.values():
        tables[f"{figures['title']}: {figures['series']} series, {figures['horizon']} ahead"] = _by_method(figures)
    for name, bar in _BARS.items():
        if name in kept:
            title, found = kept[name]["title"], owa(kept[name], _score(kept[name], WEIGHTED))
            claims.append(Claim(f"{title}: OWA of the default", f"≤ {bar:.3f}", f"{found:.3f}", found <= bar))
            published = PUBLISHED[name][0][1:3]
            naive = tuple(round(_score(kept[name], NAIVE)[score], 3) for score in ("smape", "mase"))
            what = f"{title}: sMAPE / MASE of the seasonal naive, as published"
            claims.append(Claim(what, f"{published}", f"{naive}", naive == published))
            tables[f"{title}, as the competition counts"] = _competition(name, kept[name])
    return Section(
        "forecast_sets",
        "Forecast accuracy on public sets",
        claims=claims,
        tables={**tables, **HOURLY_TRIES},
        notes=[*_busy(kept), *_missing(kept), *TRIED],
        command="make bench DATA=folder ARGS=forecast_sets",
    )


def _busy(kept: Mapping[str, Figures]) -> list[str]:
    return [f"{figures['title']}: {figures['note']}" for figures in kept.values()]


def _missing(kept: Mapping[str, Figures]) -> list[str]:
    names = [name for name in LOADERS if name not in kept]
    return [f"Not measured yet: {', '.join(names)} (`--sets`)."] if names else []


def kept_figures() -> dict[str, Figures]:
    """The kept figures of the sets, in the order of LOADERS."""
    paths = {name: FIGURES / f"{name}.json" for name in LOADERS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


def measure(data: Path) -> None:
    """Run on the sets and keep the section; says so when they are not there."""
    if not (data / FOLDER).is_dir():
        print(f"forecast_sets: no {FOLDER} in the data folder, nothing measured")
        return
    main(["--data", str(data), "--keep"])


def main(argv: list[str] | None = None) -> None:
    """Command line: the folder of data, and which sets."""
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_sets", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", choices=list(LOADERS), default=list(LOADERS), help="default: all")
    parser.add_argument("--keep", action="store_true", help="keep the figures for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    kept = kept_figures() if arguments.keep else {}
    for name in arguments.sets:
        print(f"-- {name}", flush=True)
        found = figures_of(arguments.data, name)
        kept[name] = found
        if arguments.keep:
            FIGURES.mkdir(parents=True, exist_ok=True)
            text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
            (FIGURES / f"{name}.json").write_text(text, encoding="utf-8")
    conclude(section({name: kept[name] for name in LOADERS if name in kept}), keep_it=arguments.keep)


if __name__ == "__main__":
    main()
