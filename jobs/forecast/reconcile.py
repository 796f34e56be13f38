"""forecast.reconcile: forecasts whose sums agree."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.reconciliation.params import ReconcileParams

JOB = Job(
    name="forecast.reconcile",
    summary="Make the forecasts of all levels of a hierarchy add up, with quantiles of the sums.",
    params=ReconcileParams,
    reads=(
        "jobs.forecast.tables:FORECASTS",
        Input("jobs.forecast.tables:SERIES", where="status IN ('modelled', 'fallback')"),
        Input("jobs.forecast.tables:BACKTESTS", optional=True),
    ),
    writes=("jobs.forecast.tables:RECONCILED", "jobs.forecast.tables:LONGER"),
    step="jobs.forecast.reconciliation.steps:reconciliation",
    check="jobs.forecast.reconciliation.check:sums_are_exact",
    report="jobs.forecast.reconciliation.report:reconciliation_report",
    examples=(
        "--day 2011-12-09",
        "--env prod --lake s3://bucket/lake --day 2026-11-20 --set method=mint_shrink",
        "--env prod --lake s3://bucket/lake --day 2026-11-20 --set temporal=[M]",
    ),
    next_command="lakejobs run forecast.replenish --lake {lake} {days} --set forecasts=reconciled",
    as_of_day=True,
    rehearsal=("--day", "2011-12-09", "--set", "temporal=[M]"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
