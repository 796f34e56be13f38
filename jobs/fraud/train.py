"""fraud.train: models from labelled features, with a card that records every setting that was in effect."""

from __future__ import annotations

import sys

from common.job.declaration import Input, Job
from common.run.launch import run_job
from jobs.fraud.training.params import TrainParams

JOB = Job(
    name="fraud.train",
    summary="Train fraud models on a range of days and store each as a version with a model card.",
    params=TrainParams,
    body="jobs.fraud.training.body:run",
    reads=(
        "jobs.fraud.tables:FEATURE_ROWS",
        "jobs.fraud.tables:LABELS",
        Input("jobs.fraud.tables:MODELS", optional=True),
    ),
    writes=("jobs.fraud.tables:MODELS",),
    examples=("--from 2018-07-25 --to 2018-07-31", "--from 2018-07-25 --to 2018-07-31 --set trees=50"),
    next_command="jobs.fraud.next_commands:after_train",
    days_are_chosen="models are trained on days that somebody chooses",
    rehearsal=("--from", "2018-06-10", "--to", "2018-06-30"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
