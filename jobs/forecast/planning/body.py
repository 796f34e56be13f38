"""The body of forecast.page: find what to compare with, review each series, audit, publish, draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from jobs.forecast.demand.hours import OF_PERIOD, OF_TRIAL, as_periods
from jobs.forecast.demand.inputs import CORRECTED, History, read_demand, read_history
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.planning.exceptions import Look, facts_of, labelled
from jobs.forecast.planning.figures import figures_of
from jobs.forecast.planning.ledger import (
    best_known,
    ledger_rows,
    origin_scores,
    override_rows,
    override_sums,
    step_errors,
)
from jobs.forecast.planning.params import PageParams
from jobs.forecast.planning.report import write_report
from jobs.forecast.planning.steps import Plan, hindsight, reviews
from jobs.forecast.planning.tables import REVIEWS, VALUE_ADDED
from jobs.forecast.stock.steps import stock_as_of
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.trials.global_model import GLOBAL_MODELS
from jobs.forecast.trials.origins import Origins
from jobs.forecast.trials.tables import BACKTESTS, TRIALS
from jobs.forecast.trials.weights import COMBINED, as_known, combined, model_weights, origin_errors, uses_of

if TYPE_CHECKING:
    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of forecast.page. Raises LakejobsError."""
    params, lake = context.params_as(PageParams), context.lake
    history = read_history(context, MODELLED, FALLBACK)
    # Aggregates are forecast too, and nobody orders them.
    series = history.series.where(F.col("level").isNull())
    today = _plan(context, history, history.as_of)
    if today.forecasts.isEmpty():
        raise InputMissingError(
            "FCT-051",
            f"There are no forecasts as of {history.as_of}.",
            remedy="Run forecast.predict for that day first, and forecast.replenish for the orders.",
        )
    tried = lake.read(BACKTESTS, days=DayRange.single(history.as_of))
    backtests = as_periods(tried, history.periods, OF_TRIAL)
    scores = origin_scores(backtests).collect()
    cutoffs = sorted({row["cutoff"] for row in scores}, reverse=True)
    earliest = history.periods.last_day(cutoffs[-1]) if cutoffs else history.as_of
    everything = read_demand(context, history, corrected_after=earliest)
    demand = everything.join(series.select("unique_id"), "unique_id", "left_semi")
    look = Look.of(history.periods, params.recent_periods)
    earlier = _earlier(context, params, history)
    before = None if earlier.last is None else _plan(context, history, earlier.last)
    judged, overrides = None, None
    if earlier.judged is not None:
        then = _plan(context, history, earlier.judged).forecasts
        judged = hindsight(then, demand)
        overrides = override_sums(then, demand)
    labels = labelled(facts_of(demand, look), _known(context, params, series, today), look)
    rows = reviews(series, today, labels, before, judged, judged_of=earlier.judged)
    with lake.stage(REVIEWS, rows) as staged:
        audited = pass_gate(context, staged)
        context.fault("page.audited")
        written = lake.replace_days(audited, days=DayRange.single(history.as_of))
        context.counts.add(rows_read=series.count(), rows_written=written.rows_written)
        context.counts.check()
        ledger = _ledger(context, history, backtests, scores, everything, overrides)
        figures = figures_of(staged.rows, demand, today, backtests, history, params)
        has_orders = today.orders is not None and not today.orders.isEmpty()
        write_report(context.report, params, look, figures, ledger, as_of=history.as_of, has_orders=has_orders)
    everything.unpersist()


def _ledger(
    context: RunContext,
    history: History,
    backtests: DataFrame,
    scores: list[Any],
    demand: DataFrame,
    overrides: DataFrame | None,
) -> list[dict[str, Any]]:
    """Publish what each step adds, and return its rows: one per level, class of demand and step."""
    origins = Origins(
        (),
        tuple(sorted({row["cutoff"] for row in scores}, reverse=True)),
        max((row["horizon"] for row in scores), default=1),
        (1,),
        history.periods,
    )
    uses = uses_of(origins)
    best = best_known(scores, uses)
    found: list[dict[str, Any]] = []
    if best:
        classes = history.series.select("unique_id", "level", "demand_class")
        local = None
        if {row["model"] for row in scores} & set(GLOBAL_MODELS):
            own = backtests.where(~F.col("model").isin(COMBINED, *GLOBAL_MODELS))
            corrections = demand.where(F.col("later_on").isNotNull()).select("unique_id", "ds", *CORRECTED)
            known = as_known(own.join(classes.drop("level"), "unique_id", "inner"), corrections, uses)
            local = combined(own, model_weights(origin_errors(known), classes.drop("level")))
        sums, steps = step_errors(backtests, best, local, classes)
        found = ledger_rows(sums.collect(), steps, history.as_of)
    if overrides is not None:
        found += override_rows(overrides.first(), history.as_of)
    rows = few_rows(
        context.spark, [{**dict.fromkeys(VALUE_ADDED.schema.names), **row} for row in found], VALUE_ADDED.schema
    )
    with context.lake.stage(VALUE_ADDED, rows.coalesce(1)) as staged:
        context.lake.replace_days(pass_gate(context, staged), days=DayRange.single(history.as_of))
    return found


def _plan(context: RunContext, history: History, day: date) -> Plan:
    lake, days = context.lake, DayRange.single(day)
    forecasts = as_periods(lake.read(FORECASTS, days=days), history.periods, OF_PERIOD)
    orders = lake.read(ORDERS, days=days) if lake.exists(ORDERS) else None
    return Plan(day, forecasts, orders, lake.read(TRIALS, days=days))


@dataclass(frozen=True)
class _Earlier:
    """The last earlier day with forecasts, and the last one of whose forecasts some demand is known by now."""

    last: date | None
    judged: date | None


def _earlier(context: RunContext, params: PageParams, history: History) -> _Earlier:
    first = history.as_of - timedelta(days=params.look_back_days)
    days = DayRange(first, history.as_of - timedelta(days=1))
    steps = context.lake.read(FORECASTS, days=days).where(
        (F.col("step") == 1) & (F.col("freq") == history.periods.freq)
    )
    found = steps.groupBy("as_of_date").agg(F.min("ds").alias("first_ds")).orderBy(F.col("as_of_date").desc())
    # One row per earlier day, of which look_back_days allows so many.
    made = found.collect()
    known = [row["as_of_date"] for row in made if row["first_ds"] <= history.last_ds]
    return _Earlier(made[0]["as_of_date"] if made else None, known[0] if known else None)


def _known(context: RunContext, params: PageParams, series: DataFrame, today: Plan) -> DataFrame:
    """What other tables say about a series: how old its count is, and why its forecast is a fallback."""
    failed = today.forecasts.where("step = 1 AND fallback_reason IS NOT NULL")
    failed = failed.select("unique_id", "fallback_reason")
    known = series.select("unique_id").join(failed, "unique_id", "left")
    days_ago = F.lit(None).cast("int")
    if context.lake.exists(STOCK):
        counts = stock_as_of(context.lake.read(STOCK), today.day).select("unique_id", "counted_on")
        known = known.join(counts, "unique_id", "left")
        age = F.datediff(F.lit(today.day), "counted_on")
        days_ago = F.when(age > params.old_stock_days, age)
    return known.select("unique_id", days_ago.alias("counted_days_ago"), "fallback_reason")
