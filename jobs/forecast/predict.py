"""forecast.predict: what demand to expect, and how sure that is."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.forecasts.params import PredictParams

JOB = Job(
    name="forecast.predict",
    summary="Forecast each series by its weighted models, with calibrated quantiles, and a fallback where models fail.",
    params=PredictParams,
    body="jobs.forecast.forecasts.body:run",
    reads=(
        Input("jobs.forecast.demand.changes:DEMAND_CHANGES", all_days=True),
        "jobs.forecast.tables:SERIES",
        "jobs.forecast.tables:TRIALS",
        "jobs.forecast.tables:BACKTESTS",
        Input("jobs.forecast.tables:KNOWN_OVERRIDES", optional=True),
        Input("jobs.forecast.tables:REGRESSORS", optional=True, all_days=True),
    ),
    writes=("jobs.forecast.tables:FORECASTS",),
    examples=("--day 2011-12-09", "--env prod --lake s3://bucket/lake --day 2026-11-20 --set horizon=13"),
    next_command="lakejobs run forecast.replenish --lake {lake} {days}",
    as_of_day=True,
    rehearsal=("--day", "2011-12-09"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
