"""Writes and merges a Delta table of 1000 rows in 4 tasks, and tells where code and interpreter came from.

Arguments: file for the answer, table path, folder for task markers, seconds that each task takes.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow
from pyspark import TaskContext
from pyspark.sql import SparkSession

import common


def main(answer: str, table: str, markers: str, seconds: str) -> None:
    """Runs the round."""
    builder = SparkSession.builder.appName("delta-round")
    builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    spark = builder.config(
        "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    ).getOrCreate()
    rows = spark.range(0, 1000, 1, 4).mapInArrow(marked(markers, float(seconds)), "id long, code string, python string")
    rows.write.format("delta").save(table)
    spark.range(500, 1500).createOrReplaceTempView("newer")
    spark.sql(
        f"MERGE INTO delta.`{table}` AS t USING newer AS s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET t.code = 'merged'"
        " WHEN NOT MATCHED THEN INSERT (id, code, python) VALUES (s.id, 'merged', null)"
    )
    read = spark.read.format("delta").load(table)
    counts = {row["code"]: row["count"] for row in read.groupBy("code").count().collect()}
    pythons = sorted(row["python"] for row in read.where("python is not null").select("python").distinct().collect())
    found = {"counts": counts, "executor_pythons": pythons, "driver_python": sys.executable, "path": sys.path}
    Path(answer).write_text(json.dumps({**found, "driver_code": common.__file__}), encoding="utf-8")
    spark.stop()


def marked(markers: str, seconds: float) -> Callable[[Iterator[pyarrow.RecordBatch]], Iterator[pyarrow.RecordBatch]]:
    """The function of one task: leaves a marker, takes its time, adds where it ran."""

    def rows_of(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
        import common as shipped

        context = TaskContext.get()
        name = f"{context.partitionId()}-{context.attemptNumber()}-{os.getppid()}-{socket.gethostname()}"
        Path(markers, f"started-{name}").touch()
        time.sleep(seconds)
        for batch in batches:
            code = pyarrow.array([shipped.__file__] * batch.num_rows, pyarrow.string())
            python = pyarrow.array([sys.executable] * batch.num_rows, pyarrow.string())
            yield pyarrow.RecordBatch.from_arrays([batch.column(0), code, python], ["id", "code", "python"])
        Path(markers, f"ended-{name}").touch()

    return rows_of


if __name__ == "__main__":
    main(*sys.argv[1:])
