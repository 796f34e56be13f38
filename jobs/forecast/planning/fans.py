"""Parts of the planner's page that show how sure a forecast is: fans of series, accuracy by class, steps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jobs.forecast.planning.exceptions import Look
from jobs.forecast.planning.judged import STEPS
from jobs.forecast.planning.ledger import ALL, OWN_LEVEL, SUBTRACTS, UNSURE
from jobs.forecast.planning.wording import filled

if TYPE_CHECKING:
    from common.report.builder import ReportBuilder

_CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "none")
_FEWEST_FOR_INTERVAL = 8
# Less rounds to nothing.
_LEAST_POINTS = 0.0005
_BANDS = (("95 % band", "q025", "q975"), ("80 % band", "q100", "q900"), ("50 % band", "q250", "q750"))


def fan(report: ReportBuilder, review: Any, past: Sequence[Any], coming: Sequence[Any], look: Look) -> None:
    """The demand of one series, the median that is forecast, and three bands around it."""
    name = review["unique_id"]
    before = [row for row in past if row["unique_id"] == name]
    after = [row for row in coming if row["unique_id"] == name]
    if not after:
        return
    blank: list[float | None] = [None] * len(before)
    # The fan opens at the last known value, so that there is no gap between what was and what comes.
    joint = before[-1]["y"] if before else None
    start = [*blank[:-1], joint] if before else []

    def shown(column: str) -> list[float | None]:
        return [*start, *(row[column] for row in after)]

    first, last = after[0], after[-1]
    report.line(
        f"{name} {review['item_name'] or ''}".strip(),
        [row["ds"] for row in [*before, *after]],
        {"demand": [*(row["y"] for row in before), *([None] * len(after))], "median": shown("q500")},
        band=[(label, shown(low), shown(high)) for label, low, high in _BANDS],
        unit="units",
        x_name=f"{look.name} from",
        text_alternative=(
            f"The next {look.name} should bring {first['q500']:,.0f} units, with 80 % probability "
            f"{first['q100']:,.0f} to {first['q900']:,.0f}; the last one drawn {last['q500']:,.0f}, "
            f"{last['q100']:,.0f} to {last['q900']:,.0f}."
        ),
        note=f"{review['label'][0].upper()}{review['label'][1:]}: {review['evidence']}" if review["label"] else "",
    )


def classes(report: ReportBuilder, coverage: Sequence[Any], accuracy: Sequence[Any]) -> None:
    """Accuracy and coverage by class of demand, as the backtest of the day found them."""
    errors: dict[str | None, dict[str, tuple[float, float]]] = {}
    for row in accuracy:
        for key in (row["demand_class"], None):
            known = errors.setdefault(key, {}).get(row["model"], (0.0, 0.0))
            errors[key][row["model"]] = (known[0] + (row["error"] or 0.0), known[1] + (row["demand"] or 0.0))
    rows = []
    for row in sorted(coverage, key=_class_place):
        name = row["demand_class"]
        found = errors.get(name, {})
        mean, naive = (_wape(found.get(model)) for model in ("combined", "seasonal_naive"))
        bands = [
            text
            for band in ("coverage_80", "coverage_95")
            for text in (_percent(row[band]), interval_words(row[band], row[f"{band}_sd"], row["series"]))
        ]
        rows.append((name or "all", row["series"], _percent(mean), _percent(naive), *bands))
    if not rows:
        report.text(
            "Accuracy and coverage by class",
            [
                "No series was long enough for two origins of the backtest, so nothing is known of how good the "
                "forecasts are. More history or fewer, shorter windows in forecast.backtest would tell."
            ],
        )
        return
    report.table(
        "Accuracy and coverage by class",
        *filled(
            ("class of demand", "series", "WAPE", "of the naive", "in 80 %", "between", "in 95 %", "between"), rows
        ),
        note="From the backtest of the day. WAPE: errors as a share of demand, of the forecast and of last season's "
        "value repeated. In 80 % and 95 %: how many values lay in these bands; between: where that share is with "
        "95 % probability, judged by how much series differ.",
        stack=True,
    )


_MEANS = {
    "seasonal naive": "last season's value again",
    "best single model": "one model for all series, the best until then",
    "weights": "a weighted mean of models for each series",
    "gates": "without those that are much worse",
    "global model": "with LightGBM over all series",
    "fallback": "where no model could forecast",
    "overrides": "where a planner knew better",
    "reconciliation": "forecasts made to add up",
}


def value_added(report: ReportBuilder, ledger: Sequence[Mapping[str, Any]]) -> None:
    """What each step of the forecast adds; a step that subtracts is named in a sentence."""
    whole = [row for row in ledger if row["level"] == OWN_LEVEL and row["demand_class"] == ALL]
    if not whole:
        report.text(
            "What each step adds",
            ["Nothing can be said: the backtest needs two origins, of which the earlier is over before the later."],
        )
        return
    words = [
        *verdict_words(ledger),
        "Gain: points of WAPE less than the step before; over naive: less than last season's value. All steps are on "
        "the same series and periods of the backtest, each as it was known at its origin; between: with 95 % "
        "probability, by how much series differ.",
        *(
            [
                "Fallback, overrides and reconciliation: of the last forecast whose demand is known by now; the step "
                "before is what they replaced."
            ]
            if {row["name"] for row in whole} & set(STEPS)
            else []
        ),
    ]
    report.table(
        "What each step adds",
        *filled(
            ("step", "what it is", "WAPE", "gain", "between", "over naive"),
            [
                (
                    *(row["name"], _MEANS.get(row["name"], ""), f"{row['wape']:.1%}"),
                    *(_points(row.get("gain")), points_between(row), _points(row.get("gain_over_naive"))),
                )
                for row in whole
            ],
        ),
        note=" ".join(words),
        stack=True,
    )


def verdict_words(ledger: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each step that subtracts, somewhere or as far as can be seen; one if none does."""
    found = []
    for row in ledger:
        where = "" if row["demand_class"] == ALL else f" in {row['demand_class']} demand"
        where += "" if row["level"] == OWN_LEVEL else f" at the level {row['level']}"
        gain = row.get("gain")
        if gain is None:
            continue
        if row.get("verdict") == SUBTRACTS:
            found.append(
                f"The step “{row['name']}” subtracts{where}: {-100 * gain:.1f} points more error than without it."
            )
        elif row.get("verdict") == UNSURE and gain <= -_LEAST_POINTS and not where:
            found.append(f"The step “{row['name']}” may subtract: {-100 * gain:.1f} points, which may be chance.")
    return found or ["No step subtracts."]


def points_between(row: Mapping[str, Any]) -> str:
    """``1.2 to 3.4``; nothing where there is no interval."""
    if row.get("gain_low") is None or row.get("gain_high") is None:
        return ""
    return f"{_points(row['gain_low'])} to {_points(row['gain_high'])}"


def _points(value: float | None) -> str:
    return "" if value is None else f"{round(100 * value, 1) + 0.0:.1f}".replace("-", "\u2212")


def _class_place(row: Any) -> int:
    name = row["demand_class"]
    return -1 if name is None else _CLASSES.index(name) if name in _CLASSES else len(_CLASSES)


def interval_words(mean: float | None, deviation: float | None, series: int) -> str:
    """The 95 % interval of a mean over series by the normal distribution: ``77 to 84 %``; nothing for few series."""
    if mean is None or deviation is None or series < _FEWEST_FOR_INTERVAL:
        return ""
    half = 1.96 * deviation / math.sqrt(series)
    return f"{max(mean - half, 0.0) * 100:.0f} to {min(mean + half, 1.0) * 100:.0f} %"


def _wape(sums: tuple[float, float] | None) -> float | None:
    return None if sums is None or not sums[1] else sums[0] / sums[1]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
