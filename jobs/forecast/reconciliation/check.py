"""The check of forecast.reconcile: there is a forecast, and every aggregate is exactly the sum of its series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import InputMissingError, JobFailedError
from jobs.forecast.reconciliation.params import ReconcileParams
from jobs.forecast.reconciliation.steps import pairs_of

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from common.run.counts import Counts


def sums_are_exact(
    _params: ReconcileParams,
    rows: DataFrame,
    _forecasts: DataFrame,
    series: DataFrame,
    _backtests: DataFrame | None,
    *,
    as_of: date,
    counts: Counts,
) -> None:
    """Raises InputMissingError FCT-034 (no forecast), JobFailedError FCT-035 (a sum is not exact)."""
    if counts.rows_read == 0:
        raise InputMissingError(
            "FCT-034",
            f"There is no forecast as of {as_of}.",
            remedy="Run forecast.predict for that day first.",
        )
    parents = pairs_of(series)
    sums = rows.join(parents, "unique_id", "inner").groupBy(F.col("node").alias("unique_id"), "step")
    found = rows.join(sums.agg(F.sum("y_hat").alias("sum")), ["unique_id", "step"], "inner")
    # No tolerance: values are rounded so that no sum of them is.
    wrong = found.where(F.col("y_hat") != F.col("sum")).count()
    if wrong:
        raise JobFailedError(
            "FCT-035",
            f"Of the forecasts of aggregates, {wrong} are not the sums of their series.",
            remedy="This is a defect of the job: report it with the run record. Nothing was published.",
        )
