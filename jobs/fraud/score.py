"""fraud.score: a probability for each transaction of a day, alerts within a budget, reasons for each alert."""

from __future__ import annotations

import sys

from common.job.declaration import Job
from common.run.launch import run_job
from jobs.fraud.scoring.params import ScoreParams

JOB = Job(
    name="fraud.score",
    summary="Score the transactions of a range of days; raise alerts within the daily budget, with reasons.",
    params=ScoreParams,
    body="jobs.fraud.scoring.body:run",
    reads=("jobs.fraud.tables:FEATURE_ROWS", "jobs.fraud.tables:MODELS"),
    writes=("jobs.fraud.tables:SCORES",),
    examples=("--day 2018-08-08", "--day 2018-08-08 --set alerts_per_day=50 --set algorithm=logistic_regression"),
    # The model is the newest that was known when the days of the run began.
    days_alone=True,
    rehearsal=("--day", "2018-07-14", "--set", "alerts_per_day=10"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
