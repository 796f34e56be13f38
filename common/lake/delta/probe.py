"""A tiny Delta table, written and read again: whether Spark itself may do so, by its own connector and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import JobFailedError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROBES = "_probes"
"""Where probes lie below the lake root, those of each run in a folder of its own, which it removes."""


def write_and_read(spark: SparkSession, path: str) -> int:
    """Make a table of two rows at a path where nothing is, add two in a second commit, and read it; its rows.

    Raises JobFailedError LAK-015 when another number of rows is read than was written.
    """
    for _ in range(2):
        spark.range(0, 2, 1, 1).write.format("delta").mode("append").save(path)
    rows = spark.read.format("delta").load(path).count()
    if rows != 4:
        raise JobFailedError(
            "LAK-015",
            f"Of 4 rows written to a Delta table, {rows} were read.",
            remedy="The storage does not show what was written: use one with strong consistency.",
        )
    return rows
