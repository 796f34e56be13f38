"""The report of forecast.backtest: models side by side, what the choice gains over the naive, and how calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common.report.wording import plural

if TYPE_CHECKING:
    from datetime import date

    from common.report.builder import ReportBuilder
    from jobs.forecast.trials.origins import Origins
    from jobs.forecast.trials.params import BacktestParams

_WORDS = {
    "seasonal_naive": "seasonal naive",
    "croston_sba": "Croston SBA",
    "imapa": "IMAPA",
    "theta": "Theta",
    "ets": "ETS",
    "lightgbm": "LightGBM, all series",
}
_METRICS = ("wape", "mase", "rmsse", "smape", "scaled_pinball", "coverage_80", "coverage_95")
_HEADS = ("WAPE", "MASE", "RMSSE", "sMAPE %", "pinball", "in 80 %", "in 95 %")


def model_words(name: str) -> str:
    """A model's display name."""
    return _WORDS.get(name, name)


def write_report(
    report: ReportBuilder,
    *,
    as_of: date,
    params: BacktestParams,
    origins: Origins,
    series_count: int,
    series: Mapping[str, int],
    wins: Mapping[str, int],
    failed: Sequence[Any],
    by_model: Sequence[Any],
    of_choice: Any,
    by_class: Sequence[Any],
) -> None:
    """Fill the report; rows are aggregates of forecasts and actual values."""
    report.title = f"Backtest as of {as_of}"
    scores = {row["model"]: row for row in by_model}
    naive = scores.get("seasonal_naive")
    report.headline("Series", f"{series_count:,}", f"{sum(wins.values()):,} with a chosen model")
    report.headline("WAPE of the choice", _percent(of_choice["wape"]), "sum of errors over sum of demand")
    if naive is not None and naive["wape"]:
        report.headline(
            "Gain over the naive",
            _percent(1 - (of_choice["wape"] or 0.0) / naive["wape"]),
            f"the naive alone: WAPE {_percent(naive['wape'])}",
        )
    report.headline("Origins", str(len(origins.cutoffs)), f"each {plural(origins.horizon, 'period')} ahead")
    rows = [
        (model_words(name), series.get(name, 0), wins.get(name, 0), *(_cell(row, metric) for metric in _METRICS))
        for name, row in sorted(scores.items(), key=lambda pair: pair[1]["wape"] or 0.0)
    ]
    rows.append(("the choice for each series", sum(wins.values()), "", *(_cell(of_choice, name) for name in _METRICS)))
    report.table(
        "Models side by side",
        ("model", "series", "chosen", *_HEADS),
        rows,
        note=(
            f"Chosen by {params.choose_by} on the same origins: the last row has hindsight, so it is a little better "
            "than the choice will be. Bands are calibrated only on errors known at each origin; the earliest "
            "origins have none. In 80 % and in 95 %: how many actual values lay in these bands."
        ),
    )
    ranked = sorted(wins.items(), key=lambda pair: -pair[1])
    if ranked:
        report.bars(
            "Which model was chosen",
            [model_words(name) for name, _ in ranked],
            [count for _, count in ranked],
            unit="series",
            label_name="model",
            text_alternative=f"{model_words(ranked[0][0])} was chosen most often, for {ranked[0][1]:,} series.",
            note=f"Within {params.tie_tolerance:.0%} of the best, the incumbent stays, else the simplest model wins.",
        )
    _classes(report, by_class)
    _origins(report, params, origins, failed)


def _classes(report: ReportBuilder, by_class: Sequence[Any]) -> None:
    found: dict[str, dict[str, Any]] = {}
    for row in by_class:
        found.setdefault(str(row["demand_class"]), {})[row["of"]] = row
    report.table(
        "Gain of the choice, by class of demand",
        ("class", "WAPE of the choice", "WAPE of the naive", "MASE of the choice", "in 80 % band"),
        [
            (
                name,
                _percent(rows["the choice"]["wape"]),
                _percent(rows["seasonal_naive"]["wape"]) if "seasonal_naive" in rows else "",
                _cell(rows["the choice"], "mase"),
                _cell(rows["the choice"], "coverage_80"),
            )
            for name, rows in sorted(found.items())
            if "the choice" in rows
        ],
        note="Series whose chosen model is the naive itself count under the choice only.",
    )


def _origins(report: ReportBuilder, params: BacktestParams, origins: Origins, failed: Sequence[Any]) -> None:
    season = origins.season_length
    report.text(
        "How the models were tested",
        [
            f"Forecasts of {plural(origins.horizon, 'period')} "
            f"from {', '.join(str(day) for day in reversed(origins.cutoffs))}, "
            "each using only what was known of the history at the end of that period."
            + (" Planted future values and corrections changed no forecast." if params.leakage_probe_series else ""),
            f"The season is {plural(season, 'period')} for series with two whole seasons before the origin; "
            "shorter series have no season, and the seasonal naive repeats their last value.",
        ],
    )
    if failed:
        report.table(
            "Models that could not forecast a series",
            ("model", "reason", "series"),
            [
                (model_words(row["model"]), row["reason"], row["count"])
                for row in sorted(failed, key=lambda row: (-row["count"], row["model"], row["reason"] or ""))[:20]
            ],
        )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _cell(row: Any, metric: str) -> str:
    value = row[metric]
    if value is None:
        return ""
    if metric == "smape":
        return f"{value:.1f}"
    return _percent(value) if metric in {"wape", "coverage_80", "coverage_95"} else f"{value:.3f}"
