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
        Input("jobs.clickstream.tables:EVENT_FILES", optional=True),
        Input("jobs.clickstream.tables:EVENTS_RAW", optional=True),
        Input("jobs.clickstream.tables:EVENTS", optional=True),
    ),
    writes=(
        "jobs.clickstream.tables:EVENTS",
        "jobs.clickstream.tables:EVENTS_RAW",
        "jobs.clickstream.tables:EVENT_FILES",
    ),
    ingests=True,
    examples=(
        "--source apache_combined --input samples/clickstream --from 2015-05-17 --to 2015-05-20",
        "--env prod --lake s3://bucket/lake --source web_events --input s3://shop-landing/events/ --day 2026-11-20",
    ),
    next_command="lakejobs run clickstream.sessionise --lake {lake} {days}",
    rehearsal=(
        *("--source", "apache_combined", "--input", "{samples}/clickstream"),
        *("--from", "2015-05-17", "--to", "2015-05-20"),
        *("--set", "site_hosts=[semicomplete.com, www.semicomplete.com]"),
    ),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
