"""fraud.ingest: raw card transactions to bronze and silver."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.fraud.transactions.params import IngestParams

JOB = Job(
    name="fraud.ingest",
    summary="Ingest each raw file of card transactions once: typed, valid, no id twice.",
    params=IngestParams,
    body="jobs.fraud.transactions.body:run",
    reads=(
        Input("jobs.fraud.tables:TRANSACTION_RECORDS", optional=True),
        Input("jobs.fraud.tables:TRANSACTIONS", optional=True),
    ),
    writes=("jobs.fraud.tables:TRANSACTIONS", "jobs.fraud.tables:TRANSACTION_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.fraud.transactions.tables:TRANSACTION_FEED",
    required="jobs.fraud.transactions.tables:TRANSACTION_REQUIRED",
    needs_key=True,
    examples=(
        "--source fraud_handbook --input landing/handbook",
        "--env prod --lake s3://bucket/lake --source conf/cards.yaml --input s3://bank-landing/cards/2026-11-20/",
    ),
    next_command="jobs.fraud.next_commands:after_ingest",
    rehearsal=("--source", "fraud_simulated", "--input", "{lake}/landing/fraud/transactions"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
