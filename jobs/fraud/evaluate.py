"""fraud.evaluate: how good models are on later days, by the definitions of the Fraud Detection Handbook."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.fraud.evaluation.params import EvaluateParams

JOB = Job(
    name="fraud.evaluate",
    summary="Measure models on days after their training: AUC, average precision, card precision within a budget.",
    params=EvaluateParams,
    body="jobs.fraud.evaluation.body:run",
    reads=(
        "jobs.fraud.tables:FEATURE_ROWS",
        "jobs.fraud.tables:LABELS",
        "jobs.fraud.tables:MODELS",
        # What an earlier run has left of the same test.
        Input("jobs.fraud.tables:EVALUATIONS", optional=True, all_days=True),
    ),
    writes=("jobs.fraud.tables:EVALUATIONS",),
    examples=("--from 2018-08-08 --to 2018-08-14", "--from 2018-08-08 --to 2018-08-14 --set top_k=50"),
    next_command="lakejobs run fraud.score --lake {lake} --day {first}",
    days_are_chosen="models are measured on days that somebody chooses, after those of their training",
    rehearsal=("--from", "2018-07-08", "--to", "2018-07-14", "--set", "top_k=10"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
