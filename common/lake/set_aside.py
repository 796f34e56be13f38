"""Tables for rows that are set aside: quarantined with their reasons, or too late to be merged. Nothing is dropped."""

from __future__ import annotations

from dataclasses import replace

from pyspark.sql.types import ArrayType, DateType, StringType, StructField, StructType, TimestampType

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
    ]
)

LATE_COLUMNS = (
    StructField("_run_id", StringType(), nullable=False),
    StructField("_late_at", TimestampType(), nullable=False),
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


def late_table(table: Table) -> Table:
    """Where rows of a table go that arrive after the days that may still change: the table's columns, run and time."""
    return replace(
        table,
        name=f"{table.family}.late_{table.short_name}",
        layer="quarantine",
        schema=StructType([*table.schema.fields, *LATE_COLUMNS]),
        suite=None,
        description=f"Rows of {table.name} that came too late to be merged",
    )
