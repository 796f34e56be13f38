"""forecast.ingest_calendar: promotions, events and planned prices to bronze and silver."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.regressors.params import IngestCalendarParams

JOB = Job(
    name="forecast.ingest_calendar",
    summary="Ingest each calendar file once: promotions, events and planned prices, each with the day it became known.",
    params=IngestCalendarParams,
    body="jobs.forecast.regressors.body:run",
    reads=(
        Input("jobs.forecast.tables:CALENDAR_RECORDS", optional=True),
        Input("jobs.forecast.tables:CALENDAR", optional=True),
    ),
    writes=("jobs.forecast.tables:CALENDAR", "jobs.forecast.tables:CALENDAR_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.forecast.regressors.tables:CALENDAR_FEED",
    required="jobs.forecast.regressors.tables:REQUIRED",
    examples=(
        "--source planned_calendar --input samples/forecast/calendar",
        "--env prod --lake s3://bucket/lake --source conf/calendar.yaml --input s3://shop-landing/calendar/2026-11-20/",
    ),
    next_command="lakejobs run forecast.backtest --lake {lake} --changed",
    rehearsal=("--source", "planned_calendar", "--input", "{samples}/forecast/calendar"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
