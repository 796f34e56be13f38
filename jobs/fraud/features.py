"""fraud.features: the 15 features of the Fraud Detection Handbook for each transaction, point in time."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.fraud.velocity.params import FeaturesParams

JOB = Job(
    name="fraud.features",
    summary="Build the 15 features of each transaction from what was known at its time.",
    params=FeaturesParams,
    reads=(
        Input("jobs.fraud.tables:TRANSACTIONS", lookback_days="history_days"),
        Input("jobs.fraud.tables:LABELS", optional=True, lookback_days="history_days"),
    ),
    writes=("jobs.fraud.tables:FEATURE_ROWS",),
    step="jobs.fraud.velocity.windows:features",
    check="jobs.fraud.velocity.check:proved",
    plan="jobs.fraud.velocity.check:check_free_columns",
    report="jobs.fraud.velocity.report:features_report",
    examples=("--day 2018-08-08", "--from 2018-04-01 --to 2018-09-30 --set label_delay_days=7"),
    next_command="jobs.fraud.next_commands:after_features",
    rehearsal=("--from", "2018-06-10", "--to", "2018-07-14"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
