"""clickstream.sessionise: events to sessions, day by day."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.clickstream.sessions.params import SessioniseParams

JOB = Job(
    name="clickstream.sessionise",
    summary="Cut each visitor's events into sessions day by day, with the result of a full recompute.",
    params=SessioniseParams,
    body="jobs.clickstream.sessions.body:run",
    reads=(
        "jobs.clickstream.tables:EVENTS",
        Input("jobs.clickstream.tables:SESSION_EVENTS", optional=True),
        Input("jobs.clickstream.tables:SESSIONS", optional=True),
    ),
    writes=("jobs.clickstream.tables:SESSION_EVENTS", "jobs.clickstream.tables:SESSIONS"),
    examples=(
        "--from 2015-05-17 --to 2015-05-20",
        "--env prod --lake s3://bucket/lake --day 2026-11-20 --set gap_minutes=30",
    ),
    # The bundled log is that of a site that sells nothing.
    rehearsal=("--from", "2015-05-17", "--to", "2015-05-20", "--set", "conversion_events=[]"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
