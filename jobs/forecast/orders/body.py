"""The body of forecast.replenish: lead-time demand, reorder points, orders, audit, publish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import UsageError
from common.report.wording import plural
from common.run.gate import pass_gate
from jobs.forecast.demand.inputs import History, read_history
from jobs.forecast.demand.series import FALLBACK, MODELLED
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.orders.params import ReplenishParams
from jobs.forecast.orders.report import write_report
from jobs.forecast.orders.steps import Policy, lead_time_demand, orders
from jobs.forecast.orders.tables import ORDERS, STOCK
from jobs.forecast.trials.calibration import sampled
from jobs.forecast.trials.residuals import path_residuals
from jobs.forecast.trials.tables import BACKTESTS

if TYPE_CHECKING:
    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of forecast.replenish. Raises LakejobsError."""
    params, lake = context.params_as(ReplenishParams), context.lake
    history = read_history(context, MODELLED, FALLBACK)
    day = DayRange.single(history.as_of)
    forecasts = lake.read(FORECASTS, days=day)
    policy = Policy(params.lead_time_periods, params.review_periods, params.critical_ratio, params.pack_size)
    _check_horizon(forecasts, policy)
    facts = history.series.select("unique_id", "item_name", "demand_class")
    residuals = path_residuals(
        lake.read(BACKTESTS, days=day),
        facts.select("unique_id", "demand_class"),
        (policy.lead_time_periods, policy.protection_periods),
    )
    residuals = sampled(residuals, history.series_count, params.calibration_series)
    stock = lake.read(STOCK) if lake.exists(STOCK) else None
    demand = lead_time_demand(forecasts, policy).join(facts, "unique_id", "left")
    rows = orders(demand, residuals, stock, policy, fewest=params.min_calibration)
    rows = rows.withColumn("as_of_date", F.lit(history.as_of)).select(*ORDERS.schema.names)
    with lake.stage(ORDERS, rows) as staged:
        audited = pass_gate(context, staged)
        context.fault("replenish.audited")
        written = lake.replace_days(audited, days=day)
        context.counts.add(rows_read=history.series_count, rows_written=written.rows_written)
        _report(context, params, history, policy, staged.rows, stock is not None)


def _check_horizon(forecasts: DataFrame, policy: Policy) -> None:
    """Raises UsageError FCT-010 when the forecast is shorter than what an order must last."""
    found = forecasts.agg(F.max("step").alias("steps")).first()
    steps = 0 if found is None or found["steps"] is None else found["steps"]
    if steps < policy.protection_periods:
        raise UsageError(
            "FCT-010",
            f"The forecast reaches {plural(steps, 'period')} ahead, an order must last {policy.protection_periods}.",
            cause=f"{plural(policy.lead_time_periods, 'period')} of lead time "
            f"and {policy.review_periods} until the next review.",
            remedy="Run forecast.predict for that day, with a longer horizon in forecast.backtest, or shorten the two.",
        )


def _report(
    context: RunContext,
    params: ReplenishParams,
    history: History,
    policy: Policy,
    rows: DataFrame,
    has_stock: bool,
) -> None:
    ranked = rows.join(history.series.select("unique_id", "value"), "unique_id", "left")
    totals = rows.agg(
        F.count_if(F.col("order_quantity") > 0).alias("orders"),
        F.sum("order_quantity").alias("units"),
        F.sum("safety_stock").alias("safety_stock"),
        F.sum("lead_time_demand").alias("lead_time_demand"),
    ).first()
    write_report(
        context.report,
        as_of=history.as_of,
        freq=history.periods.freq,
        policy=policy,
        by_cost=params.holding_cost is not None,
        has_stock=has_stock,
        totals=totals,
        top=ranked.orderBy(F.col("value").desc(), "unique_id").limit(params.report_top).collect(),
    )
