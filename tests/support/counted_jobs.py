"""How many Spark jobs a piece of work starts, as Spark's own store of their states has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.sql import SparkSession

# As a job opens its session; the shared one of the tests plans nothing adaptively.
AS_OPENED = {"spark.sql.adaptive.enabled": "true", "spark.sql.shuffle.partitions": "8"}


def spark_jobs(spark: SparkSession, work: Callable[[], object]) -> int:
    """The number of jobs that ``work`` has started, those of Delta and of broadcasts among them."""
    before = _newest(spark)
    work()
    return _newest(spark) - before


def _newest(spark: SparkSession) -> int:
    context: Any = spark.sparkContext._jsc.sc()  # type: ignore[attr-defined]
    context.listenerBus().waitUntilEmpty()
    jobs: Any = context.statusStore().jobsList(None)
    return max((int(jobs.apply(number).jobId()) for number in range(jobs.size())), default=-1)
