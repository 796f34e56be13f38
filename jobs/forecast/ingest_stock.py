"""forecast.ingest_stock: counts of stock and open orders to bronze and silver."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.forecast.stock.params import IngestStockParams

JOB = Job(
    name="forecast.ingest_stock",
    summary="Ingest each raw file of stock once: units on hand by series as of the day of counting, and open orders.",
    params=IngestStockParams,
    body="jobs.forecast.stock.body:run",
    reads=(
        Input("jobs.forecast.tables:STOCK_RECORDS", optional=True),
        Input("jobs.forecast.tables:STOCK", optional=True),
    ),
    writes=("jobs.forecast.tables:STOCK", "jobs.forecast.tables:STOCK_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.forecast.stock.tables:STOCK_FEED",
    required="jobs.forecast.stock.tables:REQUIRED",
    examples=(
        "--source stock_counts --input samples/forecast/stock",
        "--env prod --lake s3://bucket/lake --source conf/stock.yaml --input s3://shop-landing/stock/2026-11-20/",
    ),
    next_command="lakejobs run forecast.replenish --lake {lake} --changed",
    rehearsal=("--source", "stock_counts", "--input", "{samples}/forecast/stock"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
