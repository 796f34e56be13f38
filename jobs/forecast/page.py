"""forecast.page: the planner's page."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.planning.params import PageParams

JOB = Job(
    name="forecast.page",
    summary="The planner's page: what to order and why, what changed, what is exceptional, how good the forecasts are.",
    params=PageParams,
    body="jobs.forecast.planning.body:run",
    reads=(
        Input("jobs.forecast.demand.changes:DEMAND_CHANGES", all_days=True),
        "jobs.forecast.tables:SERIES",
        "jobs.forecast.tables:FORECASTS",
        "jobs.forecast.tables:TRIALS",
        "jobs.forecast.tables:BACKTESTS",
        Input("jobs.forecast.tables:ORDERS", optional=True),
        Input("jobs.forecast.tables:STOCK", optional=True, day_column="as_of_day"),
        Input("jobs.forecast.tables:RECONCILED", optional=True),
        Input("jobs.forecast.tables:REGRESSORS", optional=True, all_days=True),
    ),
    writes=("jobs.forecast.tables:REVIEWS", "jobs.forecast.tables:VALUE_ADDED"),
    examples=("--day 2011-12-09", "--env prod --lake s3://bucket/lake --day 2026-11-20 --set report_top=20"),
    as_of_day=True,
    rehearsal=("--day", "2011-12-09"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
