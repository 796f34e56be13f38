"""The body of forecast.backtest: probe for leakage, run all models from all origins, score, choose, publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError
from common.run.gate import pass_gate
from common.spark.persisted import Persisted
from jobs.forecast.demand.hours import OF_TRIAL, as_stored
from jobs.forecast.demand.inputs import CORRECTED, History, read_demand, read_history
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.regressors.inputs import Span, kept_beside, write_regressors
from jobs.forecast.trials.accuracy import scored
from jobs.forecast.trials.budget import Plan, within
from jobs.forecast.trials.calibration import NORMAL, POOLED_ON, at_level, reach_of, sampled, spread_column, with_offsets
from jobs.forecast.trials.coverage import coverages
from jobs.forecast.trials.global_model import GLOBAL_MODELS, Boosting, backtest_globally
from jobs.forecast.trials.leakage import probed
from jobs.forecast.trials.origins import Origins, backtest_locally
from jobs.forecast.trials.params import BacktestParams
from jobs.forecast.trials.report import model_words, write_report
from jobs.forecast.trials.tables import BACKTESTS, QUANTILES, TRIALS
from jobs.forecast.trials.weights import (
    COMBINED,
    FINAL,
    SCORED,
    as_known,
    combined,
    equally_combined,
    model_weights,
    origin_errors,
    trials_of,
    uses_of,
    with_weights,
    without_stock_outs,
)

if TYPE_CHECKING:
    from common.run.context import RunContext

# Pools of the walk-forward calibration: from this many errors on, over about this many series.
_FEWEST_FOR_QUANTILES = 40
# Pairs of an origin and an earlier one, for which the errors of so many series are looked at.
_PAIRS, _MOST_SERIES = 10, 5_000


def run(context: RunContext) -> None:
    """One run of forecast.backtest. Raises LakejobsError; ContractError FCT-005 when a forecast saw the future."""
    params, lake = context.params_as(BacktestParams), context.lake
    history = read_history(context, MODELLED, or_none=FALLBACK)
    plan = within(
        params.tried,
        params.windows,
        history.rows / max(1, history.series_count),
        params.cpu_seconds_per_series,
        horizon=params.horizon or history.periods.horizon,
    )
    _say_what_it_costs(context, params, plan)
    origins = Origins.rolling(
        plan.models,
        history.last_ds,
        history.periods,
        horizon=params.horizon,
        windows=plan.windows,
        stride=params.stride,
        season=params.season_length,
    )
    declared = params.declared
    how = Boosting(history.periods, origins.season_lengths, params.seed, declared.by_name)
    span = Span(history, origins.cutoffs, origins.horizon)
    regressors = write_regressors(context, declared, params.series_by, span)
    earliest = history.periods.last_day(origins.cutoffs[-1])
    kept = Persisted()
    demand = read_demand(context, history, kept, corrected_after=earliest)
    _probe(context, params, demand, origins, how, regressors)
    tried = _tried(context, params, history, demand, origins, how, regressors)
    tried = tried.withColumn("as_of_date", F.lit(history.as_of))
    with lake.stage(BACKTESTS, tried) as staged:
        good = staged.rows.where(F.col("step") > 0)
        if good.isEmpty():
            context.warn(
                "No series is long enough for any origin, so no model was tested: forecast.predict uses fallbacks. "
                f"The earliest origin is {origins.cutoffs[-1]}: give more history, a shorter horizon or fewer windows."
            )
        classes = history.series.select("unique_id", "demand_class")
        corrections = demand.where(F.col("later_on").isNotNull()).select("unique_id", "ds", *CORRECTED)
        known = as_known(good.join(classes, "unique_id", "inner"), corrections, uses_of(origins))
        weights = kept.keep(model_weights(origin_errors(known), classes))
        means = combined(good, weights) if len(origins.cutoffs) > 1 else equally_combined(good)
        means = means.withColumn("as_of_date", F.lit(history.as_of))
        names = [name for name in BACKTESTS.schema.names if name not in OF_TRIAL.values()]
        published = kept.keep(good.select(*names).unionByName(means.select(*names)))
        scored_rows = published.join(classes, "unique_id", "inner")
        measured = kept.keep(with_known_quantiles(scored_rows, corrections, origins, history.series_count))
        scored_models = scored(measured, "unique_id", "model")
        trials = with_weights(trials_of(staged.rows, scored_models), weights)
        seasons = F.array(*(F.lit(length) for length in origins.season_lengths))
        trials = trials.join(classes, "unique_id", "left").withColumns(
            {
                "as_of_date": F.lit(history.as_of),
                "regressors": kept_beside("model", declared),
                "season_lengths": seasons,
            }
        )
        with lake.stage(TRIALS, trials.select(*TRIALS.schema.names)) as chosen:
            forecasts = pass_gate(context, staged, as_stored(published, OF_TRIAL).select(*BACKTESTS.schema.names))
            audited = pass_gate(context, chosen)
            _account(context, history, chosen.rows)
            days = DayRange.single(history.as_of)
            lake.replace_days(forecasts, days=days)
            context.fault("backtest.rows_written")
            lake.replace_days(audited, days=days)
            _report(context, params, history, origins, measured, chosen.rows)
    kept.forget()


def _say_what_it_costs(context: RunContext, params: BacktestParams, plan: Plan) -> None:
    context.counts.detail("cpu_ms_per_series_expected", round(1_000 * plan.cpu_seconds_per_series))
    budget = params.cpu_seconds_per_series
    if budget is None:
        return
    if plan.cpu_seconds_per_series > budget:
        context.warn(
            f"Even the seasonal naive alone is expected to cost {plan.cpu_seconds_per_series:.4f} CPU seconds per "
            f"series, more than the {budget:g} that are allowed."
        )
    parts = [f"{budget:g} CPU seconds per series are allowed, {plan.cpu_seconds_per_series:.3g} are expected."]
    if plan.left_out:
        parts.append(f"Left out for their price: {', '.join(model_words(name) for name in plan.left_out)}.")
    if plan.windows < params.windows:
        parts.append(f"Of {params.windows} windows {plan.windows} are tried.")
    context.report.text("What it may cost", [" ".join(parts)])


def _probe(
    context: RunContext,
    params: BacktestParams,
    demand: DataFrame,
    origins: Origins,
    how: Boosting,
    regressors: DataFrame | None,
) -> None:
    if not params.leakage_probe_series:
        return
    few = demand.where(F.col("ds") <= origins.periods.literal(origins.cutoffs[-1])).groupBy("unique_id").count()
    few = few.orderBy(F.col("count").desc(), "unique_id").limit(params.leakage_probe_series).select("unique_id")
    if regressors is not None:
        own = regressors.join(F.broadcast(few), "unique_id", "left_semi")
        regressors = own.unionByName(regressors.where("unique_id IS NULL"))
    some = demand.join(F.broadcast(few), "unique_id", "left_semi")
    verdicts = probed(some, origins, how, regressors).collect()
    leaking = sorted({row["model"] for row in verdicts if row["saw_the_future"]})
    if leaking:
        raise ContractError(
            "FCT-005",
            f"The backtest leaks: {', '.join(leaking)} saw what was known only after the origin.",
            cause="Values planted after the origin changed forecasts made at it; the scores would be worthless.",
            remedy="This is a defect of the job or of a model: report it with the run record. Nothing was published.",
        )
    blind = sorted({row["model"] for row in verdicts} - {row["model"] for row in verdicts if row["saw_the_past"]})
    if blind:
        context.log.warning(
            "the leakage probe is blind for %s: no planted value or correction moved it", ", ".join(blind)
        )
    context.counts.detail("leakage_probes", len(verdicts))


def _tried(
    context: RunContext,
    params: BacktestParams,
    history: History,
    demand: DataFrame,
    origins: Origins,
    how: Boosting,
    regressors: DataFrame | None,
) -> DataFrame:
    least = 4 * context.spark.sparkContext.defaultParallelism
    rows = backtest_locally(demand, origins, rows=history.rows, rows_per_bucket=params.rows_per_bucket, least=least)
    if set(GLOBAL_MODELS) & set(origins.models):
        limit = params.global_rows_limit
        found = backtest_globally(demand, origins, how, rows=history.rows, rows_limit=limit, regressors=regressors)
        rows = rows.unionByName(found)
    return without_stock_outs(rows, demand) if history.has_stock_outs else rows


def with_known_quantiles(rows: DataFrame, corrections: DataFrame, origins: Origins, series: int) -> DataFrame:
    """Backtest rows with quantiles that were calibrated on errors known at their own origin; null at the earliest.

    The errors of an origin are known once its whole horizon has passed, as demand was known at the later origin.
    """
    # Whether a series counts things, or can be negative, is a property of its unit, not of what is known at an origin.
    of_series = Window.partitionBy("unique_id")
    counts = F.min(((F.col("y") == F.rint("y")) & (F.col("y") >= 0)).cast("int")).over(of_series)
    is_floored = F.min(F.col("y")).over(of_series) >= 0
    spread = rows.withColumns({"_spread": spread_column(), "_is_whole": counts == 1, "_is_floored": is_floored})
    uses = [one for one in uses_of(origins) if one[2] != FINAL]
    if not uses:
        return rows.select("*", *(F.lit(None).cast("double").alias(name) for name in QUANTILES))
    residual = ((F.col("y") - F.col("y_hat")) / F.col("_spread")).alias("r")
    # Each origin learns from all before it: with many of them, fewer series say as much.
    most = _MOST_SERIES * _PAIRS // max(_PAIRS, len(uses))
    known = as_known(sampled(spread, series, most), corrections, uses).select(
        F.col("use").alias("cutoff"), "model", "demand_class", "step", "unique_id", residual
    )
    calibrated = with_offsets(
        spread,
        known,
        list(QUANTILES.values()),
        fewest=_FEWEST_FOR_QUANTILES,
        by=("cutoff",),
        reach=reach_of(origins.horizon),
    )
    is_known = F.col(POOLED_ON) != NORMAL
    kinds = {"is_whole": F.col("_is_whole"), "is_floored": F.col("_is_floored")}
    quantiles = {
        name: F.when(is_known, at_level(position, "y_hat", "_spread", **kinds))
        for position, name in enumerate(QUANTILES)
    }
    return calibrated.withColumns(quantiles).drop("_spread", "_is_whole", "_is_floored", POOLED_ON, "offsets")


def _account(context: RunContext, history: History, trials: DataFrame) -> None:
    """Count series with a chosen model, and those that no model could forecast; raises JobFailedError RUN-001."""
    chosen = F.max("is_champion").alias("is_chosen")
    why = F.count("reason").alias("reasons")
    fates = trials.groupBy("unique_id").agg(chosen, why, F.count(F.lit(1)).alias("trials"))
    found = fates.agg(
        F.count_if("is_chosen").alias("chosen"),
        F.count_if(~F.col("is_chosen") & (F.col("reasons") == F.col("trials"))).alias("failed"),
    ).first()
    if found is not None:
        context.counts.add(rows_written=found["chosen"], rows_filtered=found["failed"])
    context.counts.add(rows_read=history.series_count)
    context.counts.check()


def _report(
    context: RunContext,
    params: BacktestParams,
    history: History,
    origins: Origins,
    measured: DataFrame,
    trials: DataFrame,
) -> None:
    by_share = (
        trials.where(F.col("model") != COMBINED)
        .groupBy("model")
        .agg(
            F.count_if(F.col("status") == SCORED).alias("tried"),
            F.count_if(F.col("weight") > 0).alias("used"),
            F.sum("weight").alias("share"),
        )
    )
    shares = {row["model"]: row for row in by_share.collect()}
    failed = trials.where("status = 'failed'").groupBy("model", "reason").count().collect()
    # Side by side on what all were tried on: from the earliest origin there is no weighted mean.
    same = measured.join(
        measured.where(F.col("model") == COMBINED).select("unique_id", "cutoff").distinct(), ["unique_id", "cutoff"],
        "left_semi",
    )  # fmt: skip
    by_model = scored(same, "model").collect()
    by_class = scored(same.where(F.col("model").isin(COMBINED, "seasonal_naive")), "demand_class", "model").collect()
    held = coverages(same.where(F.col("model") == COMBINED), origins.horizon).collect()
    context.counts.detail("trials_failed", sum(row["count"] for row in failed))
    write_report(
        context.report,
        as_of=history.as_of,
        params=params,
        origins=origins,
        series_count=history.series_count,
        shares=shares,
        failed=failed,
        by_model=by_model,
        by_class=by_class,
        held=held,
    )
