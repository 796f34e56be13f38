"""The report of forecast.predict: expected demand, its uncertainty, and which series had to fall back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from common.report.wording import plural
from jobs.forecast.analogies.steps import ANALOGY
from jobs.forecast.trials.report import model_words

if TYPE_CHECKING:
    from datetime import date

    from common.report.builder import ReportBuilder


def write_report(
    report: ReportBuilder,
    *,
    as_of: date,
    horizon: int,
    series_count: int,
    names: Mapping[str, str],
    past: Sequence[Any],
    coming: Sequence[Any],
    totals: Sequence[Any],
    fallbacks: Sequence[Any],
    models: Sequence[Any],
    pools: Sequence[Any],
) -> None:
    """Fill the report; ``past`` and ``coming`` hold the few series that are drawn."""
    report.title = f"Forecast as of {as_of}"
    fallen = sum(row["count"] for row in fallbacks)
    report.headline("Series", f"{series_count:,}", f"{plural(horizon, 'period')} each, none missing")
    report.headline("Expected demand", f"{sum(row['y_hat'] for row in totals):,.0f}", "units, all series and periods")
    report.headline("Fallbacks", f"{fallen:,}", "series without a model of their own, or with something simpler")
    new = sum(row["count"] for row in models if row["model"] == ANALOGY)
    if new:
        report.headline("New items", f"{new:,}", "announced, or too young for a model: as items like them began")
    report.table(
        "Expected demand, all series",
        ("period from", "units"),
        [(row["ds"], round(row["y_hat"])) for row in totals],
    )
    for name, words in names.items():
        _drawn(report, name, words, past, coming)
    ranked = sorted(models, key=lambda row: -row["count"])
    if len(ranked) == 1:
        made = f"The {model_words(ranked[0]['model'])} made the forecasts of {plural(ranked[0]['count'], 'series')}."
        report.text("Which model made the forecasts", [made])
    else:
        report.table(
            "Which model made the forecasts",
            ("model", "series"),
            [(model_words(row["model"]), row["count"]) for row in ranked],
        )
    report.table(
        "What the bands are calibrated on",
        ("errors pooled by", "forecasts"),
        [(row["calibrated_on"], row["count"]) for row in sorted(pools, key=lambda row: -row["count"])],
        note="Errors of the backtest. The narrowest pool with enough of them is used; 'normal' means that none had. "
        "Bands of new items are those of the launches that they are compared with.",
    )
    if fallbacks:
        report.table(
            "Fallbacks",
            ("forecast by", "because", "series"),
            [(model_words(row["model"]), row["fallback_reason"], row["count"]) for row in fallbacks],
            stack=True,
        )


def _drawn(report: ReportBuilder, name: str, words: str, past: Sequence[Any], coming: Sequence[Any]) -> None:
    before = [row for row in past if row["unique_id"] == name]
    after = [row for row in coming if row["unique_id"] == name]
    if not after:
        return
    blank: list[float | None] = [None] * len(before)
    expected = sum(row["y_hat"] for row in after)
    report.line(
        f"{name} {words}".strip(),
        [row["ds"] for row in [*before, *after]],
        {
            "demand": [*(row["y"] for row in before), *([None] * len(after))],
            "forecast": [*blank, *(row["y_hat"] for row in after)],
        },
        band=("80 % band", [*blank, *(row["q100"] for row in after)], [*blank, *(row["q900"] for row in after)]),
        unit="units",
        x_name="period from",
        text_alternative=(
            f"{len(after)} periods should bring {expected:,.0f} units, by {model_words(after[0]['model'])}; "
            f"the first between {after[0]['q100']:,.0f} and {after[0]['q900']:,.0f}, with 80 % probability."
        ),
    )
