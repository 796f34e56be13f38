"""forecast.ingest_items: what a planner says of items to bronze and silver."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.items.params import IngestItemsParams

JOB = Job(
    name="forecast.ingest_items",
    summary="Ingest each raw file about items once: what replaces what, what is to come, and attributes.",
    params=IngestItemsParams,
    body="jobs.forecast.items.body:run",
    reads=(
        Input("jobs.forecast.tables:ITEM_RECORDS", optional=True),
        Input("jobs.forecast.tables:ITEMS", optional=True),
    ),
    writes=("jobs.forecast.tables:ITEMS", "jobs.forecast.tables:ITEM_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.forecast.items.tables:ITEMS_FEED",
    required="jobs.forecast.items.tables:REQUIRED",
    examples=(
        "--source item_list --input samples/forecast/items",
        "--env prod --lake s3://bucket/lake --source conf/items.yaml --input s3://shop-landing/items/2026-11-20/",
    ),
    next_command="lakejobs run forecast.history --lake {lake} --changed",
    rehearsal=("--source", "item_list", "--input", "{samples}/forecast/items"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
