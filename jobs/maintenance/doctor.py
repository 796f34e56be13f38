"""maintenance.doctor: look from inside whether jobs can run here."""

from __future__ import annotations

import sys

from common.job.declaration import Job
from common.run.launch import run_job
from jobs.maintenance.examination.params import DoctorParams

JOB = Job(
    name="maintenance.doctor",
    summary="Look from inside whether jobs can run here: interpreter, versions, credentials, rights, executors.",
    params=DoctorParams,
    body="jobs.maintenance.examination.body:run",
    examines=True,
    by_day=False,
    examples=("--env prod --lake s3://bucket/lake", "--env prod --lake s3://bucket/lake -o json"),
    # Nobody wants to wait long to learn that a store does not answer.
    rehearsal=("--set", "lake.storage_deadline_seconds=20"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
