"""Forecasts of what comes: every requested series and period exactly once, whatever happens to a model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.changes import days_since_epoch
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.series import MODELLED
from jobs.forecast.regressors.features import as_known
from jobs.forecast.regressors.segments import beside_each_other
from jobs.forecast.trials.buckets import in_buckets
from jobs.forecast.trials.calibration import POOLED_ON, at_level, with_offsets
from jobs.forecast.trials.global_model import Boosting, boosted, failed, in_segments, segments_of
from jobs.forecast.trials.models import Season, fallback_forecast, is_whole, measured_spread, weighted_forecast
from jobs.forecast.trials.tables import QUANTILES
from jobs.forecast.trials.weights import COMBINED

if TYPE_CHECKING:
    import pandas as pd

NO_DEMAND = "no demand at all"
_LOCAL = (
    "unique_id string, ds {period}, step int, model string, fallback_reason string, y_hat double, weight double, "
    "spread double, is_floored boolean, is_whole boolean"
)
_GLOBAL = "unique_id string, ds {period}, model string, global_y_hat double, failure string"


def local_forecasts(rows: pd.DataFrame, periods: Periods, horizon: int, season_length: Season) -> pd.DataFrame:
    """``horizon`` rows for each series in ``rows`` (unique_id, ds, y, models, weights, reason); columns of ``_LOCAL``.

    The last row of a series has its models, their weights, and the reason why there are none. ``weight`` is the share
    of the local models that could forecast the series: 0 where it got a fallback.
    """
    import pandas as pd

    found: list[tuple[Any, ...]] = []
    for name, series in rows.sort_values(["unique_id", "ds"]).groupby("unique_id", sort=False):
        y = series["y"].to_numpy(dtype=np.float64)
        models, shares, why = (series[column].iloc[-1] for column in ("models", "weights", "reason"))
        weights = {} if models is None else dict(zip(models, shares, strict=True))
        values, weight = np.zeros(horizon), 0.0
        reasons: tuple[str, ...] = ()
        if np.nan_to_num(y).any():
            values, weight, reasons = weighted_forecast(weights, y, horizon, season_length)
        model = COMBINED
        if not weight:
            values, model = fallback_forecast(y, horizon, season_length)
            if model == "zero":
                reasons = () if NO_DEMAND in (why or "") else (NO_DEMAND,)
        fallback_reason = "; ".join(part for part in (why, *reasons) if part) or None
        spread, whole = measured_spread(y, season_length), is_whole(y)
        last: date = series["ds"].iloc[-1]
        is_floored = bool(np.nanmin(y) >= 0) if np.isfinite(y).any() else True
        for step, value in enumerate(values, start=1):
            ds = periods.plus(last, step)
            found.append((name, ds, step, model, fallback_reason, float(value), weight, spread, is_floored, whole))
    return pd.DataFrame(found, columns=_names(_LOCAL))


def forecast_locally(
    history: DataFrame,
    periods: Periods,
    *,
    horizon: int,
    season_length: Season,
    rows: int,
    rows_per_bucket: int,
    least: int,
) -> DataFrame:
    """``local_forecasts`` of ``history`` inside Spark, in buckets of whole series."""

    def run(series: pd.DataFrame) -> pd.DataFrame:
        return local_forecasts(series, periods, horizon, season_length)

    return in_buckets(
        history, run, _LOCAL.format(period=periods.sql_type), rows=rows, rows_per_bucket=rows_per_bucket, least=least
    )


def global_forecasts(
    rows: pd.DataFrame,
    models: Sequence[str],
    horizon: int,
    how: Boosting,
    known_regressors: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Forecasts of the global ``models`` for the series in ``rows`` (unique_id, ds, y); columns of ``_GLOBAL``.

    ``known_regressors`` are what ``as_known`` gives of them for the day of the forecast. Where a model fails, each
    series and period has a row with ``failure``, the class of the error, and no value.
    """
    import pandas as pd

    known = rows[["unique_id", "ds", "y"]].assign(ds=pd.to_datetime(rows["ds"])).sort_values(["unique_id", "ds"])
    parts: list[pd.DataFrame] = []
    for model in models:
        try:
            forecasts = boosted(model, known, horizon, how, known_regressors)
        except Exception as error:  # the libraries may raise anything: the fallback of each series records why
            lasts = rows.groupby("unique_id")["ds"].max()
            steps = range(1, horizon + 1)
            missing = [
                (name, how.periods.plus(last, step), model, None, failed(model, error))
                for name, last in lasts.items()
                for step in steps
            ]
            parts.append(pd.DataFrame(missing, columns=_names(_GLOBAL)))
            continue
        forecasts = forecasts[np.isfinite(forecasts["y_hat"])]
        days = [how.periods.named(moment) for moment in forecasts["ds"]]
        values = {"unique_id": forecasts["unique_id"], "ds": days, "model": model}
        parts.append(pd.DataFrame({**values, "global_y_hat": forecasts["y_hat"], "failure": None}))
    return pd.concat(parts, ignore_index=True)


def _names(schema: str) -> list[str]:
    return [part.split()[0] for part in schema.split(", ")]


def forecast_globally(
    history: DataFrame,
    models: Sequence[str],
    horizon: int,
    how: Boosting,
    *,
    rows: int,
    rows_limit: int,
    regressors: DataFrame | None = None,
    as_of: date,
) -> DataFrame:
    """``global_forecasts`` of ``history`` (unique_id, ds, y) inside Spark, a segment per task; maybe no rows."""
    moment = days_since_epoch(as_of)

    def alone(group: pd.DataFrame) -> pd.DataFrame:
        return global_forecasts(group, models, horizon, how)

    def beside(group: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
        return global_forecasts(group, models, horizon, how, as_known(known, moment))

    spread = in_segments(history.select("unique_id", "ds", "y"), rows, rows_limit)
    schema = _GLOBAL.format(period=how.periods.sql_type)
    if regressors is None:
        return spread.groupBy("segment").applyInPandas(alone, schema)
    return beside_each_other(spread, regressors, beside, schema, segments=segments_of(rows, rows_limit))


def with_global(local: DataFrame, predicted: DataFrame, weights: DataFrame) -> DataFrame:
    """``local`` forecasts, with the shares of the global models in them: ``weights`` is unique_id, model, weight.

    A series whose global models failed keeps what it has, and why.
    """
    shares = predicted.join(weights, ["unique_id", "model"], "inner").withColumn(
        "_share", F.when(F.col("global_y_hat").isNotNull(), F.col("weight")).otherwise(0.0)
    )
    sums = shares.groupBy("unique_id", "ds").agg(
        F.sum(F.col("_share") * F.coalesce("global_y_hat", F.lit(0.0))).alias("_sum"),
        F.sum("_share").alias("_behind"),
        F.array_join(F.array_sort(F.collect_set("failure")), "; ").alias("_failure"),
    )
    joined = local.join(sums, ["unique_id", "ds"], "left")
    behind, own = F.coalesce("_behind", F.lit(0.0)), F.col("weight")
    # Rounded, for the order in which shares are summed differs between runs.
    mean = F.round((F.col("y_hat") * own + F.col("_sum")) / (own + behind), 9)
    failure = F.when(F.col("_failure") != "", F.col("_failure"))
    reasons = F.concat_ws("; ", "fallback_reason", failure)
    return joined.withColumns(
        {
            "model": F.when(behind > 0, COMBINED).otherwise(F.col("model")),
            "fallback_reason": F.when(reasons != "", reasons),
            "y_hat": F.when(behind > 0, mean).otherwise(F.col("y_hat")),
        }
    ).drop("_sum", "_behind", "_failure")


def with_quantiles(forecasts: DataFrame, residuals: DataFrame, *, fewest: int, reach: int = 0) -> DataFrame:
    """``forecasts`` with a column for each of QUANTILES and ``calibrated_on``; quantiles rise with their level.

    ``residuals`` (unique_id, model, demand_class, step, r) come from the backtest. A series without any demand has the
    band of its class: the errors there, in units of the middle spread. One that is too short or too constant to have a
    ``spread`` (null) has the one of its class in proportion to its level, counts at least that of a Poisson
    distribution; without any like it, its level. Quantiles of counts are whole numbers.
    """
    measured = F.col("spread").isNotNull() & ~F.isnan("spread")
    others = forecasts.where(~is_zero_of("model") & (F.col("step") == 1) & measured)
    usual = others.groupBy("demand_class").agg(
        F.expr("percentile(spread, 0.5)").alias("_usual"),
        F.expr("percentile(spread / nullif(abs(y_hat), 0), 0.5)").alias("_relative"),
    )
    rows = forecasts.withColumnRenamed("model", "_model").withColumn("model", calibrated_as("_model"))
    rows = rows.join(F.broadcast(usual), "demand_class", "left")
    level = F.abs("y_hat")
    like_others = F.greatest(F.coalesce("_relative", F.lit(1.0)) * level, F.when(F.col("is_whole"), F.sqrt(level)))
    of_class = F.when(is_zero_of("_model") | (level == 0), F.coalesce("_usual", F.lit(0.0))).otherwise(like_others)
    rows = rows.withColumn("spread", F.when(measured & ~is_zero_of("_model"), F.col("spread")).otherwise(of_class))
    calibrated = with_offsets(rows, residuals, list(QUANTILES.values()), fewest=fewest, reach=reach)
    columns = {
        name: at_level(position, "y_hat", "spread", is_floored=F.col("is_floored"), is_whole=F.col("is_whole"))
        for position, name in enumerate(QUANTILES)
    }
    label = F.when(F.col("spread") == 0, NO_DEMAND).otherwise(F.col(POOLED_ON))
    named = calibrated.withColumns({**columns, POOLED_ON: label})
    return named.drop("model", "_usual", "_relative", "offsets", "is_floored", "is_whole", "weight").withColumnRenamed(
        "_model", "model"
    )


def with_class_shares(weights: DataFrame, series: DataFrame) -> DataFrame:
    """``weights`` (unique_id, model, weight) with ``is_of_class``: true in rows for series that no origin could score.

    Such a modelled one of ``series`` (unique_id, status, demand_class) has the mean shares of its class.
    """
    weights = weights.select("unique_id", "model", "weight")
    modelled = series.where(F.col("status") == MODELLED).select("unique_id", "demand_class")
    shares = weights.join(modelled, "unique_id").groupBy("demand_class", "model").agg(F.sum("weight").alias("_sum"))
    whole = shares.groupBy("demand_class").agg(F.sum("_sum").alias("_whole"))
    # Rounded, for the order in which series are summed differs between runs.
    shares = shares.join(whole, "demand_class").withColumn("weight", F.round(F.col("_sum") / F.col("_whole"), 6))
    unscored = modelled.join(weights.select("unique_id").distinct(), "unique_id", "left_anti")
    borrowed = unscored.join(F.broadcast(shares), "demand_class").select("unique_id", "model", "weight")
    return weights.withColumn("is_of_class", F.lit(False)).unionByName(borrowed.withColumn("is_of_class", F.lit(True)))


def is_zero_of(model: str) -> Column:
    """The series had no demand to forecast from."""
    return F.col(model) == "zero"


def calibrated_as(model: str) -> Column:
    """The model whose errors calibrate a forecast: a series without demand has made none."""
    return F.when(is_zero_of(model), COMBINED).otherwise(F.col(model))
