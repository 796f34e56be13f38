"""forecast.ingest: raw sales to bronze and silver."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.sales.params import IngestParams

JOB = Job(
    name="forecast.ingest",
    summary="Ingest each raw file of sales lines or ready-made series once: typed, valid, no line twice.",
    params=IngestParams,
    body="jobs.forecast.sales.body:run",
    reads=(
        Input("jobs.forecast.tables:SALE_RECORDS", optional=True),
        Input("jobs.forecast.tables:SALES", optional=True),
    ),
    writes=("jobs.forecast.tables:SALES", "jobs.forecast.tables:SALE_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.forecast.sales.tables:SALES_FEED",
    required="jobs.forecast.sales.tables:REQUIRED",
    needs_key=True,
    examples=(
        "--source online_retail_uci --input samples/forecast/online_retail_uci",
        "--env prod --lake s3://bucket/lake --source conf/tills.yaml --input s3://shop-landing/sales/2026-11-20/",
    ),
    next_command="lakejobs run forecast.history --lake {lake} --changed",
    rehearsal=("--source", "online_retail_uci", "--input", "{samples}/forecast/online_retail_uci"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
