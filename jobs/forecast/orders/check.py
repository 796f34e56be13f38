"""The check of forecast.replenish: there is something to order for, and the forecast reaches as far as an order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import ContractError, InputMissingError, UsageError
from common.report.wording import plural
from jobs.forecast.demand.inputs import no_series
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.orders.params import ReplenishParams
from jobs.forecast.orders.policy import Policy, policy_of
from jobs.forecast.orders.steps import chosen_forecasts
from jobs.forecast.orders.suppliers import with_terms
from jobs.forecast.stock.steps import terms_as_of

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from common.run.counts import Counts


def forecast_is_long_enough(
    params: ReplenishParams,
    _orders: DataFrame,
    series: DataFrame,
    forecasts: DataFrame,
    _backtests: DataFrame | None,
    stock: DataFrame | None,
    reconciled: DataFrame | None,
    *,
    as_of: date,
    counts: Counts,
) -> None:
    """Raises InputMissingError FCT-004 (no series), FCT-036 (no coherent forecasts), UsageError FCT-010 (an order must
    last longer), ContractError FCT-012 (a series has several stocks).
    """
    if counts.rows_read == 0:
        raise no_series(as_of, MODELLED, FALLBACK)
    policy = policy_of(params)
    lead_time = policy.lead_time_periods
    if stock is not None:
        _check_stock(stock)
        lead_time = _longest_lead_time(series, stock, policy, as_of)
    chosen = chosen_forecasts(params, forecasts, reconciled)
    if params.forecasts == "reconciled":
        check_reconciled(forecasts, chosen, as_of)
    found = chosen.agg(F.max("step").alias("steps")).first()
    steps = 0 if found is None or found["steps"] is None else found["steps"]
    lasts = lead_time + policy.review_periods
    if steps < lasts:
        raise UsageError(
            "FCT-010",
            f"The forecast covers {plural(steps, 'period')}, but an order must last {lasts}.",
            cause=f"{plural(lead_time, 'period')} of lead time and {policy.review_periods} until the next review.",
            remedy="Run forecast.predict for that day, with a longer horizon in forecast.backtest, or shorten the two.",
        )


def _longest_lead_time(series: DataFrame, stock: DataFrame, policy: Policy, as_of: date) -> int:
    facts = with_terms(series.select("unique_id", "freq"), terms_as_of(stock, as_of), policy)
    found = facts.agg(F.max("lead_time_periods").alias("longest")).first()
    return policy.lead_time_periods if found is None or found["longest"] is None else int(found["longest"])


def check_reconciled(forecasts: DataFrame, reconciled: DataFrame, as_of: date) -> None:
    """Raises InputMissingError FCT-036 unless ``reconciled`` (RECONCILED) was made from ``forecasts`` (FORECASTS)."""
    before = reconciled.select("unique_id", "step", F.col("base_y_hat").alias("_before"))
    found = forecasts.join(before, ["unique_id", "step"], "left")
    if not found.where(F.col("_before").isNull() | (F.col("_before") != F.col("y_hat"))).isEmpty():
        raise InputMissingError(
            "FCT-036",
            f"There are no coherent forecasts of what forecast.predict last said as of {as_of}.",
            remedy="Run forecast.reconcile for that day, or set forecasts=base.",
        )


def _check_stock(stock: DataFrame) -> None:
    # Counts have a day, and the last one holds; a table that the company's own system writes has one row per series.
    repeated = stock.where("as_of_day IS NULL").groupBy("unique_id").count().where("count > 1").count()
    if repeated:
        raise ContractError(
            "FCT-012",
            f"forecast.stock has more than one row for {plural(repeated, 'series')}.",
            cause="The stock of a series would count twice, and so would its order.",
            remedy="Write one row per unique_id to forecast.stock: all units on hand, and all on order.",
        )
