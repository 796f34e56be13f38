"""Forecasts of what comes: every requested series and period exactly once, whatever happens to a model."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods
from jobs.forecast.trials.buckets import in_buckets
from jobs.forecast.trials.calibration import POOLED_ON, at_level, with_offsets
from jobs.forecast.trials.global_model import NAME as GLOBAL
from jobs.forecast.trials.global_model import Boosting, boosted, failed, in_segments
from jobs.forecast.trials.models import in_sample_scales, laddered_forecast, spread_of
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    import pandas as pd

NO_CHAMPION = "none"
_LOCAL = (
    "unique_id string, ds date, step int, model string, fallback_reason string, y_hat double, spread double, "
    "is_floored boolean"
)
_GLOBAL = "unique_id string, ds date, global_y_hat double, failure string"


def local_forecasts(rows: pd.DataFrame, periods: Periods, horizon: int, season_length: int) -> pd.DataFrame:
    """``horizon`` rows for each series in ``rows`` (unique_id, ds, y, champion, reason); columns of ``_LOCAL``.

    Series whose champion is the global model get what they fall back to.
    """
    import pandas as pd

    found: list[tuple[Any, ...]] = []
    for name, series in rows.sort_values(["unique_id", "ds"]).groupby("unique_id", sort=False):
        y = series["y"].to_numpy(dtype=np.float64)
        champion, why = series["champion"].iloc[0], series["reason"].iloc[0]
        values, model, reason = laddered_forecast(champion, y, horizon, season_length)
        if champion == GLOBAL:
            reason = f"{GLOBAL} gave no forecast"
        fallback_reason = "; ".join(part for part in (why, reason) if part) or None
        spread = spread_of(in_sample_scales(y, season_length)[0])
        last: date = series["ds"].iloc[-1]
        is_floored = bool(np.nanmin(y) >= 0) if np.isfinite(y).any() else True
        for step, value in enumerate(values, start=1):
            found.append(
                (name, periods.plus(last, step), step, model, fallback_reason, float(value), spread, is_floored)
            )
    return pd.DataFrame(found, columns=_names(_LOCAL))


def forecast_locally(
    history: DataFrame,
    periods: Periods,
    *,
    horizon: int,
    season_length: int,
    rows: int,
    rows_per_bucket: int,
    least: int,
) -> DataFrame:
    """``local_forecasts`` of ``history`` inside Spark, in buckets of whole series."""

    def run(series: pd.DataFrame) -> pd.DataFrame:
        return local_forecasts(series, periods, horizon, season_length)

    return in_buckets(history, run, _LOCAL, rows=rows, rows_per_bucket=rows_per_bucket, least=least)


def global_forecasts(rows: pd.DataFrame, horizon: int, how: Boosting) -> pd.DataFrame:
    """Forecasts of the global model for the series in ``rows`` (unique_id, ds, y); columns of ``_GLOBAL``.

    Where the model fails, each series and period has a row with ``failure``, the class of the error, and no value.
    """
    import pandas as pd

    known = rows[["unique_id", "ds", "y"]].assign(ds=pd.to_datetime(rows["ds"])).sort_values(["unique_id", "ds"])
    try:
        forecasts = boosted(known, horizon, how)
    except Exception as error:  # the libraries may raise anything: the fallback of each series records why
        lasts = rows.groupby("unique_id")["ds"].max()
        steps = range(1, horizon + 1)
        missing = [
            (name, how.periods.plus(last, step), None, failed(error)) for name, last in lasts.items() for step in steps
        ]
        return pd.DataFrame(missing, columns=_names(_GLOBAL))
    forecasts = forecasts[np.isfinite(forecasts["y_hat"])]
    days = [moment.date() for moment in forecasts["ds"]]
    return pd.DataFrame(
        {"unique_id": forecasts["unique_id"], "ds": days, "global_y_hat": forecasts["y_hat"], "failure": None}
    )


def _names(schema: str) -> list[str]:
    return [part.split()[0] for part in schema.split(", ")]


def forecast_globally(history: DataFrame, horizon: int, how: Boosting, *, rows: int, rows_limit: int) -> DataFrame:
    """``global_forecasts`` of ``history`` (unique_id, ds, y) inside Spark, a segment a task; maybe no rows."""

    def run(group: pd.DataFrame) -> pd.DataFrame:
        return global_forecasts(group, horizon, how)

    spread = in_segments(history.select("unique_id", "ds", "y"), rows, rows_limit)
    return spread.groupBy("segment").applyInPandas(run, _GLOBAL)


def with_global(local: DataFrame, predicted: DataFrame, champions: DataFrame) -> DataFrame:
    """``local`` forecasts, with the global model's for the series whose champion it is, or why it failed."""
    chosen = champions.where(F.col("champion") == GLOBAL).select("unique_id")
    joined = local.join(predicted.join(chosen, "unique_id", "left_semi"), ["unique_id", "ds"], "left")
    is_global = F.col("global_y_hat").isNotNull()
    return joined.withColumns(
        {
            "model": F.when(is_global, GLOBAL).otherwise(F.col("model")),
            "fallback_reason": F.when(~is_global, F.coalesce("failure", "fallback_reason")),
            "y_hat": F.coalesce("global_y_hat", "y_hat"),
        }
    ).drop("global_y_hat", "failure")


def with_quantiles(forecasts: DataFrame, residuals: DataFrame, *, fewest: int) -> DataFrame:
    """``forecasts`` with a column for each of QUANTILES and ``calibrated_on``; quantiles rise with their level.

    ``residuals`` (model, demand_class, step, r) come from the backtest; a series of zeros has no uncertainty.
    """
    calibrated = with_offsets(forecasts, residuals, list(QUANTILES.values()), fewest=fewest)
    is_zero = F.col("model") == "zero"
    columns = {
        name: F.when(is_zero, F.lit(0.0)).otherwise(
            at_level(position, "y_hat", "spread", is_floored=F.col("is_floored"))
        )
        for position, name in enumerate(QUANTILES)
    }
    label = F.when(is_zero, "no demand at all").otherwise(F.col(POOLED_ON))
    return calibrated.withColumns({**columns, POOLED_ON: label}).drop("offsets", "is_floored")
