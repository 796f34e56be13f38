"""Asks a session what its jobs are doing, and stops them."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PATIENCE_SECONDS = 5.0


@dataclass(frozen=True)
class StageProgress:
    """One active stage: its number, its name and its tasks."""

    stage: int
    name: str
    tasks: int
    done: int
    active: int
    failed: int


def active_stages(spark: SparkSession | None) -> list[StageProgress]:
    """The stages that run now, by number; none without a session or when the JVM does not answer."""
    if spark is None:
        return []
    found = []
    with suppress(Exception):
        tracker = spark.sparkContext.statusTracker()
        for stage in sorted(tracker.getActiveStageIds()):
            info = tracker.getStageInfo(stage)
            if info is not None:
                name = str(info.name).partition(" at ")[0]
                found.append(
                    StageProgress(
                        stage, name, info.numTasks, info.numCompletedTasks, info.numActiveTasks, info.numFailedTasks
                    )
                )
    return found


def cancel_jobs(spark: SparkSession | None) -> None:
    """Cancel all jobs and wait up to five seconds until none is active; says nothing when the JVM has gone.

    Done in its own thread, because each thread has its own connection to the JVM: that of a thread which was
    interrupted in the middle of a call still waits for the answer.
    """
    if spark is None:
        return
    thread = threading.Thread(target=_cancel, args=(spark,), name="lakejobs-cancel", daemon=True)
    thread.start()
    thread.join(timeout=_PATIENCE_SECONDS + 1)


def _cancel(spark: SparkSession) -> None:
    with suppress(Exception):
        context = spark.sparkContext
        context.cancelAllJobs()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while context.statusTracker().getActiveJobsIds() and time.monotonic() < deadline:
            time.sleep(0.05)
