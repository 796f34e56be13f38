"""fraud.ingest_labels: reports about transactions, a separate feed that arrives later."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.fraud.transactions.params import IngestLabelsParams

JOB = Job(
    name="fraud.ingest_labels",
    summary="Ingest reports of fraud and their withdrawals, with the time at which each became known.",
    params=IngestLabelsParams,
    body="jobs.fraud.transactions.labels_body:run",
    reads=(
        "jobs.fraud.tables:TRANSACTIONS",
        Input("jobs.fraud.tables:LABEL_RECORDS", optional=True),
        Input("jobs.fraud.tables:LABELS", optional=True),
    ),
    writes=("jobs.fraud.tables:LABELS", "jobs.fraud.tables:LABEL_RECORDS"),
    by_day=False,
    ingests=True,
    target="jobs.fraud.transactions.tables:LABEL_FEED",
    required="jobs.fraud.transactions.tables:LABEL_REQUIRED",
    examples=(
        "--source fraud_handbook_labels --input landing/handbook",
        "--env prod --lake s3://bucket/lake --source conf/chargebacks.yaml --input s3://bank-landing/chargebacks/",
    ),
    next_command="lakejobs run fraud.features --lake {lake} --changed",
    rehearsal=("--source", "fraud_simulated_labels", "--input", "{lake}/landing/fraud/labels"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
