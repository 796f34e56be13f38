"""forecast.history: sales lines to demand history."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.demand.params import HistoryParams

JOB = Job(
    name="forecast.history",
    summary="Turn sales into demand: returns netted, no period missing, each series classified or left out.",
    params=HistoryParams,
    body="jobs.forecast.demand.body:run",
    reads=(
        Input("jobs.forecast.tables:SALES", day_column="sold_day"),
        Input("jobs.forecast.tables:FRAUD_LABELS", optional=True, only_if="leave_out_fraud"),
        Input("jobs.forecast.tables:CLICKSTREAM_EVENTS", optional=True, only_if="purchases_from_clickstream"),
        # A plan holds from a day that may be to come, so its days are not those of the demand.
        Input("jobs.forecast.tables:ITEMS", optional=True, all_days=True),
        Input("jobs.forecast.tables:STOCK", optional=True, all_days=True),
        Input("jobs.forecast.tables:DEMAND", optional=True),
    ),
    writes=(
        "jobs.forecast.demand.changes:DEMAND_CHANGES",
        "jobs.forecast.tables:DEMAND",
        "jobs.forecast.tables:SERIES",
    ),
    examples=(
        "--from 2010-12-01 --to 2011-12-09 --set max_series=150",
        "--env prod --lake s3://bucket/lake --from 2024-11-20 --to 2026-11-20 --set freq=D",
    ),
    next_command="lakejobs run forecast.backtest --lake {lake} --day {last}",
    # Series are judged by all of their history, and a return takes units off an earlier period.
    days_are_one=True,
    rehearsal=("--from", "2010-12-01", "--to", "2011-12-09", "--set", "max_series=150"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
