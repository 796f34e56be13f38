"""The report of forecast.reconcile: how far the levels disagreed, and what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import functions as F

from common.report.wording import plural
from jobs.forecast.demand.hierarchy import pairs_of
from jobs.forecast.demand.periods import UNITS

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from common.report.builder import ReportBuilder
    from jobs.forecast.reconciliation.params import ReconcileParams

_MOST_PERIODS: Final = 60
METHOD_WORDS: Final = {
    "bottom_up": "series as forecast, aggregates as their sums",
    "top_down": "the top as forecast, divided by the shares of the forecasts below it",
    "top_down_history": "the top as forecast, divided by the shares of past demand",
    "ols": "least squares: all forecasts give way alike",
    "wls_structural": "weighted least squares: a forecast gives way the more, the more series it sums",
    "wls_variance": "weighted least squares: a forecast gives way the more, the larger its errors were",
    "mint_shrink": "minimum trace: as the errors were, those of different series together",
}


def reconciliation_report(
    report: ReportBuilder,
    params: ReconcileParams,
    rows: DataFrame,
    longer: DataFrame,
    *,
    as_of: date,
    inputs: Sequence[DataFrame | None],
) -> None:
    """Fill the report about ``rows`` of RECONCILED, ``longer`` of LONGER; ``inputs`` are what the step was given."""
    series = inputs[1]
    if series is None:
        return
    parents = pairs_of(series)
    below = rows.join(parents, "unique_id", "inner").groupBy(F.col("node").alias("unique_id"), "step")
    sums = below.agg(F.sum("base_y_hat").alias("below"))
    joined = rows.join(sums, ["unique_id", "step"], "left")
    levels = (
        joined.groupBy("level")
        .agg(
            F.count_distinct("unique_id").alias("series"),
            F.sum("y_hat").alias("y_hat"),
            F.sum("base_y_hat").alias("base"),
            F.sum(F.abs(F.col("base_y_hat") - F.col("below"))).alias("gap"),
            F.sum(F.abs(F.col("y_hat") - F.col("base_y_hat"))).alias("moved"),
        )
        .orderBy("series", "level")
        .limit(20)
        .collect()
    )
    moved = rows.where(F.col("level").isNotNull()).groupBy("level", "unique_id")
    totals = moved.agg(F.sum("base_y_hat").alias("base"), F.sum("y_hat").alias("y_hat"))
    top = totals.orderBy(F.abs(F.col("y_hat") - F.col("base")).desc(), "unique_id").limit(params.report_top).collect()
    write_report(report, as_of=as_of, method=params.method, levels=levels, top=top)
    if params.temporal:
        own = longer.where(F.col("level").isNull()).groupBy("freq", "ds", "is_whole", "periods")
        units = own.agg(F.sum("y_hat").alias("y_hat")).orderBy("freq", "ds").limit(_MOST_PERIODS).collect()
        write_longer(report, units)


def write_longer(report: ReportBuilder, sums: Sequence[Any]) -> None:
    """Add the longer periods; ``sums`` has freq, ds, periods, is_whole, y_hat of all series together."""
    report.table(
        "Longer periods",
        ("period", "from", "forecast", "periods in it", ""),
        [
            (UNITS[row["freq"]], row["ds"], round(row["y_hat"]), row["periods"], "" if row["is_whole"] else "in part")
            for row in sums
        ],
        note="Units of all series. Each is exactly the sum of its periods; of a week in two of them, of the days in "
        "each. In part: the forecast begins or ends within it.",
    )


def write_report(report: ReportBuilder, *, as_of: date, method: str, levels: Sequence[Any], top: Sequence[Any]) -> None:
    """Fill the report; ``levels`` has a row for each level, that of series with a null ``level``."""
    own = [row for row in levels if row["level"] is None]
    aggregates = sum(row["series"] for row in levels if row["level"] is not None)
    report.title = f"Coherent forecasts as of {as_of}"
    report.headline("Series", f"{sum(row['series'] for row in own):,}", f"in {plural(aggregates, 'aggregate')}")
    report.headline("Method", method, METHOD_WORDS[method])
    if not aggregates:
        report.text(
            "No hierarchy",
            ["forecast.history made no aggregates (hierarchy): nothing has to add up, so forecasts stay as they are."],
        )
    report.table(
        "How far the levels disagreed, and how far they moved",
        ("level", "series or aggregates", "forecast before", "forecast now", "apart before", "moved by"),
        [
            (
                row["level"] or "series",
                row["series"],
                round(row["base"]),
                round(row["y_hat"]),
                "" if row["gap"] is None else _share(row["gap"], row["base"]),
                _share(row["moved"], row["base"]),
            )
            for row in levels
        ],
        note="apart before: mean distance of forecasts from the sums of their series; moved by: of forecasts from what "
        "they were; both of all units forecast. Now every aggregate is exactly the sum of its series.",
        stack=True,
    )
    if top:
        report.table(
            "What changed most",
            ("aggregate", "before", "now", "change"),
            [
                (row["unique_id"], round(row["base"]), round(row["y_hat"]), f"{round(row['y_hat'] - row['base']):+,}")
                for row in top
            ],
            note="Units over all periods.",
            stack=True,
        )


def _share(part: float, whole: float) -> str:
    return "" if not whole else f"{part / abs(whole):.1%}"
