"""maintenance.maintain: keep the lake's tables in shape."""

from __future__ import annotations

import sys

from common.job.declaration import Job
from common.run.launch import run_job
from jobs.maintenance.upkeep.params import MaintainParams

JOB = Job(
    name="maintenance.maintain",
    summary="Compact small files, delete data past its retention, write checkpoints, and report on small files.",
    params=MaintainParams,
    body="jobs.maintenance.upkeep.body:run",
    maintains_all=True,
    by_day=False,
    plan="jobs.maintenance.upkeep.small_files:plan",
    examples=(
        "--env prod --lake s3://bucket/lake",
        "--env prod --lake s3://bucket/lake --set 'tables=[clickstream.events, fraud.features]' --set vacuum=false",
        "--env prod --lake s3://bucket/lake --plan",
    ),
    rehearsal=("--set", "tables=[clickstream.events, fraud.features, forecast.trials]"),
)

if __name__ == "__main__":
    sys.exit(run_job(JOB))
