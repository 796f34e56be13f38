"""The body of forecast.history: read sales as of the last day, count demand, judge series, audit, publish."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.report.wording import plural
from common.run.gate import pass_gate
from common.spark.persisted import Persisted
from jobs.forecast.analogies.announced import listed_attributes, with_announced
from jobs.forecast.demand import steps
from jobs.forecast.demand.aggregates import facts_of, with_aggregates
from jobs.forecast.demand.censoring import CENSORED, treated, with_marks
from jobs.forecast.demand.changes import DEMAND_CHANGES, changes_of, demand_as_of
from jobs.forecast.demand.feed_calendar import Dated, Dates, as_dated, asked_for, calendar_of, dated, dates_of
from jobs.forecast.demand.hierarchy import check_columns, columns_of, levels_of, only_listed
from jobs.forecast.demand.hours import OF_PERIOD, as_periods, as_stored, without_hours
from jobs.forecast.demand.neighbours import BOOKED_ON, bought_by_people, confirmed_frauds, purchases_as_sales
from jobs.forecast.demand.params import HistoryParams
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.replacements import Replacements
from jobs.forecast.demand.report import NO_MODEL, count_replacements, count_stock_outs, latest, write_report
from jobs.forecast.demand.returns import parts_of_demand
from jobs.forecast.demand.series import NEVER_SOLD, Rules, never_sold, not_begun, profiles, replaced
from jobs.forecast.demand.tables import DEMAND, SERIES
from jobs.forecast.items.tables import ITEMS
from jobs.forecast.sales.tables import SALES
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.tables import CLICKSTREAM_EVENTS, FRAUD_LABELS

if TYPE_CHECKING:
    from common.run.context import RunContext
    from jobs.forecast.demand.params import Frequency

_FACTS = ("status", "reason", "demand_class")
_GIVEN_BACK = "given back and never sold"


@dataclass(frozen=True)
class _Lines:
    """All lines judged, those of them up to the last day, and how many of these were read and are left out."""

    judged: DataFrame
    past: DataFrame
    read: int
    left_out: dict[str, int]


def run(context: RunContext) -> None:
    """One run of forecast.history. Raises LakejobsError."""
    params, lake = context.params_as(HistoryParams), context.lake
    sources = _sources(context, params)
    calendar = calendar_of(
        sources.freq,
        context.days,
        sources.dated,
        other_rows=sources.purchases,
        week_begins=params.week_begins,
        dates=sources.dates,
    )
    periods, whole = calendar.periods, calendar.whole
    _check_frequency(context, periods)
    if params.freq is None and periods.freq != "W":
        said = f"Sales have one date in each {periods.words}, so demand is counted by {periods.words} (freq)."
        context.log.info("%s", said)
        context.report.text("Periods", [said])
    if calendar.note:
        context.warn(calendar.note)
        context.report.text("The calendar", [calendar.note])
    kept = Persisted()
    lines = _lines(context, params, sources, whole, periods, kept)
    # Lines after the last day are read as well: the changes keep later knowledge, which a rerun must not lose.
    parts = parts_of_demand(steps.may_count(lines.judged), return_days=params.return_days)
    stock = lake.read(STOCK) if lake.exists(STOCK) else None
    parts = with_marks(parts, steps.may_count(lines.judged), stock, periods, params.censored)
    parts = parts.where(F.col("ds").between(periods.literal(whole.first), periods.literal(whole.last)))
    if params.gaps == "zero":
        # What it leaves out is then zero, as it is for sales lines.
        parts = parts.withColumn("is_series", F.lit(False))
    items = lake.read(ITEMS) if lake.exists(ITEMS) else None
    replacements = Replacements.said_by(items, context.days.last)
    handed = changes_of(replacements.handed_over(parts), periods.freq)
    counted = lines.past.where(F.col(steps.LEFT_OUT).isNull() | (F.col(steps.LEFT_OUT) == steps.OTHER_PERIOD))
    old, counted = replacements.replaced(counted), replacements.renamed(counted)
    rules = Rules.of(params, periods, context.days.last)
    names = steps.item_names(lines.past)
    births = steps.births(counted, gaps_are_zero=params.gaps == "zero")
    listed = None if items is None else listed_attributes(items, context.days.last)
    grown = with_aggregates(context, handed, births, counted, names, rules, whole, listed, kept)
    births = grown.births
    with lake.stage(DEMAND_CHANGES, as_stored(grown.changes, OF_PERIOD)) as changes:
        audited_changes = pass_gate(context, changes)
        known = as_periods(changes.rows, periods, OF_PERIOD)
        by_period = kept.keep(demand_as_of(known, context.days.last, periods))
        grid = treated(steps.on_grid(by_period, births, whole, periods, extra=(CENSORED,)))
        with lake.stage(DEMAND, as_stored(grid, OF_PERIOD).select(*DEMAND.schema.names)) as staged:
            demand = pass_gate(context, staged)
            grid = as_periods(staged.rows, periods, OF_PERIOD)
            facts = facts_of(by_period, names).join(grown.described, "unique_id", "left")
            rows = rules.judged(profiles(grid), facts)
            rows = rows.unionByName(not_begun(births, whole.last, periods, as_of=context.days.last))
            rows = rows.unionByName(never_sold(counted, births, periods, as_of=context.days.last))
            rows = rows.unionByName(replaced(old, periods, as_of=context.days.last))
            if items is not None:
                rows = with_announced(rows, items, (births, counted, old), params, rules, whole.last)
            with lake.stage(SERIES, rows) as series:
                classes = pass_gate(context, series)
                used = _accounted(context, lines, by_period, series.rows)
                lake.replace_days(audited_changes, days=context.days)
                written = lake.replace_days(demand, days=context.days)
                context.counts.detail("demand_rows", written.rows_written)
                context.fault("history.demand_written")
                lake.replace_days(classes, days=DayRange.single(context.days.last))
                count_replacements(context, replacements.fates(lines.past))
                count_stock_outs(context, series.rows, grid)
                _report(context, params, periods, lines.left_out, used, grid, series.rows, by_period)
    replacements.forget()
    kept.forget()


def _check_frequency(context: RunContext, periods: Periods) -> None:
    """Raises UsageError FCT-006 when other days have other periods: of mixed lengths, or weeks from another weekday."""
    if not context.lake.exists(DEMAND):
        return
    outside = context.lake.read(DEMAND).where(f"NOT ({context.days.predicate('ds')})")
    is_other = F.col("freq") != periods.freq
    if periods.freq != "H":
        is_other |= periods.start_of("ds") != F.col("ds")
    other = outside.where(is_other).select("freq", "ds").first()
    if other is not None:
        raise UsageError(
            "FCT-006",
            f"The demand of other days is stored by {Periods.named_by(other['freq'], other['ds']).words}, "
            f"not by {periods.words}.",
            remedy="Run over all days at once, use the frequency of the table, or another lake root.",
        )


@dataclass(frozen=True)
class _Sources:
    """Sales and purchases with ``booked_on``, how many of each there are up to the last day, how sales are dated, and
    by which frequency they are counted.
    """

    lines: DataFrame
    dated: Dated
    purchases: int
    freq: Frequency
    dates: Dates


def _sources(context: RunContext, params: HistoryParams) -> _Sources:
    lake, last = context.lake, context.days.last
    sales = lake.read(SALES) if lake.exists(SALES) else None
    lines, found, dates, purchases = sales, Dated(), Dates(), 0
    freq: Frequency = params.freq or "W"
    if sales is not None:
        past = sales.where(F.col("sold_day") <= F.lit(last))
        # One date in each hour or day says nothing of a feed.
        if freq not in ("H", "D") and (of_dates := dates_of(past).first()) is not None:
            dates = Dates(**of_dates.asDict())
        if not params.purchases_from_clickstream:
            freq = params.freq or dates.frequency
        row = dated(past, asked_for(freq, params.week_begins)).first()
        found = found if row is None else as_dated(row)
        lines = sales.withColumn(BOOKED_ON, F.lit(None).cast("date"))
    if params.purchases_from_clickstream and lake.exists(CLICKSTREAM_EVENTS):
        bought = bought_by_people(lake.read(CLICKSTREAM_EVENTS))
        purchases = bought.where(F.col("event_date") <= F.lit(last)).count()
        as_lines = purchases_as_sales(bought, sales)
        lines = as_lines if lines is None else lines.unionByName(as_lines)
    if lines is None:
        lines = lake.read(SALES)  # raises LAK-004 with what to do
    return _Sources(lines, found, purchases, freq, dates)


def _lines(
    context: RunContext, params: HistoryParams, sources: _Sources, whole: DayRange, periods: Periods, kept: Persisted
) -> _Lines:
    """Every line with series, period and why it is left out. Raises InputMissingError FCT-002 when none counts."""
    lake, last, lines = context.lake, context.days.last, sources.lines
    has_labels = params.leave_out_fraud and lake.exists(FRAUD_LABELS)
    frauds = confirmed_frauds(lake.read(FRAUD_LABELS)) if has_labels else None
    items = lake.read(ITEMS) if params.attributes and lake.exists(ITEMS) else None
    check_columns(lines, (*params.series_by, *columns_of(params)), items, only_listed(params))
    dated = steps.with_left_out(lines, whole, periods, as_of=last, no_products=params.no_products, frauds=frauds)
    judged = kept.keep(steps.with_series(dated, params.series_by))
    past = judged.where(F.col("sold_day") <= F.lit(last))
    if periods.freq == "H":
        _check_hours(context, past)
    reason = F.coalesce(F.col(steps.LEFT_OUT), F.lit(""))
    left_out = {row["reason"]: row["count"] for row in past.groupBy(reason.alias("reason")).count().collect()}
    if not left_out.pop("", 0):
        raise InputMissingError(
            "FCT-002",
            f"No sales line of {context.days} counts as demand.",
            cause=", ".join(f"{plural(number, 'line')}: {name}" for name, number in sorted(left_out.items()))
            or "There are no lines.",
            remedy="Check the days of the run, and the reasons why lines are left out.",
        )
    return _Lines(judged, past, sources.dated.rows + sources.purchases, left_out)


def _check_hours(context: RunContext, past: DataFrame) -> None:
    """Raises UsageError FCT-030 for lines of which only the day is kept."""
    found = without_hours(past).first()
    if found is not None and found["older"]:
        raise UsageError(
            "FCT-030",
            f"The hour of {plural(found['older'], 'sales line')} is not known.",
            cause="An earlier release took them in, and kept their day only.",
            remedy="Take the same files in again, under another lake root, or use freq=D.",
        )
    if found is not None and found["dates"]:
        context.warn(
            f"{plural(found['dates'], 'sales line')} without a time of day: all count in the first hour of their day."
        )


def _accounted(context: RunContext, lines: _Lines, by_period: DataFrame, series: DataFrame) -> int:
    """Count lines whose demand is in the staged changes of a staged series; raises JobFailedError RUN-001 for a loss.

    A line of a series with nothing but returns is left out: there is no demand to forecast.
    """
    is_never_sold = F.coalesce(F.col("reason") == NEVER_SOLD, F.lit(False)).alias("is_never_sold")
    by_series = by_period.groupBy("unique_id").agg(F.sum("lines").alias("lines"))
    # Lines of an aggregate are those of its series.
    own = series.where(F.col("level").isNull()).select("unique_id", is_never_sold)
    fates = by_series.join(own, "unique_id", "inner")
    found = fates.agg(
        F.sum(F.when(~F.col("is_never_sold"), F.col("lines"))).alias("used"),
        F.sum(F.when(F.col("is_never_sold"), F.col("lines"))).alias("given_back"),
    ).first()
    used, given_back = (0, 0) if found is None else (found["used"] or 0, found["given_back"] or 0)
    if given_back:
        lines.left_out[_GIVEN_BACK] = given_back
    filtered = sum(lines.left_out.values())
    context.counts.add(rows_read=lines.read, rows_written=used, rows_filtered=filtered)
    for name, number in sorted(lines.left_out.items()):
        context.counts.detail(f"lines_left_out_{name.replace(' ', '_')}", number)
    context.counts.check()
    return int(used)


def _report(
    context: RunContext,
    params: HistoryParams,
    periods: Periods,
    left_out: dict[str, int],
    used: int,
    grid: DataFrame,
    series: DataFrame,
    by_period: DataFrame,
) -> None:
    own = series.where(F.col("level").isNull())
    by_period, grid = (frame.join(own, "unique_id", "left_semi") for frame in (by_period, grid))
    flow = by_period.agg(
        *(F.sum(name).alias(name) for name in ("units_sold", "units_returned", "units_floored"))
    ).first()
    totals = grid.groupBy("ds").agg(
        F.sum("y").alias("y"), F.min("is_closed").alias("is_closed"), F.count_if(F.col("y").isNull()).alias("unknown")
    )
    kinds = own.groupBy(*_FACTS).agg(F.count(F.lit(1)).alias("series"), F.sum("units").alias("units"))
    levels = series.where(F.col("level").isNotNull()).groupBy("level", "status").count().collect()
    top = own.where("status = 'modelled'").orderBy(F.col("value").desc(), "unique_id").limit(params.report_top)
    found: list[Row] = kinds.collect()
    of_status = dict.fromkeys(("modelled", "fallback", "left out"), 0)
    of_code: dict[str, int] = {}
    for row in found:
        of_status[row["status"]] += row["series"]
        if row["reason"]:
            code = row["reason"].split()[0]
            of_code[code] = of_code.get(code, 0) + row["series"]
    for name, number in (*of_status.items(), *sorted(of_code.items())):
        context.counts.detail(f"series_{name.replace(' ', '_')}", number)
    if not of_status["modelled"]:
        context.warn(NO_MODEL)
    write_report(
        context.report,
        days=context.days,
        params=params,
        periods=periods,
        used=used,
        left_out=left_out,
        flow=flow.asDict() if flow is not None else {},
        totals=latest(totals),
        kinds=found,
        levels=levels_of(params.hierarchy, levels),
        top=top.collect(),
    )
