"""A job in the middle of a Spark task for two minutes: arguments are a file to touch when there, and the lake."""

import sys
from pathlib import Path

from pyspark.sql.types import LongType, StructField, StructType

from common.config.params import Params
from common.job.declaration import Job
from common.lake.table import Table
from common.run.launch import run_job

ROWS = Table("toy.rows", layer="silver", schema=StructType([StructField("id", LongType(), False)]), keys=("id",))


def body(context):
    ready = sys.argv[1]

    def slow(batches):
        import time

        Path(ready).touch()
        time.sleep(120)
        yield from batches

    context.spark.range(2).repartition(1).mapInArrow(slow, "id long").count()


sys.modules["slow_job"] = sys.modules["__main__"]
job = Job("toy.slow", "Slow.", Params, "slow_job:body", by_day=False, writes=("slow_job:ROWS",))
sys.exit(run_job(job, ["--lake", sys.argv[2], "--run-id", "r", "--set", "lake.lease_seconds=600"]))
