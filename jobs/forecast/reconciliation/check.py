"""The check of forecast.reconcile: there is a forecast, and every sum is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyspark.sql import functions as F

from common.errors import InputMissingError, JobFailedError, UsageError
from jobs.forecast.demand.hierarchy import pairs_of
from jobs.forecast.reconciliation.longer import LONGER_THAN, calendar, within
from jobs.forecast.reconciliation.params import ReconcileParams

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from common.run.counts import Counts

_EXACT_BELOW: Final = 2.0**34


def sums_are_exact(
    params: ReconcileParams,
    rows: DataFrame,
    longer: DataFrame,
    forecasts: DataFrame,
    series: DataFrame,
    _backtests: DataFrame | None,
    *,
    as_of: date,
    counts: Counts,
) -> None:
    """Raises InputMissingError FCT-034 (no forecast), UsageError FCT-038, JobFailedError FCT-035 (a sum is not exact).

    FCT-038: a longer period that is not longer.
    """
    if counts.rows_read == 0:
        raise InputMissingError(
            "FCT-034",
            f"There is no forecast as of {as_of}.",
            remedy="Run forecast.predict for that day first.",
        )
    parents = pairs_of(series)
    if params.temporal:
        _check_longer(params, rows, longer, forecasts)
    sums = rows.join(parents, "unique_id", "inner").groupBy(F.col("node").alias("unique_id"), "step")
    found = rows.join(sums.agg(F.sum("y_hat").alias("sum")), ["unique_id", "step"], "inner")
    # No tolerance: values are rounded so that no sum of them is.
    wrong = found.where(F.col("y_hat") != F.col("sum")).count()
    if wrong:
        raise _not_exact(f"Of the forecasts of aggregates, {wrong} are not the sums of their series.")


def _not_exact(sentence: str) -> JobFailedError:
    return JobFailedError(
        "FCT-035",
        sentence,
        remedy="This is a defect of the job: report it with the run record. Nothing was published.",
    )


def _check_longer(params: ReconcileParams, rows: DataFrame, longer: DataFrame, forecasts: DataFrame) -> None:
    freq = forecasts.agg(F.max("freq").alias("freq")).collect()[0]["freq"]
    shorter = [asked for asked in params.temporal if asked not in LONGER_THAN[freq]]
    if shorter:
        raise UsageError(
            "FCT-038",
            f"temporal asks for {', '.join(shorter)}, which is not longer than the periods of the forecast, {freq}.",
            remedy=f"Choose among {', '.join(LONGER_THAN[freq])}."
            if LONGER_THAN[freq]
            else "Leave temporal out: nothing is longer than a year.",
        )
    steps = F.broadcast(calendar(params, forecasts)).select("step", "freq", "ds", "days", "of_days")
    parts = rows.select("unique_id", "step", "y_hat").join(steps, "step", "inner")
    sums = parts.groupBy("unique_id", "freq", "ds").agg(F.sum(within("y_hat")).alias("sum"))
    both = longer.join(sums, ["unique_id", "freq", "ds"], "full")
    # Beyond so many units sums of doubles depend on their order, and those published are in the order of periods.
    is_off = (F.col("y_hat") != F.col("sum")) & (F.abs("sum") < _EXACT_BELOW)
    wrong = both.where(F.col("y_hat").isNull() | F.col("sum").isNull() | is_off).count()
    if wrong:
        raise _not_exact(f"Of the forecasts of longer periods, {wrong} are not the sums of their periods.")
