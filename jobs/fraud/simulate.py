"""fraud.simulate: labelled card transactions for demonstrations, tests and benchmarks."""

from __future__ import annotations

import sys

from common.job.declaration import Job
from common.run.launch import run_job
from jobs.fraud.simulation.params import SimulateParams

JOB = Job(
    name="fraud.simulate",
    summary="Simulate raw files of card transactions with known frauds, after the Fraud Detection Handbook.",
    params=SimulateParams,
    body="jobs.fraud.simulation.body:run",
    examples=(
        "--from 2018-04-01 --to 2018-07-29 --set customers=500 --set terminals=1000",
        "--from 2018-04-01 --to 2018-09-30 --set seed=7",
    ),
    next_command=(
        "lakejobs run fraud.ingest --lake {lake} --source fraud_simulated --input {lake}/landing/fraud/transactions"
    ),
    feeds=("fraud.ingest", "fraud.ingest_labels"),
    days_are_chosen="a simulated world has the days that somebody chooses",
    rehearsal=(
        *("--from", "2018-04-01", "--to", "2018-07-14"),
        *("--set", "customers=500", "--set", "terminals=1000", "--set", "radius=15"),
        *("--set", "customers_a_day=0.3", "--set", "terminals_a_day=0.2"),
    ),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
