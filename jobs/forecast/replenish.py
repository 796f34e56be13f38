"""forecast.replenish: forecasts to orders."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.orders.params import ReplenishParams

JOB = Job(
    name="forecast.replenish",
    summary="Turn forecasts into reorder points and order quantities for a service level or given costs.",
    params=ReplenishParams,
    reads=(
        Input("jobs.forecast.tables:SERIES", where="status IN ('modelled', 'fallback') AND level IS NULL"),
        "jobs.forecast.tables:FORECASTS",
        "jobs.forecast.tables:BACKTESTS",
        Input("jobs.forecast.tables:STOCK", optional=True, day_column="as_of_day"),
        Input("jobs.forecast.tables:RECONCILED", optional=True),
    ),
    writes=("jobs.forecast.tables:ORDERS",),
    step="jobs.forecast.orders.steps:replenishment",
    check="jobs.forecast.orders.check:forecast_is_long_enough",
    report="jobs.forecast.orders.report:orders_report",
    examples=(
        "--day 2011-12-09 --set lead_time_periods=2 --set service_level=0.95",
        "--env prod --lake s3://bucket/lake --day 2026-11-20 --set holding_cost=0.02 --set shortage_cost=1.5",
    ),
    as_of_day=True,
    rehearsal=("--day", "2011-12-09", "--set", "lead_time_periods=2", "--set", "service_level=0.95"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
