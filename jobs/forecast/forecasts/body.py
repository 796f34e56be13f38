"""The body of forecast.predict: forecast by the chosen models, calibrate, fall back, audit, publish."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, JobFailedError, UsageError
from common.report.wording import plural
from common.run.gate import pass_gate
from common.spark.persisted import Persisted
from jobs.forecast.analogies.cold import NOT_SCORED, cold_starts
from jobs.forecast.analogies.steps import ANALOGY
from jobs.forecast.demand.hours import OF_PERIOD, as_periods, as_stored
from jobs.forecast.demand.inputs import History, read_demand, read_history
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.forecasts.params import PredictParams
from jobs.forecast.forecasts.report import write_report
from jobs.forecast.forecasts.steps import (
    forecast_globally,
    forecast_locally,
    with_class_shares,
    with_global,
    with_quantiles,
)
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.overrides.steps import CONTRADICTORY, INVALID, NO_FORECAST, fitted, judged_overrides, overridden
from jobs.forecast.overrides.tables import KNOWN_OVERRIDES
from jobs.forecast.regressors.declared import WITH_REGRESSORS, Declared
from jobs.forecast.regressors.inputs import Span, kept_regressors
from jobs.forecast.trials.calibration import reach_of, sampled
from jobs.forecast.trials.global_model import GLOBAL_MODELS, Boosting
from jobs.forecast.trials.residuals import of_published, step_residuals
from jobs.forecast.trials.tables import BACKTESTS, TRIALS

if TYPE_CHECKING:
    from logging import Logger

    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of forecast.predict. Raises LakejobsError."""
    params, lake = context.params_as(PredictParams), context.lake
    history = read_history(context, MODELLED, FALLBACK)
    day = DayRange.single(history.as_of)
    trials = lake.read(TRIALS, days=day)
    backtests = lake.read(BACKTESTS, days=day)
    tested = _tested(context, history, trials, backtests)
    horizon = _horizon(params, history, tested)
    kept = Persisted()
    weights = kept.keep(with_class_shares(trials.where("weight > 0"), history.series))
    demand = read_demand(context, history, kept)
    forecasts = _forecasts(context, params, history, demand, weights, horizon, tested.season_lengths, tested.declared)
    # Their usual spread is asked for before their quantiles: every model would run twice.
    forecasts = kept.keep(forecasts)
    classes = history.series.select("unique_id", "demand_class")
    residuals = step_residuals(of_published(backtests), classes)
    residuals = sampled(residuals, history.series_count, params.calibration_series)
    calibrated = with_quantiles(
        forecasts.join(classes, "unique_id", "left"),
        residuals,
        fewest=params.min_calibration,
        reach=reach_of(tested.horizon or horizon),
    )
    cold = cold_starts(
        context,
        history,
        weights.where("NOT is_of_class"),
        kept,
        horizon=horizon,
        alike_by=params.alike_by,
        fewest=params.min_analogues,
        most=params.most_analogues,
    )
    if cold is not None:
        begun = calibrated.join(cold.select("unique_id").distinct(), "unique_id", "left_anti")
        calibrated = begun.select(*cold.columns).unionByName(cold)
    calibrated = _with_overrides(context, history, calibrated)
    calibrated = calibrated.withColumns({"as_of_date": F.lit(history.as_of), "freq": F.lit(history.periods.freq)})
    stored = as_stored(calibrated, OF_PERIOD)
    with lake.stage(FORECASTS, stored.select(*FORECASTS.schema.names)) as staged:
        rows = as_periods(staged.rows, history.periods, OF_PERIOD)
        _check_complete(rows, history, horizon)
        audited = pass_gate(context, staged)
        context.fault("predict.audited")
        written = lake.replace_days(audited, days=day)
        # Rounded up: one row too many must not balance.
        context.counts.add(rows_read=history.series_count, rows_written=-(-written.rows_written // horizon))
        context.counts.detail("forecast_rows", written.rows_written)
        _report(context, params, history, demand, rows, horizon)
    kept.forget()


def _with_overrides(context: RunContext, history: History, forecasts: DataFrame) -> DataFrame:
    """``forecasts`` with the planners' overrides that hold; each is counted by what became of it."""
    if not context.lake.exists(KNOWN_OVERRIDES):
        empty = {"statistical_y_hat": "double", "override_reason": "string"}
        return forecasts.withColumns({name: F.lit(None).cast(kind) for name, kind in empty.items()})
    made = judged_overrides(context.lake.read(KNOWN_OVERRIDES), history.as_of)
    steps = forecasts.select("unique_id", "ds")
    fits = fitted(made, steps)
    fates = {row["fate"]: row["count"] for row in fits.groupBy("fate").count().collect()}
    for fate, number in sorted(fates.items()):
        context.counts.detail(f"overrides_{fate.replace(' ', '_')}", number)
    said = {
        INVALID: "invalid",
        CONTRADICTORY: "contradictory",
        NO_FORECAST: "of a series or period that is not forecast",
    }
    lost = [f"{fates[fate]} {words}" for fate, words in said.items() if fates.get(fate)]
    if lost:
        count = sum(fates.get(fate, 0) for fate in said)
        context.warn(f"In forecast.overrides, {plural(count, 'override')} without effect: {', '.join(lost)}.")
    return overridden(forecasts, fits)


@dataclass(frozen=True)
class _Tested:
    """What the backtest of the day tried: the longest horizon, and seasons; None when no series was long enough."""

    horizon: int | None
    season_lengths: tuple[int, ...] | None
    declared: Declared = field(default_factory=Declared)


def _tested(context: RunContext, history: History, trials: DataFrame, backtests: DataFrame) -> _Tested:
    """Raises InputMissingError FCT-008 when there are series to be modelled and no backtest of the day."""
    seasons = F.max(F.coalesce("season_lengths", F.array("season_length")))
    tried = trials.agg(seasons.alias("seasons")).first()
    if tried is None or tried["seasons"] is None:
        if not history.series.where(F.col("status") == MODELLED).isEmpty():
            raise InputMissingError(
                "FCT-008",
                f"There is no backtest as of {history.as_of}.",
                remedy="Run forecast.backtest for that day first.",
            )
        return _Tested(None, None)
    steps = backtests.agg(F.max("step").alias("steps")).first()
    horizon = None if steps is None else steps["steps"]
    if horizon is None:
        context.warn(
            "No model was tested: every series is forecast by a fallback, with bands by the normal distribution."
        )
    kept = trials.where(F.col("regressors").isNotNull()).select("regressors").first()
    return _Tested(horizon, tuple(tried["seasons"]), Declared.of_map(kept["regressors"] if kept else None))


def _horizon(params: PredictParams, history: History, tested: _Tested) -> int:
    """Raises UsageError FCT-013 when more periods are asked for than were tested."""
    if tested.horizon is None:
        return params.horizon or history.periods.horizon
    if params.horizon is not None and params.horizon > tested.horizon:
        raise UsageError(
            "FCT-013",
            f"The backtest tried {plural(tested.horizon, 'period')} ahead, {params.horizon} are asked for.",
            cause="Nobody knows how wrong forecasts further ahead are, so they can have no honest bands.",
            remedy=f"Run forecast.backtest with horizon={params.horizon}, or ask for fewer periods.",
        )
    return params.horizon or tested.horizon


def _forecasts(
    context: RunContext,
    params: PredictParams,
    history: History,
    demand: DataFrame,
    weights: DataFrame,
    horizon: int,
    seasons_tested: tuple[int, ...] | None,
    declared: Declared,
) -> DataFrame:
    season = seasons_tested or history.periods.season_lengths
    lists = weights.groupBy("unique_id", "is_of_class").agg(
        F.sort_array(F.collect_list(F.struct("model", "weight"))).alias("_pairs")
    )
    lists = lists.select(
        "unique_id", "is_of_class", F.col("_pairs.model").alias("models"), F.col("_pairs.weight").alias("weights")
    )
    plans = history.series.select("unique_id", "reason").join(lists, "unique_id", "left")
    why = F.when(F.col("models").isNull(), F.coalesce("reason", F.lit(NOT_SCORED)))
    why = why.when(F.col("is_of_class"), f"{NOT_SCORED}: the shares are those of its class")
    planned = demand.join(plans.withColumn("reason", why), "unique_id", "inner")
    # Said once per series, not with each of its thousands of periods.
    is_last = F.col("ds") == history.periods.literal(history.last_ds)
    planned = planned.withColumns({name: F.when(is_last, F.col(name)) for name in ("models", "weights", "reason")})
    local = forecast_locally(
        planned,
        history.periods,
        horizon=horizon,
        season_length=season,
        rows=history.rows,
        rows_per_bucket=params.rows_per_bucket,
        least=4 * context.spark.sparkContext.defaultParallelism,
    )
    used = weights.where(F.col("model").isin(*GLOBAL_MODELS)).select("model").distinct()
    models = sorted(row["model"] for row in used.collect())
    if not models:
        return local
    modelled = demand.join(history.series.where(F.col("status") == MODELLED), "unique_id", "left_semi")
    how = Boosting(history.periods, season, params.seed, declared.by_name)
    regressors = None
    if set(models) & set(WITH_REGRESSORS):
        regressors = kept_regressors(context, declared, Span(history, (), horizon))
    predicted = forecast_globally(
        modelled,
        models,
        horizon,
        how,
        rows=history.rows,
        rows_limit=params.global_rows_limit,
        regressors=regressors,
        as_of=history.as_of,
    )
    return with_global(local, predicted, weights)


def _check_complete(rows: DataFrame, history: History, horizon: int) -> None:
    """Raises JobFailedError FCT-009 unless each requested series and period is there exactly once."""
    found = rows.groupBy("unique_id").agg(F.count(F.lit(1)).alias("rows"), F.countDistinct("ds").alias("periods"))
    whole = found.agg(
        F.count_if((F.col("rows") == horizon) & (F.col("periods") == horizon)).alias("whole"),
        F.count(F.lit(1)).alias("all"),
    ).first()
    if whole is None or whole["whole"] != history.series_count or whole["all"] != history.series_count:
        raise JobFailedError(
            "FCT-009",
            f"Of {history.series_count} series, {0 if whole is None else whole['whole']} have each period once.",
            remedy="This is a defect of the job: report it with the run record. Nothing was published.",
        )


def warn_of_failures(log: Logger, rows: DataFrame) -> None:
    """Log for how many series of ``rows`` (FORECASTS) a global model failed, by class of error."""
    broke = F.col("fallback_reason").rlike(f"({'|'.join(GLOBAL_MODELS)}) failed")
    failures = rows.where((F.col("step") == 1) & broke)
    for row in failures.groupBy("fallback_reason").count().orderBy("fallback_reason").limit(20).collect():
        log.warning("%s: %s series use a fallback", row["fallback_reason"], row["count"])


def _report(
    context: RunContext, params: PredictParams, history: History, demand: DataFrame, rows: DataFrame, horizon: int
) -> None:
    own = history.series.where(F.col("level").isNull())
    top = own.orderBy(F.col("value").desc(), "unique_id").limit(params.report_top)
    names = {row["unique_id"]: row["item_name"] or "" for row in top.select("unique_id", "item_name").collect()}
    recent = history.periods.literal(history.periods.plus(history.last_ds, -3 * horizon))
    wanted = F.col("unique_id").isin(list(names))
    warn_of_failures(context.log, rows)
    models = rows.where("step = 1").groupBy("model").count().collect()
    context.counts.detail("series_by_analogy", sum(row["count"] for row in models if row["model"] == ANALOGY))
    write_report(
        context.report,
        as_of=history.as_of,
        horizon=horizon,
        series_count=history.series_count,
        names=names,
        past=demand.where(wanted & (F.col("ds") > recent)).orderBy("unique_id", "ds").collect(),
        coming=rows.where(wanted).orderBy("unique_id", "ds").collect(),
        totals=rows.join(own, "unique_id", "left_semi")
        .groupBy("ds")
        .agg(F.sum("y_hat").alias("y_hat"))
        .orderBy("ds")
        .collect(),
        fallbacks=rows.where("step = 1 AND fallback_reason IS NOT NULL")
        .groupBy("model", "fallback_reason")
        .count()
        .orderBy(F.col("count").desc(), "model")
        .limit(20)
        .collect(),
        models=models,
        pools=rows.groupBy("calibrated_on").count().collect(),
    )
