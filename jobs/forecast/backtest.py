"""forecast.backtest: how good each model would have been."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.trials.params import BacktestParams

JOB = Job(
    name="forecast.backtest",
    summary="Try every model on every series from rolling origins, score all trials, weigh the models of each series.",
    params=BacktestParams,
    body="jobs.forecast.trials.body:run",
    reads=(
        Input("jobs.forecast.demand.changes:DEMAND_CHANGES", all_days=True),
        "jobs.forecast.tables:SERIES",
        Input("jobs.forecast.tables:SALES", optional=True, all_days=True, only_if="regressors"),
        Input("jobs.forecast.tables:CALENDAR", optional=True, only_if="regressors"),
        Input("jobs.forecast.tables:CLICKSTREAM_EVENTS", optional=True, all_days=True, only_if="regressors"),
        Input("jobs.forecast.tables:REGRESSORS", optional=True, all_days=True),
    ),
    writes=("jobs.forecast.tables:TRIALS", "jobs.forecast.tables:BACKTESTS", "jobs.forecast.tables:REGRESSORS"),
    examples=(
        "--day 2011-12-09",
        "--env prod --lake s3://bucket/lake --day 2026-11-20 --set windows=6 --set horizon=4",
    ),
    next_command="lakejobs run forecast.predict --lake {lake} {days}",
    as_of_day=True,
    rehearsal=("--day", "2011-12-09"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
