"""The body of forecast.backtest: probe for leakage, run all models from all origins, score, choose, publish."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError, InputMissingError
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from jobs.forecast.demand.changes import y_known_on
from jobs.forecast.demand.inputs import CORRECTED, History, read_demand, read_history
from jobs.forecast.demand.series import MODELLED
from jobs.forecast.trials.accuracy import scored, scores
from jobs.forecast.trials.calibration import NORMAL, POOLED_ON, at_level, sampled, spread_column, with_offsets
from jobs.forecast.trials.champions import trials_of, with_champions
from jobs.forecast.trials.global_model import NAME as GLOBAL
from jobs.forecast.trials.global_model import Boosting, backtest_globally
from jobs.forecast.trials.leakage import probed
from jobs.forecast.trials.origins import Origins, backtest_locally
from jobs.forecast.trials.params import MODELS, BacktestParams
from jobs.forecast.trials.report import write_report
from jobs.forecast.trials.tables import BACKTESTS, QUANTILES, TRIALS

if TYPE_CHECKING:
    from common.run.context import RunContext

# Pools of the walk-forward calibration: from this many errors on, over about this many series.
_FEWEST_FOR_QUANTILES = 40
_MOST_SERIES = 5_000


def run(context: RunContext) -> None:
    """One run of forecast.backtest. Raises LakejobsError; ContractError FCT-005 when a forecast saw the future."""
    params, lake = context.params_as(BacktestParams), context.lake
    history = read_history(context, MODELLED)
    origins = Origins.rolling(
        params.models,
        history.last_ds,
        history.periods,
        horizon=params.horizon,
        windows=params.windows,
        stride=params.stride,
        season=params.season_length,
    )
    how = Boosting(history.periods, origins.season_length, params.seed)
    earliest = history.periods.last_day(origins.cutoffs[-1])
    demand = read_demand(context, history, corrected_after=earliest)
    _probe(context, params, demand, origins, how)
    tried = _tried(context, params, history, demand, origins, how).withColumn("as_of_date", F.lit(history.as_of))
    with lake.stage(BACKTESTS, tried) as staged:
        good = staged.rows.where(F.col("step") > 0)
        if good.isEmpty():
            raise InputMissingError(
                "FCT-007",
                "No series is long enough for any origin of the backtest.",
                cause=f"The earliest origin is {origins.cutoffs[-1]}.",
                remedy="Give a longer history, a shorter horizon or fewer windows.",
            )
        classes = history.series.select("unique_id", "demand_class")
        good_of_class = good.join(classes, "unique_id", "inner")
        measured = _with_quantiles(good_of_class, demand, origins, history.series_count).persist()
        trials = with_champions(
            trials_of(staged.rows, scored(measured, "unique_id", "model")).join(classes, "unique_id", "left"),
            _incumbents(context, history.as_of),
            choose_by=params.choose_by,
            tolerance=params.tie_tolerance,
            simplest_first=MODELS,
        ).withColumn("as_of_date", F.lit(history.as_of))
        with lake.stage(TRIALS, trials.select(*TRIALS.schema.names)) as chosen:
            forecasts = pass_gate(context, staged, good.select(*BACKTESTS.schema.names))
            audited = pass_gate(context, chosen)
            _account(context, history, chosen.rows)
            days = DayRange.single(history.as_of)
            lake.replace_days(forecasts, days=days)
            context.fault("backtest.rows_written")
            lake.replace_days(audited, days=days)
            _report(context, params, history, origins, measured, chosen.rows)
        measured.unpersist()
    demand.unpersist()


def _probe(context: RunContext, params: BacktestParams, demand: DataFrame, origins: Origins, how: Boosting) -> None:
    if not params.leakage_probe_series:
        return
    few = demand.where(F.col("ds") <= F.lit(origins.cutoffs[-1])).groupBy("unique_id").count()
    few = few.orderBy(F.col("count").desc(), "unique_id").limit(params.leakage_probe_series).select("unique_id")
    verdicts = probed(demand.join(F.broadcast(few), "unique_id", "left_semi"), origins, how).collect()
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
    context: RunContext, params: BacktestParams, history: History, demand: DataFrame, origins: Origins, how: Boosting
) -> DataFrame:
    least = 4 * context.spark.sparkContext.defaultParallelism
    rows = backtest_locally(demand, origins, rows=history.rows, rows_per_bucket=params.rows_per_bucket, least=least)
    if GLOBAL in params.models:
        rows = rows.unionByName(
            backtest_globally(demand, origins, how, rows=history.rows, rows_limit=params.global_rows_limit)
        )
    return rows


def _with_quantiles(rows: DataFrame, demand: DataFrame, origins: Origins, series: int) -> DataFrame:
    """Backtest rows with quantiles that were calibrated on errors known at their own origin; null at the earliest.

    The errors of an origin are known once its whole horizon has passed, and they are those of ``demand`` (with
    CORRECTED) as it was known at the later origin.
    """
    spread = rows.withColumn("_spread", spread_column())
    uses = [
        (earlier, later, origins.periods.last_day(later))
        for earlier in origins.cutoffs
        for later in origins.cutoffs
        if origins.future(earlier)[-1] <= later
    ]
    if not uses:
        return rows.select("*", *(F.lit(None).cast("double").alias(name) for name in QUANTILES))
    pairs = few_rows(rows.sparkSession, uses, "cutoff date, later date, moment date")
    corrections = demand.where(F.col("later_on").isNotNull()).select("unique_id", "ds", *CORRECTED)
    residual = ((y_known_on("moment") - F.col("y_hat")) / F.col("_spread")).alias("r")
    known = (
        sampled(spread, series, _MOST_SERIES)
        .join(F.broadcast(pairs), "cutoff", "inner")
        .join(corrections, ["unique_id", "ds"], "left")
        .select(F.col("later").alias("cutoff"), "model", "demand_class", "step", "unique_id", residual)
    )
    calibrated = with_offsets(spread, known, list(QUANTILES.values()), fewest=_FEWEST_FOR_QUANTILES, by=("cutoff",))
    is_known = F.col(POOLED_ON) != NORMAL
    quantiles = {
        name: F.when(is_known, at_level(position, "y_hat", "_spread")) for position, name in enumerate(QUANTILES)
    }
    return calibrated.withColumns(quantiles).drop("_spread", POOLED_ON, "offsets")


def _incumbents(context: RunContext, as_of: date) -> DataFrame | None:
    """The champions of the last choice before ``as_of``."""
    if not context.lake.exists(TRIALS):
        return None
    before = context.lake.read(TRIALS).where(F.col("as_of_date") < F.lit(as_of))
    last = before.agg(F.max("as_of_date").alias("day")).first()
    if last is None or last["day"] is None:
        return None
    return before.where((F.col("as_of_date") == F.lit(last["day"])) & F.col("is_champion"))


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
    chosen = trials.where("is_champion").select("unique_id", "model")
    wins = {row["model"]: row["count"] for row in chosen.groupBy("model").count().collect()}
    failed = trials.where("status = 'failed'").groupBy("model", "reason").count().collect()
    by_model = scored(measured, "model").collect()
    series = {
        row["model"]: row["series"]
        for row in measured.groupBy("model").agg(F.countDistinct("unique_id").alias("series")).collect()
    }
    of_choice = measured.join(chosen, ["unique_id", "model"], "left_semi").agg(*scores()).first()
    by_class = scored(
        measured.join(chosen.withColumn("_is_chosen", F.lit(True)), ["unique_id", "model"], "left")
        .withColumn("of", F.when(F.col("_is_chosen"), "the choice").otherwise(F.col("model")))
        .where("_is_chosen OR model = 'seasonal_naive'"),
        "demand_class",
        "of",
    ).collect()
    context.counts.detail("trials_failed", sum(row["count"] for row in failed))
    write_report(
        context.report,
        as_of=history.as_of,
        params=params,
        origins=origins,
        series_count=history.series_count,
        series=series,
        wins=wins,
        failed=failed,
        by_model=by_model,
        of_choice=of_choice,
        by_class=by_class,
    )
