"""The report of an evaluation: models side by side, what a budget of alerts buys, and which kinds of fraud it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from common.days import DayRange
from common.report.wording import plural
from jobs.fraud.evaluation.figures import Evaluation, MeasuredRows
from jobs.fraud.scoring.registry import Registered

if TYPE_CHECKING:
    from common.run.context import RunContext
    from jobs.fraud.evaluation.params import EvaluateParams

_SCENARIOS = {
    0: "unknown",
    1: "1: amount above a threshold",
    2: "2: compromised terminal",
    3: "3: leaked card data",
}
_NOTE = (
    "AUC: probability that a fraud scores above an honest transaction. AP: average precision. CP: share of the cards "
    "checked each day that were compromised, each card counted until it is detected. Cases: share of cases found; a "
    "case is a compromised card on a day, until detected. Cards: share of the compromised cards detected in the end."
)


def comparison(
    models: Sequence[Registered], found: Mapping[str, Evaluation], params: EvaluateParams, days: DayRange
) -> list[tuple[str, ...]]:
    """Our rows, then the published ones when the test is theirs: ``model, AUC, AP, CP, cases, cards``."""
    rows: list[tuple[str, ...]] = []
    for model in models:
        one = found[model.version]
        figures = (one.auc_roc, one.average_precision, one.card_precision, one.case_recall, one.cards_detected)
        rows.append((model.version, *(f"{value:.3f}" for value in figures)))
    is_theirs = (params.published_first_day, params.published_last_day) == (days.first, days.last)
    if is_theirs and params.top_k == 100:
        for row in params.published:
            theirs = (row.auc_roc, row.average_precision, row.card_precision_at_100)
            rows.append((f"{row.model} (published)", *(f"{value:.3f}" for value in theirs), "-", "-"))
    return rows


def write_report(
    context: RunContext,
    params: EvaluateParams,
    models: Sequence[Registered],
    found: Mapping[str, Evaluation],
    measured: MeasuredRows,
) -> None:
    """Fill the run's report and log the comparison."""
    rows = comparison(models, found, params, context.days)
    columns = ("model", "AUC", "AP", f"CP@{params.top_k}", f"cases@{params.top_k}", f"cards@{params.top_k}")
    width = max(len(row[0]) for row in rows)
    context.log.info("%s  %s", columns[0].ljust(width), "  ".join(columns[1:]))
    for row in rows:
        context.log.info("%s  %s", row[0].ljust(width), "  ".join(row[1:]))
    best = max(models, key=lambda model: found[model.version].average_precision)
    result = found[best.version]
    report = context.report
    report.headline("Best model", best.algorithm.replace("_", " "), best.version)
    report.headline("Average precision", f"{result.average_precision:.3f}")
    report.headline(
        f"Precision of {plural(params.top_k, 'alert')} per day",
        f"{result.card_precision:.1%}",
        f"{result.cards_detected:.1%} of the compromised cards detected in the end",
    )
    report.headline(
        "Test",
        plural(measured.rows, "transaction"),
        f"{plural(measured.cards, 'card')}, {plural(measured.frauds, 'fraud')}; left out: "
        f"{plural(measured.rows_left_out, 'transaction')} of {plural(measured.cards_left_out, 'known card')}",
    )
    report.table("Models", columns, rows, note=f"{_same_rows(models, measured)} {_NOTE}")
    _budget(context, result)
    _scenarios(context, models, found)
    _days(context, models, found)


def _same_rows(models: Sequence[Registered], measured: MeasuredRows) -> str:
    rows = f"{plural(measured.rows, 'transaction')} of {plural(measured.cards, 'card')}"
    if len(models) == 1:
        return f"Measured on {rows}; frauds from {measured.known_from} on, its first training day, make a card known."
    return (
        f"All {len(models)} models are measured on the same {rows}; frauds from {measured.known_from} on, the earliest "
        "training day among them, make a card known."
    )


def _budget(context: RunContext, result: Evaluation) -> None:
    budgets = sorted(result.budgets)
    precision = [result.budgets[k][0] for k in budgets]
    detected = [result.budgets[k][1] for k in budgets]
    context.report.line(
        "Results by alert budget",
        budgets,
        {"precision": precision, "compromised cards detected": detected},
        x_name="cards checked per day",
        text_alternative=(
            f"With {plural(budgets[0], 'card')} per day, {precision[0]:.0%} of the alerts are right, {detected[0]:.0%} "
            f"of the compromised cards are detected; with {budgets[-1]}, {precision[-1]:.0%} and {detected[-1]:.0%}."
        ),
        note="Best model. Precision: mean over the days. Detected: on any day of the test.",
    )


def _scenarios(context: RunContext, models: Sequence[Registered], found: Mapping[str, Evaluation]) -> None:
    numbers = sorted({number for result in found.values() for number in result.scenarios})
    rows = []
    for number in numbers:
        cells = []
        for model in models:
            cases, detected = found[model.version].scenarios.get(number, (0, 0))
            cells.append(f"{detected} of {cases} ({detected / cases:.0%})" if cases else "-")
        rows.append((_SCENARIOS.get(number, str(number)), *cells))
    columns = ("kind of fraud", *(model.version for model in models))
    note = "Cases found within the budget. A case is a card with such a fraud on a day, until the card is detected."
    context.report.table("Which frauds are found", columns, rows, note=note)


def _days(context: RunContext, models: Sequence[Registered], found: Mapping[str, Evaluation]) -> None:
    days = sorted({day.day for result in found.values() for day in result.days})
    series = {
        model.version: [
            next((one.precision for one in found[model.version].days if one.day == day), None) for day in days
        ]
        for model in models
    }
    first = models[0].version
    known = [value for value in series[first] if value is not None]
    context.report.line(
        "Card precision by day",
        days,
        series,
        text_alternative=f"{first} is between {min(known):.0%} and {max(known):.0%} over {len(days)} days.",
    )
