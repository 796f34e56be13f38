"""forecast.replay: what orders by each method would have cost."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.replays.params import ReplayParams

JOB = Job(
    name="forecast.replay",
    summary="Replay the stock of each series on history: service, stock and money of orders by each method and policy.",
    params=ReplayParams,
    body="jobs.forecast.replays.body:run",
    reads=(
        "jobs.forecast.tables:SERIES",
        "jobs.forecast.tables:BACKTESTS",
        Input("jobs.forecast.demand.changes:DEMAND_CHANGES", all_days=True),
        Input("jobs.forecast.tables:STOCK", optional=True, day_column="as_of_day"),
    ),
    writes=("jobs.forecast.tables:REPLAYS",),
    examples=(
        "--day 2011-12-09 --set lead_time_periods=2",
        "--env prod --lake s3://bucket/lake --day 2026-11-20 --set policies=[periodic,continuous]",
    ),
    as_of_day=True,
    rehearsal=("--day", "2011-12-09"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
