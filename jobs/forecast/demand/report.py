"""The report of forecast.history: how sales were used, how demand behaves, which series can be forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from common.report.wording import plural
from jobs.forecast.demand.replacements import HANDED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.days import DayRange
    from common.report.builder import ReportBuilder
    from common.run.context import RunContext
    from jobs.forecast.demand.params import HistoryParams
    from jobs.forecast.demand.periods import Periods

_MEANING = {
    "smooth": "regular demand of similar size: easiest to forecast",
    "erratic": "regular demand of varying size",
    "intermittent": "occasional demand of similar size",
    "lumpy": "occasional demand of varying size: hardest to forecast",
}

NO_MODEL = "No series is long enough to be modelled: each is forecast by a fallback, or left out for its reason."


_MOST_PERIODS = 2_000


def latest(totals: DataFrame) -> list[Any]:
    """The last periods, in their order: of hours there may be more than a page can draw."""
    return sorted(totals.orderBy(F.col("ds").desc()).limit(_MOST_PERIODS).collect(), key=lambda row: row["ds"])


def write_report(
    report: ReportBuilder,
    *,
    days: DayRange,
    params: HistoryParams,
    periods: Periods,
    used: int,
    left_out: Mapping[str, int],
    flow: Mapping[str, float],
    totals: Sequence[Any],
    kinds: Sequence[Any],
    levels: Sequence[tuple[str, int, int]],
    top: Sequence[Any],
) -> None:
    """Fill the report. ``totals`` are rows a period, ``kinds`` numbers of series by status, reason and class.

    ``levels`` has name, number of aggregates and how many are modelled for each level of the hierarchy.
    """
    report.title = f"Demand history as of {days.last}"
    modelled = sum(row["series"] for row in kinds if row["status"] == "modelled")
    report.headline("Series to forecast", f"{modelled:,}", f"of {sum(row['series'] for row in kinds):,} seen")
    report.headline("Demand", f"{sum(row['y'] or 0.0 for row in totals):,.0f}", "units bought and kept")
    returned = (flow.get("units_returned") or 0.0) / (flow.get("units_sold") or 1.0)
    report.headline("Returned", f"{returned:.1%}", "of the units sold, netted against their own purchases")
    report.headline("Periods", f"{len(totals)}", f"one per {periods.words}")
    if params.max_series:
        report.text(
            "A limited run",
            [
                f"This run forecasts only the {params.max_series:,} most valuable series (max_series); "
                "all others are listed as left out below."
            ],
        )
    unknown = sum(row["unknown"] for row in totals)
    if unknown:
        report.text(
            "What is not known",
            [
                f"{plural(unknown, 'value')} of ready series are missing between their first period and the last. They "
                "count as unknown, not as zero: for no class, length or error, and no model learns from them."
            ],
        )
    if modelled == 0:
        report.text("No series is modelled", [NO_MODEL])
    _totals(report, totals)
    _lines(report, used, left_out, flow)
    _kinds(report, kinds)
    if levels:
        report.table(
            "Aggregates",
            ("level", "aggregates", "modelled"),
            levels,
            note="An aggregate is the sum of its series, period by period. All figures above are of the series alone.",
        )
    report.table(
        "The most valuable series",
        ("series", "name", "class", "units", "value", "periods", "with demand", "ADI", "CV²"),
        [
            (
                row["unique_id"],
                row["item_name"] or "",
                row["demand_class"],
                row["units"],
                row["value"],
                row["periods"],
                row["demand_periods"],
                row["adi"],
                row["cv2"],
            )
            for row in top
        ],
        stack=True,
    )


def _totals(report: ReportBuilder, totals: Sequence[Any]) -> None:
    shown = [(row["ds"], row["y"]) for row in totals if not row["is_closed"] and row["y"] is not None]
    peak = max(shown, key=lambda pair: pair[1]) if shown else None
    if peak is not None:
        report.line(
            "Demand of all series",
            [ds for ds, _ in shown],
            {"units": [y for _, y in shown]},
            unit="units",
            x_name="period",
            text_alternative=f"Demand over {len(shown)} open periods, up to {peak[1]:,.0f} in that of {peak[0]}.",
            note="Periods in which the whole shop sold nothing count as closed, not as zero, and are left out.",
        )


def _lines(report: ReportBuilder, used: int, left_out: Mapping[str, int], flow: Mapping[str, float]) -> None:
    rows: list[tuple[str, object]] = [("counted as demand, or as goods given back", used)]
    rows += [(f"left out: {name}", number) for name, number in sorted(left_out.items(), key=lambda pair: -pair[1])]
    report.table("What happened to the sales lines", ("sales lines", "lines"), rows)
    report.table(
        "From units sold to demand",
        ("units", "number"),
        [
            ("sold", flow.get("units_sold") or 0.0),
            ("returned or cancelled", flow.get("units_returned") or 0.0),
            ("of these, more than the sales of their period: not counted", flow.get("units_floored") or 0.0),
        ],
        note="A return is netted against the customer's last purchases of the item; demand never falls below zero.",
    )


def _kinds(report: ReportBuilder, kinds: Sequence[Any]) -> None:
    by_class: dict[str, list[float]] = {}
    for row in kinds:
        if row["status"] == "modelled":
            entry = by_class.setdefault(str(row["demand_class"]), [0, 0.0])
            entry[0] += row["series"]
            entry[1] += row["units"]
    report.table(
        "How demand behaves",
        ("class", "series", "units", "what it means"),
        [
            (name, int(by_class[name][0]), by_class[name][1], meaning)
            for name, meaning in _MEANING.items()
            if name in by_class
        ],
        note="Classes of Syntetos, Boylan and Croston: periods per demand (limit 1.32), variation (0.49).",
        stack=True,
    )
    aside: dict[tuple[str, str], int] = {}
    for row in kinds:
        if row["reason"]:
            key = (row["status"], row["reason"])
            aside[key] = aside.get(key, 0) + row["series"]
    report.table(
        "Series without a model",
        ("what happens", "reason", "series"),
        [
            ("forecast by a fallback" if status == "fallback" else "left out", reason, number)
            for (status, reason), number in sorted(aside.items(), key=lambda pair: -pair[1])
        ],
        note="forecast.series lists each of them with its reason.",
        stack=True,
    )


def count_replacements(context: RunContext, fates: DataFrame | None) -> None:
    """Put ``fates`` of Replacements into record and report; warn of those that hand nothing over."""
    counts = [] if fates is None else sorted((row["fate"], row["series"]) for row in fates.collect())
    for fate, number in counts:
        context.counts.detail(f"replacements_{fate.replace(',', '').replace(' ', '_')}", number)
    unused = [f"{number} {fate}" for fate, number in counts if fate != HANDED]
    if unused:
        context.warn(f"Replacements that hand nothing over: {', '.join(unused)}.")
    if counts:
        context.report.table("Replaced series", ("what became of them", "series"), counts)


def count_stock_outs(context: RunContext, series: DataFrame, grid: DataFrame) -> None:
    """Put into record and report how many rows of ``series`` (SERIES) and ``grid`` (DEMAND) were out of stock."""
    found = series.where("censored_periods > 0 AND level IS NULL").agg(
        F.count(F.lit(1)).alias("series"), F.sum("censored_periods").alias("periods")
    )
    row = found.first()
    if row is None or not row["series"]:
        return
    sums = grid.agg(F.sum("units_lost").alias("lost"), F.sum(F.when(F.col("is_censored"), F.col("y"))).alias("sold"))
    units = sums.first()
    lost, sold = (0.0, 0.0) if units is None else (units["lost"] or 0.0, units["sold"] or 0.0)
    for name, number in (("series", row["series"]), ("periods", row["periods"]), ("units_lost", round(lost))):
        context.counts.detail(f"out_of_stock_{name}", number)
    context.report.table(
        "Out of stock",
        ("series", "periods", "units sold in them", "units that the correction adds"),
        [(row["series"], row["periods"], round(sold, 1), round(lost, 1))],
        note="What was sold while nothing was left is a lower bound of demand: no forecast is scored on it.",
        stack=True,
    )
