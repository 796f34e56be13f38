"""The body of forecast.replay: what was known at each review, levels, stock over the real demand, money, publish."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.report.wording import plural
from common.run.gate import pass_gate
from jobs.forecast.demand.changes import DEMAND_CHANGES, demand_as_of
from jobs.forecast.demand.hours import OF_PERIOD, OF_TRIAL, as_periods
from jobs.forecast.demand.inputs import CORRECTED, History, no_series, read_history
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.orders.levels import with_levels
from jobs.forecast.orders.params import ReviewPolicy
from jobs.forecast.orders.policy import Costs, Policy
from jobs.forecast.orders.suppliers import with_terms
from jobs.forecast.replays.groups import Rules, followed
from jobs.forecast.replays.money import last_prices, with_money, with_unit_costs
from jobs.forecast.replays.params import ReplayedPolicy, ReplayParams
from jobs.forecast.replays.report import write_report
from jobs.forecast.replays.reviews import (
    Timeline,
    counted_series,
    forecasts_at,
    known_errors,
    moved_levels,
    paths_of,
    with_demand_ahead,
)
from jobs.forecast.replays.tables import REPLAYS
from jobs.forecast.stock.steps import terms_as_of
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.trials.calibration import sampled
from jobs.forecast.trials.tables import BACKTESTS
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    from datetime import date

    from common.run.context import RunContext

# Fine enough for costs that are decided in the tail.
_GRID = tuple((n + 0.5) / 200 for n in range(200))
# Pairs of an origin and an earlier one, for which the errors of all series of the sample are kept.
_PAIRS, _FEWEST_SERIES = 10, 100
_COARSE_GRID = tuple((n + 0.5) / 20 for n in range(20))


def run(context: RunContext) -> None:
    """One run of forecast.replay. Raises LakejobsError."""
    params, lake = context.params_as(ReplayParams), context.lake
    history = read_history(context, MODELLED, or_none=FALLBACK)
    day = DayRange.single(history.as_of)
    backtests = as_periods(lake.read(BACKTESTS, days=day), history.periods, OF_TRIAL)
    timeline, models = _timeline(history, backtests)
    methods, benchmark = _methods(context, params, models)
    policies = [_policy(params, name) for name in params.policies]
    # Aggregates of a hierarchy are forecast too, and nobody orders them.
    series = history.series.where(F.col("level").isNull())
    count = series.count()
    if not count:
        raise no_series(history.as_of, MODELLED)
    facts = _facts(context, series, policies[0], history.as_of)
    supply = _supply(facts, timeline, policies)
    changes = as_periods(lake.read(DEMAND_CHANGES, days=history.days), history.periods, OF_PERIOD)
    changes = changes.where(F.col("freq") == history.periods.freq)
    classes, paths = facts.select("unique_id", "demand_class"), paths_of(timeline, policies, supply.lead_times)
    errors = _errors(params, history, classes, changes, backtests, timeline, paths)
    errors = errors.where(F.col("model").isin(*methods)).persist()
    # What another series is to hand over after the day is none of this one's sales yet.
    settled = changes.where(F.coalesce("handed_on", "known_on") <= F.lit(history.as_of))
    prices = last_prices(settled, timeline.periods.last_day(timeline.replayed[0]))
    facts = facts.where(F.col("lead_time_periods").isin(*supply.lead_times)).join(prices, "unique_id", "left")
    facts = with_unit_costs(facts, params, timeline.year_share())
    longest = max(supply.lead_times) + params.review_periods
    tried = backtests.where(F.col("model").isin(*methods))
    ahead = forecasts_at(tried, methods, timeline, longest=longest, stand_in=benchmark)
    rows = _replayed(params, ahead.join(facts, "unique_id", "inner"), errors, timeline, policies, supply, count)
    rows = with_money(rows.join(facts, "unique_id", "inner"), params.order_cost or 0.0)
    with lake.stage(
        REPLAYS, rows.withColumn("as_of_date", F.lit(history.as_of)).select(*REPLAYS.schema.names)
    ) as staged:
        audited = pass_gate(context, staged)
        found = staged.rows.agg(F.countDistinct("unique_id").alias("series")).first()
        done = 0 if found is None else found["series"]
        review = min(policy.review_periods if policy.is_periodic else 1 for policy in policies)
        asked = counted_series(backtests, facts, timeline, review_periods=review).count()
        context.counts.add(rows_read=count, rows_written=done, rows_filtered=count - asked)
        context.counts.check()
        context.fault("replay.audited")
        written = lake.replace_days(audited, days=day)
        context.counts.detail("replay_rows", written.rows_written)
        write_report(
            context.report,
            staged.rows,
            params=params,
            as_of=history.as_of,
            timeline=timeline,
            methods=methods,
            benchmark=benchmark,
            policies=[policy.name for policy in policies],
            left_out=count - done,
        )
    errors.unpersist()


def _timeline(history: History, backtests: DataFrame) -> tuple[Timeline, list[str]]:
    """The periods to replay, and the models that were tried.

    Raises InputMissingError FCT-008 without a backtest of the day, UsageError FCT-061 when it has a single origin.
    """
    tried = backtests.groupBy("model", "cutoff").agg(F.max("step").alias("steps")).collect()
    if not tried:
        raise InputMissingError(
            "FCT-008",
            f"There is no backtest as of {history.as_of}.",
            remedy="Run forecast.backtest for that day first.",
        )
    cutoffs = tuple(sorted({row["cutoff"] for row in tried}))
    if len(cutoffs) < 2:
        raise UsageError(
            "FCT-061",
            "The backtest has one origin, a replay needs two or more.",
            cause="Orders rest on errors made before: at the earliest origin nothing was known of them.",
            remedy="Run forecast.backtest with windows=3 or more, and then this job.",
        )
    horizon = max(row["steps"] for row in tried)
    models = sorted({row["model"] for row in tried})
    return Timeline(cutoffs, horizon, history.periods.season_length, history.periods), models


def _methods(context: RunContext, params: ReplayParams, models: list[str]) -> tuple[list[str], str]:
    """What to compare, and the benchmark. Raises UsageError FCT-062 for a model that the backtest did not try."""
    unknown = sorted(set(params.methods or ()) - set(models))
    if unknown:
        raise UsageError(
            "FCT-062",
            f"The backtest did not try {', '.join(unknown)}.",
            cause=f"It tried {', '.join(models)}.",
            remedy="Name one of these in methods, or run forecast.backtest with that model.",
        )
    benchmark = params.benchmark
    if benchmark not in models:
        context.warn(f"The backtest did not try {benchmark}: there is no benchmark to hold the others against.")
        benchmark = COMBINED
    return sorted({*(params.methods or models), COMBINED, benchmark}), benchmark


def _policy(params: ReplayParams, name: ReplayedPolicy) -> Policy:
    costs = Costs(0.0, 0.0, params.order_cost) if name == "min_max" and params.order_cost is not None else None
    review: ReviewPolicy = "continuous" if name == "continuous" else "periodic"
    return Policy(
        params.lead_time_periods, params.review_periods, params.service_level, params.pack_size, review, costs
    )


def _facts(context: RunContext, series: DataFrame, policy: Policy, as_of: date) -> DataFrame:
    """``unique_id, demand_class`` and SUPPLIED of each series, by the terms of today."""
    asked = series.select("unique_id", "demand_class", "freq")
    if not context.lake.exists(STOCK):
        return with_terms(asked, None, policy)
    return with_terms(asked, terms_as_of(context.lake.read(STOCK), as_of), policy)


@dataclass(frozen=True)
class _Supply:
    """The lead times that can be replayed, and whether any supplier has a budget."""

    lead_times: tuple[int, ...]
    has_budgets: bool


def _supply(facts: DataFrame, timeline: Timeline, policies: list[Policy]) -> _Supply:
    """Raises UsageError FCT-010 when orders must last longer than the horizon, FCT-063 when nothing would count."""
    found = facts.groupBy("lead_time_periods").agg(F.max("budget").alias("budget")).collect()
    review = max(policy.review_periods if policy.is_periodic else 0 for policy in policies)
    lead_times = tuple(sorted(row["lead_time_periods"] for row in found))
    fitting = tuple(lead for lead in lead_times if lead + review <= timeline.horizon)
    if lead_times and not fitting:
        raise UsageError(
            "FCT-010",
            f"The backtest forecasts {plural(timeline.horizon, 'period')}, but an order must last "
            f"{lead_times[0] + review}.",
            cause="Lead time and review together are longer than the horizon.",
            remedy="Run forecast.backtest with a longer horizon, or shorten the two.",
        )
    first = min(fitting, default=1) + max(review - 1, 0)
    if first >= timeline.longest_block:
        raise UsageError(
            "FCT-063",
            f"The backtest covers {plural(timeline.longest_block, 'period')} in a row; the first ordered goods "
            f"count after {first}.",
            cause="Until then the stock is the one that a replay begins with.",
            remedy="Run forecast.backtest with more windows, or with a stride of at most the horizon.",
        )
    return _Supply(fitting, any(row["budget"] is not None for row in found))


def _errors(
    params: ReplayParams,
    history: History,
    classes: DataFrame,
    changes: DataFrame,
    backtests: DataFrame,
    timeline: Timeline,
    paths: list[tuple[int, int]],
) -> DataFrame:
    """``known_errors`` of a sample of the series."""
    earliest = timeline.periods.last_day(timeline.cutoffs[0])
    corrections = demand_as_of(changes, history.as_of, timeline.periods, corrected_after=earliest)
    corrections = corrections.where(F.col("later_on").isNotNull()).select("unique_id", "ds", *CORRECTED)
    # Each origin learns from all before it: with many of them, fewer series say as much.
    pairs = len(timeline.cutoffs) * (len(timeline.cutoffs) - 1) // 2
    most = min(params.calibration_series, max(_FEWEST_SERIES, params.calibration_series * _PAIRS // pairs))
    sample = sampled(backtests, history.series_count, most)
    return known_errors(sample, corrections, classes, timeline, paths)


def _replayed(
    params: ReplayParams,
    ahead: DataFrame,
    errors: DataFrame,
    timeline: Timeline,
    policies: list[Policy],
    supply: _Supply,
    series: int,
) -> DataFrame:
    """What happened under each policy: rows of SCHEMA of groups.py, with the names of REPLAYS."""
    buckets = max(1, -(-series // params.series_per_bucket))
    counted = []
    for policy in policies:
        asked = with_demand_ahead(ahead, policy, timeline)
        if policy.costs is None:
            levelled = _levelled(params, asked, errors, policy, _COARSE_GRID if supply.has_budgets else ())
        else:
            shortages = [level / (1 - level) * policy.review_periods for level in params.levels]
            costs = {
                "shortage_costs": F.array(*(F.lit(odds) * F.col("holding_cost") for odds in shortages)),
                "order_cost": F.lit(policy.costs.order),
            }
            # Sought once for each origin, because that takes its time; later they move with the demand they cover.
            fresh = _levelled(params, asked.where("age = 0").withColumns(costs), errors, policy, _GRID)
            levelled = moved_levels(asked, fresh)
        rules = Rules(policy, params.levels, params.unmet_demand == "waits", params.shelf_life_periods or 0)
        counted.append(followed(levelled, rules, buckets=buckets))
    rows = reduce(DataFrame.unionByName, counted).where(F.col("periods") > 0)
    return rows.withColumns(
        {
            "mean_stock": F.round(F.col("stock") / F.col("periods"), 9),
            "order_flips": F.col("flips"),
            "orders_cut": F.col("cut"),
            "review_periods": F.lit(params.review_periods),
        }
    )


def _levelled(
    params: ReplayParams, asked: DataFrame, errors: DataFrame, policy: Policy, grid: tuple[float, ...]
) -> DataFrame:
    return with_levels(asked, errors, policy, params.levels, grid=grid, fewest=params.min_calibration, by=("cutoff",))
