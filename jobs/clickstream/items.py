"""clickstream.items: the products of events, one row each."""

from __future__ import annotations

import sys

from common.config.params import Params
from common.job.declaration import Job
from common.run.launch import run_job

JOB = Job(
    name="clickstream.items",
    summary="Give every product of every event a row of its own.",
    params=Params,
    reads=("jobs.clickstream.tables:EVENTS",),
    writes=("jobs.clickstream.tables:EVENT_ITEMS",),
    step="jobs.clickstream.products.steps:event_items",
    report="jobs.clickstream.products.report:items_report",
    balance_by=("event_id",),
    left_out="left_out",
    examples=("--day 2026-11-20", "--env prod --lake s3://bucket/lake --changed"),
    rehearsal=("--from", "2015-05-17", "--to", "2015-05-20"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
