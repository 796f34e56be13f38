"""The body of forecast.history: read sales as of the last day, count demand, judge series, audit, publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.quality import pass_gate
from common.report.wording import plural
from jobs.forecast import demand as steps
from jobs.forecast.history_report import write_report
from jobs.forecast.neighbours import confirmed_frauds, purchases_as_sales
from jobs.forecast.periods import Periods
from jobs.forecast.returns import net_of_returns
from jobs.forecast.series import judged_series, profiles
from jobs.forecast.settings import HistoryParams
from jobs.forecast.tables import CLICKSTREAM_EVENTS, DEMAND, FRAUD_LABELS, SALES, SERIES

if TYPE_CHECKING:
    from common.context import RunContext

_FACTS = ("status", "reason", "demand_class")


@dataclass(frozen=True)
class _Lines:
    """Lines that count with their net quantity, and how many lines were left out for which reason."""

    netted: DataFrame
    used: int
    left_out: dict[str, int]


def run(context: RunContext) -> None:
    """One run of forecast.history. Raises LakejobsError."""
    params, lake = context.params_as(HistoryParams), context.lake
    periods = Periods(params.freq)
    whole = periods.whole_in(context.days)
    _check_frequency(context, params)
    judged = _judged(context, params, whole, periods).persist()
    lines = _counted(context, judged, params)
    by_period = steps.period_demand(lines.netted).persist()
    births = judged.where(F.col(steps.LEFT_OUT).isNull() | (F.col(steps.LEFT_OUT) == steps.OTHER_PERIOD)).where(
        F.col("quantity") >= 0
    )
    births = births.groupBy("unique_id").agg(F.min("ds").alias("first_ds"), F.max("is_series").alias("is_series"))
    grid = steps.on_grid(by_period, births, whole, periods)
    with lake.stage(DEMAND, grid.select(*DEMAND.schema.names)) as staged:
        pass_gate(context, staged)
        rows = judged_series(
            profiles(staged.rows),
            _facts(judged, by_period),
            as_of=context.days.last,
            min_periods=params.min_periods,
            ended_after_days=params.ended_after_days,
            max_series=params.max_series,
        )
        with lake.stage(SERIES, rows) as series:
            written = lake.replace_days(DEMAND, staged.rows, days=context.days)
            context.counts.detail("demand_rows", written.rows_written)
            context.fault("history.demand_written")
            lake.replace_days(SERIES, series.rows, days=DayRange.single(context.days.last))
            _report(context, params, lines, staged.rows, series.rows, by_period)
    by_period.unpersist()
    judged.unpersist()


def _check_frequency(context: RunContext, params: HistoryParams) -> None:
    """Raises UsageError FCT-006: periods of two lengths in one table would be added up."""
    if not context.lake.exists(DEMAND):
        return
    outside = context.lake.read(DEMAND).where(f"NOT ({context.days.predicate('ds')})")
    other = outside.where(F.col("freq") != params.freq).select("freq").first()
    if other is not None:
        raise UsageError(
            "FCT-006",
            f"The demand of other days is kept by {other['freq']}, not by {params.freq}.",
            remedy="Run over all days at once, use the frequency of the table, or another lake root.",
        )


def _judged(context: RunContext, params: HistoryParams, whole: DayRange, periods: Periods) -> DataFrame:
    """Every line up to the last day, with series, period and why it is left out."""
    lake, last = context.lake, context.days.last
    sales = lake.read(SALES).where(F.col("sold_day") <= F.lit(last)) if lake.exists(SALES) else None
    lines = sales
    if params.purchases_from_clickstream and lake.exists(CLICKSTREAM_EVENTS):
        events = lake.read(CLICKSTREAM_EVENTS).where(F.col("event_date") <= F.lit(last))
        bought = purchases_as_sales(events, sales)
        lines = bought if lines is None else lines.unionByName(bought)
    if lines is None:
        lines = lake.read(SALES)  # raises LAK-004 with what to do
    fraud = None
    if params.leave_out_fraud and lake.exists(FRAUD_LABELS):
        fraud = confirmed_frauds(lake.read(FRAUD_LABELS), last)
    dated = steps.with_left_out(lines, whole, periods, no_products=params.no_products, fraud=fraud)
    return steps.with_series(dated, params.series_by)


def _counted(context: RunContext, judged: DataFrame, params: HistoryParams) -> _Lines:
    """Net the lines that count; raises InputMissingError FCT-002 when there are none."""
    reason = F.coalesce(F.col(steps.LEFT_OUT), F.lit(""))
    counted = {row["reason"]: row["count"] for row in judged.groupBy(reason.alias("reason")).count().collect()}
    used = counted.pop("", 0)
    context.counts.add(rows_read=used + sum(counted.values()), rows_written=used, rows_filtered=sum(counted.values()))
    for name, number in sorted(counted.items()):
        context.counts.detail(f"lines_left_out_{name.replace(' ', '_')}", number)
    if not used:
        raise InputMissingError(
            "FCT-002",
            f"No sales line counts as demand in {context.days}.",
            cause=", ".join(f"{plural(number, 'line')}: {name}" for name, number in sorted(counted.items()))
            or "No line at all.",
            remedy="Check the days of the run, and the reasons for which lines are left out.",
        )
    # A return may undo a purchase of a period before these: it is matched with all lines, then the period is cut.
    netted = net_of_returns(
        judged.where(F.col(steps.LEFT_OUT).isNull() | (F.col(steps.LEFT_OUT) == steps.OTHER_PERIOD)),
        return_days=params.return_days,
    )
    return _Lines(netted.where(F.col(steps.LEFT_OUT).isNull()), used, counted)


def _facts(judged: DataFrame, by_period: DataFrame) -> DataFrame:
    # An item's name is the one it was sold by most often: notes such as "damaged" stand in the same column.
    sold = judged.where(F.col("quantity") > 0).groupBy("unique_id", "item_name").agg(F.count(F.lit(1)).alias("times"))
    names = sold.groupBy("unique_id").agg(F.max_by("item_name", F.struct("times", "item_name")).alias("item_name"))
    return by_period.groupBy("unique_id").agg(F.sum("value").alias("value")).join(names, "unique_id", "left")


def _report(
    context: RunContext, params: HistoryParams, lines: _Lines, grid: DataFrame, series: DataFrame, by_period: DataFrame
) -> None:
    flow = by_period.agg(
        *(F.sum(name).alias(name) for name in ("units_sold", "units_returned", "units_floored"))
    ).first()
    totals = grid.groupBy("ds").agg(F.sum("y").alias("y"), F.max("is_closed").alias("is_closed")).orderBy("ds")
    kinds = series.groupBy(*_FACTS).agg(F.count(F.lit(1)).alias("series"), F.sum("units").alias("units"))
    top = series.where("status = 'modelled'").orderBy(F.col("value").desc(), "unique_id").limit(params.report_top)
    found: list[Row] = kinds.collect()
    for status in ("modelled", "fallback", "left out"):
        context.counts.detail(
            f"series_{status.replace(' ', '_')}", sum(row["series"] for row in found if row["status"] == status)
        )
    write_report(
        context.report,
        days=context.days,
        params=params,
        used=lines.used,
        left_out=lines.left_out,
        flow=flow.asDict() if flow is not None else {},
        totals=totals.limit(2_000).collect(),
        kinds=found,
        top=top.collect(),
    )
