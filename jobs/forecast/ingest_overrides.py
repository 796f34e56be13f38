"""forecast.ingest_overrides: what planners know better than the forecast, to bronze and silver."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.overrides.params import IngestOverridesParams

JOB = Job(
    name="forecast.ingest_overrides",
    summary="Ingest each raw file of planners' overrides once: units or factors of coming periods, with their reasons.",
    params=IngestOverridesParams,
    body="jobs.forecast.overrides.body:run",
    reads=(
        Input("jobs.forecast.tables:OVERRIDE_RECORDS", optional=True),
        Input("jobs.forecast.tables:OVERRIDES", optional=True),
    ),
    writes=("jobs.forecast.tables:OVERRIDES", "jobs.forecast.tables:OVERRIDE_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.forecast.overrides.tables:OVERRIDES_FEED",
    required="jobs.forecast.overrides.tables:REQUIRED",
    examples=(
        "--source planner_overrides --input samples/forecast/overrides",
        "--env prod --lake s3://bucket/lake --source conf/plan.yaml --input s3://shop-landing/overrides/2026-11-20/",
    ),
    next_command="lakejobs run forecast.predict --lake {lake} --changed",
    rehearsal=("--source", "planner_overrides", "--input", "{samples}/forecast/overrides"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
