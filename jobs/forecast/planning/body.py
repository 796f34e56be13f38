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
from common.spark.persisted import Persisted
from jobs.forecast.demand.hours import OF_PERIOD, OF_TRIAL, as_periods
from jobs.forecast.demand.inputs import History, read_demand, read_history
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.orders.check import check_reconciled
from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.planning.events import events_of, first_looked_at, is_event, said_of_all, said_of_series, with_events
from jobs.forecast.planning.exceptions import Look, facts_of, labelled
from jobs.forecast.planning.figures import figures_of
from jobs.forecast.planning.judged import judged_rows, judged_sums, pairs_of, with_truth
from jobs.forecast.planning.ledger import best_known, known_scores, ledger_rows, made_steps, step_errors, tried_at
from jobs.forecast.planning.params import PageParams
from jobs.forecast.planning.report import write_report
from jobs.forecast.planning.steps import Plan, hindsight, reviews
from jobs.forecast.planning.tables import REVIEWS, VALUE_ADDED
from jobs.forecast.reconciliation.tables import RECONCILED
from jobs.forecast.regressors.tables import REGRESSORS
from jobs.forecast.stock.steps import stock_as_of
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.trials.origins import Origins
from jobs.forecast.trials.tables import BACKTESTS, TRIALS
from jobs.forecast.trials.weights import uses_of

if TYPE_CHECKING:
    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of forecast.page. Raises LakejobsError."""
    params, lake = context.params_as(PageParams), context.lake
    history = read_history(context, MODELLED, FALLBACK)
    # Aggregates are forecast too, and nobody orders them.
    series = history.series.where(F.col("level").isNull())
    today = _plan(context, params, history, history.as_of)
    _check(context, params, history, today)
    tried = lake.read(BACKTESTS, days=DayRange.single(history.as_of))
    backtests = as_periods(tried, history.periods, OF_TRIAL)
    trials = tried_at(backtests).collect()
    earlier = _earlier(context, params, history)
    origins = [history.periods.last_day(row["cutoff"]) for row in trials]
    earliest = min([history.as_of, *origins, *([earlier.judged] if earlier.judged else [])])
    kept = Persisted()
    everything = read_demand(context, history, kept, corrected_after=earliest)
    demand = everything.join(series.select("unique_id"), "unique_id", "left_semi")
    look = Look.of(history.periods, params.recent_periods)
    before = None if earlier.last is None else _plan(context, params, history, earlier.last)
    judged = None
    if earlier.judged is not None:
        judged = hindsight(_plan(context, params, history, earlier.judged).forecasts, _seen(demand))
    known, for_all = _with_events(context, look, history, today, _known(context, params, series, today))
    labels = labelled(facts_of(demand, look), known, look)
    rows = reviews(series, today, labels, before, judged, judged_of=earlier.judged)
    with lake.stage(REVIEWS, rows) as staged:
        audited = pass_gate(context, staged)
        context.fault("page.audited")
        written = lake.replace_days(audited, days=DayRange.single(history.as_of))
        context.counts.add(rows_read=series.count(), rows_written=written.rows_written)
        context.counts.check()
        found = _tried_steps(backtests, trials, everything, history)
        found += _judged_steps(context, history, earlier, _seen(everything))
        _publish_ledger(context, history, found)
        figures = figures_of(staged.rows, demand, today, backtests, history, params)
        has_orders = today.orders is not None and not today.orders.isEmpty()
        write_report(
            context.report, params, look, figures, found, as_of=history.as_of, has_orders=has_orders, for_all=for_all
        )
    kept.forget()


def _check(context: RunContext, params: PageParams, history: History, today: Plan) -> None:
    """Raises InputMissingError FCT-051 without forecasts of the day, FCT-036 without coherent ones where asked for."""
    base = _base_forecasts(context, history, history.as_of)
    if base.isEmpty():
        raise InputMissingError(
            "FCT-051",
            f"There are no forecasts as of {history.as_of}.",
            remedy="Run forecast.predict for that day first, and forecast.replenish for the orders.",
        )
    if params.forecasts == "reconciled":
        check_reconciled(base, today.forecasts, history.as_of)


def _with_events(
    context: RunContext, look: Look, history: History, today: Plan, known: DataFrame
) -> tuple[DataFrame, list[str]]:
    """``known`` with what promotions and events say of each series, and in words what is planned for all."""
    steps = today.forecasts.agg(F.max("step").alias("steps")).first()
    horizon = (steps["steps"] if steps is not None else None) or 1
    rows = None
    if context.lake.exists(REGRESSORS):
        ends = first_looked_at(look, history.last_ds), history.periods.plus(history.last_ds, horizon)
        days = DayRange(*map(history.periods.day, ends))
        rows = as_periods(context.lake.read(REGRESSORS, days=days).where(is_event()), history.periods, OF_PERIOD)
    if rows is None:
        return with_events(known, None), []
    events = events_of(rows, look, history.last_ds, horizon, history.as_of)
    # As many rows as names of events that hold for all.
    for_all = [row["words"] for row in said_of_all(events, look, horizon).collect()]
    return with_events(known, said_of_series(events, today.trials, look, history.last_ds, horizon)), for_all


def _seen(demand: DataFrame) -> DataFrame:
    """``demand`` without periods out of stock: what was sold of an empty shelf is no truth to judge a forecast by."""
    if "is_censored" not in demand.columns:
        return demand
    out = F.coalesce("is_censored", F.lit(False))
    return demand.withColumn("y", F.when(~out, F.col("y")))


def _tried_steps(backtests: DataFrame, trials: list[Any], demand: DataFrame, history: History) -> list[dict[str, Any]]:
    """Rows of the ledger about the steps that the backtest of the day tried, by level and class of demand."""
    cutoffs = tuple(sorted({row["cutoff"] for row in trials}, reverse=True))
    horizon = max((row["horizon"] for row in trials), default=1)
    uses = uses_of(Origins((), cutoffs, horizon, (1,), history.periods))
    best = best_known(known_scores(backtests, demand, uses).collect()) if cutoffs else {}
    if not best:
        return []
    classes = history.series.select("unique_id", "level", "demand_class")
    made = made_steps(backtests, demand, classes.drop("level"), uses, {row["model"] for row in trials})
    sums, steps = step_errors(backtests, best, made, classes)
    return ledger_rows(sums.collect(), steps, history.as_of)


def _judged_steps(context: RunContext, history: History, earlier: _Earlier, demand: DataFrame) -> list[dict[str, Any]]:
    """Rows of the ledger about the last forecast whose demand is known; what it said itself, before any choice."""
    if earlier.judged is None or earlier.first_ds is None:
        return []
    day = DayRange.single(earlier.judged)
    seasons = context.lake.read(TRIALS, days=day).agg(F.max("season_length").alias("season")).first()
    season = (seasons["season"] if seasons is not None else None) or history.periods.season_length
    base = _base_forecasts(context, history, earlier.judged)
    judged = with_truth(base, demand, earlier.judged, earlier.first_ds, season, history.periods)
    reconciled = _reconciled(context, history, earlier.judged)
    sums = judged_sums(pairs_of(judged, reconciled), history.series.select("unique_id", "level"))
    return judged_rows(sums.collect(), history.as_of)


def _publish_ledger(context: RunContext, history: History, found: list[dict[str, Any]]) -> None:
    rows = few_rows(
        context.spark, [{**dict.fromkeys(VALUE_ADDED.schema.names), **row} for row in found], VALUE_ADDED.schema
    )
    with context.lake.stage(VALUE_ADDED, rows.coalesce(1)) as staged:
        context.lake.replace_days(pass_gate(context, staged), days=DayRange.single(history.as_of))


def _plan(context: RunContext, params: PageParams, history: History, day: date) -> Plan:
    lake, days = context.lake, DayRange.single(day)
    base = _base_forecasts(context, history, day)
    forecasts = base
    if params.forecasts == "reconciled":
        reconciled = _reconciled(context, history, day)
        forecasts = base.limit(0) if reconciled is None else reconciled
    orders = lake.read(ORDERS, days=days) if lake.exists(ORDERS) else None
    return Plan(day, forecasts, orders, lake.read(TRIALS, days=days))


def _base_forecasts(context: RunContext, history: History, day: date) -> DataFrame:
    return as_periods(context.lake.read(FORECASTS, days=DayRange.single(day)), history.periods, OF_PERIOD)


def _reconciled(context: RunContext, history: History, day: date) -> DataFrame | None:
    if not context.lake.exists(RECONCILED):
        return None
    return as_periods(context.lake.read(RECONCILED, days=DayRange.single(day)), history.periods, OF_PERIOD)


@dataclass(frozen=True)
class _Earlier:
    """The last earlier day with forecasts; the last one of whose forecasts some demand is known by now, and the first
    period of these.
    """

    last: date | None
    judged: date | None
    first_ds: date | None


def _earlier(context: RunContext, params: PageParams, history: History) -> _Earlier:
    first = history.as_of - timedelta(days=params.look_back_days)
    days = DayRange(first, history.as_of - timedelta(days=1))
    table = RECONCILED if params.forecasts == "reconciled" else FORECASTS
    steps = as_periods(context.lake.read(table, days=days), history.periods, OF_PERIOD)
    steps = steps.where((F.col("step") == 1) & (F.col("freq") == history.periods.freq))
    found = steps.groupBy("as_of_date").agg(F.min("ds").alias("first_ds")).orderBy(F.col("as_of_date").desc())
    # One row per earlier day, of which look_back_days allows so many.
    made = found.collect()
    known = [row for row in made if row["first_ds"] <= history.last_ds]
    last = made[0]["as_of_date"] if made else None
    return _Earlier(last, *((known[0]["as_of_date"], known[0]["first_ds"]) if known else (None, None)))


def _known(context: RunContext, params: PageParams, series: DataFrame, today: Plan) -> DataFrame:
    """What other tables say about a series: how old its count is, why its forecast is a fallback, when it starts."""
    failed = today.forecasts.where("step = 1 AND fallback_reason IS NOT NULL")
    failed = failed.select("unique_id", "fallback_reason")
    known = series.select("unique_id", "starts_day").join(failed, "unique_id", "left")
    days_ago = F.lit(None).cast("int")
    if context.lake.exists(STOCK):
        counts = stock_as_of(context.lake.read(STOCK), today.day).select("unique_id", "counted_on")
        known = known.join(counts, "unique_id", "left")
        age = F.datediff(F.lit(today.day), "counted_on")
        days_ago = F.when(age > params.old_stock_days, age)
    return known.select("unique_id", days_ago.alias("counted_days_ago"), "fallback_reason", "starts_day")
