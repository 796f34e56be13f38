"""The report of forecast.backtest: models side by side, what the choice gains over the naive, and how calibrated."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common.report.wording import plural
from jobs.forecast.trials.coverage import BANDS, steps_of
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    from datetime import date

    from common.report.builder import ReportBuilder
    from jobs.forecast.trials.origins import Origins
    from jobs.forecast.trials.params import BacktestParams

_WORDS = {
    "seasonal_naive": "seasonal naive",
    "window_average": "window average",
    "croston_sba": "Croston SBA",
    "tsb": "TSB",
    "adida": "ADIDA",
    "imapa": "IMAPA",
    "theta": "Theta",
    "ets": "ETS",
    "ces": "CES",
    "mfles": "MFLES",
    "stl_theta": "STL + Theta",
    "log_stl_ets": "STL + ETS of logarithms",
    "arima": "ARIMA",
    "ar": "autoregression",
    "seasonal_ar": "autoregression of seasons",
    "long_seasonal_ar": "autoregression of long seasons",
    "lightgbm": "LightGBM, all series",
    "lightgbm_diff": "LightGBM of differences",
    "lightgbm_x": "LightGBM with regressors",
    "lightgbm_diff_x": "LightGBM of differences with regressors",
    "combined": "weighted mean",
    "analogy": "analogy with launches of like items",
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
    shares: Mapping[str, Any],
    failed: Sequence[Any],
    by_model: Sequence[Any],
    by_class: Sequence[Any],
    held: Sequence[Any],
) -> None:
    """Fill the report; rows are aggregates of forecasts and actual values, ``shares`` (tried, used, share) by model.

    ``held`` is what ``coverages`` gives.
    """
    report.title = f"Backtest as of {as_of}"
    scores = {row["model"]: row for row in by_model}
    mean, naive = scores.get(COMBINED), scores.get("seasonal_naive")
    weighed = max((row["used"] for row in shares.values()), default=0)
    total = sum(row["share"] or 0.0 for row in shares.values())
    report.headline(
        "Series", f"{series_count:,}", f"{total:,.0f} with weighted models" if weighed else "none long enough"
    )
    if mean is not None:
        report.headline("WAPE of the weighted mean", _percent(mean["wape"]), "sum of errors over sum of demand")
    if mean is not None and naive is not None and naive["wape"]:
        report.headline(
            "Gain over the naive",
            _percent(1 - (mean["wape"] or 0.0) / naive["wape"]),
            f"the naive alone: WAPE {_percent(naive['wape'])}",
        )
    report.headline("Origins", str(len(origins.cutoffs)), f"each {plural(origins.horizon, 'period')} ahead")
    if params.declared:
        names = (f"{name} ({kind.replace('_', ' ')})" for name, kind in params.declared.by_name.items())
        report.text("Regressors", [f"Known of each series and period: {', '.join(names)}."])
    ranked = sorted(scores.items(), key=lambda pair: (pair[1]["rmsse"] is None, pair[1]["rmsse"] or 0.0))
    report.table(
        "Models side by side",
        ("model", "series", "share", *_HEADS),
        [
            (
                model_words(name),
                series_count if name == COMBINED else _of(shares, name, "tried"),
                "" if name == COMBINED else _percent((_of(shares, name, "share") or 0.0) / (total or 1.0)),
                *(_cell(row, metric) for metric in _METRICS),
            )
            for name, row in ranked
        ],
        note=(
            "From all origins but the earliest: each weighted mean knows only errors made before it. A model that "
            "cannot forecast some series is scored on the others. Bands are calibrated only on errors known at each "
            "origin. In 80 % and in 95 %: how many actual values lay in these bands."
            if len(origins.cutoffs) > 1
            else "With one origin nothing was known of the models: the mean is the plain one of all."
        ),
        stack=True,
    )
    used = sorted(((name, row["share"] or 0.0) for name, row in shares.items()), key=lambda pair: -pair[1])
    used = [(name, share) for name, share in used if share > 0]
    if used:
        report.bars(
            "Share of each model in the forecasts",
            [model_words(name) for name, _ in used],
            [round(100 * share / total, 1) for _, share in used],
            unit="%",
            label_name="model",
            text_alternative=f"{model_words(used[0][0])} has the largest share, {used[0][1] / total:.0%}.",
            note="By the errors of a series and of its class of demand: the smaller, the larger the share.",
        )
    _classes(report, by_class)
    _bands(report, held, origins.horizon)
    _origins(report, params, origins, failed)


def _of(shares: Mapping[str, Any], model: str, what: str) -> Any:
    return shares[model][what] if model in shares else 0


def _classes(report: ReportBuilder, by_class: Sequence[Any]) -> None:
    found: dict[str, dict[str, Any]] = {}
    for row in by_class:
        found.setdefault(str(row["demand_class"]), {})[row["model"]] = row
    report.table(
        "Gain of the weighted mean, by class of demand",
        ("class", "WAPE of the mean", "WAPE of the naive", "MASE of the mean", "in 80 % band"),
        [
            (
                name,
                _percent(rows[COMBINED]["wape"]),
                _percent(rows["seasonal_naive"]["wape"]) if "seasonal_naive" in rows else "",
                _cell(rows[COMBINED], "mase"),
                _cell(rows[COMBINED], "coverage_80"),
            )
            for name, rows in sorted(found.items())
            if COMBINED in rows
        ],
        stack=True,
    )


def _bands(report: ReportBuilder, held: Sequence[Any], horizon: int) -> None:
    if not held:
        return
    rows = []
    for row in sorted(held, key=lambda row: (row["demand_class"] or "", row["step_group"])):
        first, last = steps_of(row["step_group"], horizon)
        bands = [cell for band in BANDS for cell in (_percent(row[f"in_{band}"]), _percent(row[f"in_{band}_error"]))]
        steps = str(first) if first == last else f"{first} to {last}"
        rows.append((row["demand_class"] or "", steps, row["series"], *bands, f"{row['width_95'] or 0.0:.2f}"))
    report.table(
        "How often the bands held, by class of demand and steps ahead",
        ("class", "steps", "series", "in 80 %", "±", "in 95 %", "±", "width of 95 %"),
        rows,
        note="Of the weighted mean. ±: half the 95 % interval of the share, in which the values of a series count "
        "together; the width is in units of MASE's scale. A share that is further from its band than ± says that "
        "the band is too narrow or too wide there.",
        stack=True,
    )


def _origins(report: ReportBuilder, params: BacktestParams, origins: Origins, failed: Sequence[Any]) -> None:
    seasons = " and ".join(str(length) for length in origins.season_lengths)
    report.text(
        "How the models were tested",
        [
            f"Forecasts of {plural(origins.horizon, 'period')} "
            f"from {', '.join(str(day) for day in reversed(origins.cutoffs))}, "
            "each using only what was known of the history at the end of that period."
            + (" Planted future values and corrections changed no forecast." if params.leakage_probe_series else ""),
            f"The season is {seasons} {'periods' if seasons != '1' else 'period'} for series with more than two "
            "seasons before the origin; shorter ones have no season, and the seasonal naive repeats their last value.",
        ],
    )
    counts: Counter[tuple[str, str]] = Counter()
    for row in failed:
        counts[model_words(row["model"]), why_words(row["model"], row["reason"] or "")] += row["count"]
    if counts:
        report.table(
            "Models that could not forecast a series",
            ("model", "reason", "series"),
            [(*pair, count) for pair, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:20]],
            stack=True,
        )


def why_words(model: str, reason: str) -> str:
    """A reason without the code's name of the model, and without the numbers of single series."""
    plain = reason.removeprefix(f"{model} ") if reason.startswith(f"{model} needs") else reason
    return re.sub(r"^only \d+ periods?", "too few periods", re.sub(r", \d+ are there$", "", plain))


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"


def _cell(row: Any, metric: str) -> str:
    value = row[metric]
    if value is None:
        return ""
    if metric == "smape":
        return f"{value:.1f}"
    return _percent(value) if metric in {"wape", "coverage_80", "coverage_95"} else f"{value:.3f}"
