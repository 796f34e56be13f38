"""The tables for rows that are set aside: rejected, with their reasons. Nothing is dropped."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, DateType, LongType, StringType, StructField, StructType, TimestampType

from common.lake.table import Table

QUARANTINE_SCHEMA = StructType(
    [
        StructField("run_id", StringType(), nullable=False),
        StructField("job", StringType(), nullable=False),
        StructField("source_file", StringType()),
        StructField("row_key", StringType()),
        StructField("reasons", ArrayType(StringType(), containsNull=False), nullable=False),
        StructField("row_json", StringType()),
        StructField("event_day", DateType()),
        StructField("quarantined_at", TimestampType(), nullable=False),
        StructField("source_line", LongType()),
        StructField("source_sha256", StringType()),
        StructField("batch_id", StringType()),
    ]
)


def quarantine_table(family: str, job: str) -> Table:
    """The quarantine of one job, ``<family>.quarantine_<job>``: the rows it rejected, each with its reasons.

    It is not partitioned: a broken row may claim any day between the years 1 and 9999.
    """
    return Table(
        name=f"{family}.quarantine_{job.rpartition('.')[2]}",
        layer="quarantine",
        schema=QUARANTINE_SCHEMA,
        keys=(),
        # A rejected row may hold anything, in any place.
        personal_columns=("row_key", "row_json"),
        retention_days=90,
        retention_column="quarantined_at",
        description=f"Rows rejected by {family}.{job.rpartition('.')[2]}, with the reasons",
    )
