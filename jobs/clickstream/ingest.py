"""clickstream.ingest: raw event files to bronze and silver events."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.clickstream.events.params import IngestParams

JOB = Job(
    name="clickstream.ingest",
    summary="Ingest each raw event file once: typed, deduplicated, clock-corrected events with bots flagged.",
    params=IngestParams,
    body="jobs.clickstream.events.body:run",
    reads=(
        Input("jobs.clickstream.tables:EVENT_RECORDS", optional=True),
        Input("jobs.clickstream.tables:EVENTS", optional=True),
    ),
    writes=("jobs.clickstream.tables:EVENTS", "jobs.clickstream.tables:EVENT_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.clickstream.events.columns:TARGET",
    required="jobs.clickstream.events.columns:REQUIRED",
    needs_key=True,
    examples=(
        "--source apache_combined --input samples/clickstream",
        "--env prod --lake s3://bucket/lake --source web_events --input s3://shop-landing/events/",
    ),
    next_command="lakejobs run clickstream.sessionise --lake {lake} --changed",
    rehearsal=(
        *("--source", "apache_combined", "--input", "{samples}/clickstream"),
        *("--set", "site_hosts=[semicomplete.com, www.semicomplete.com]"),
    ),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
