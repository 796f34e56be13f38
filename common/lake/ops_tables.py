"""Tables of the suite about itself: what ran, and what the audits said."""

from __future__ import annotations

from pyspark.sql.types import BooleanType, StringType, StructField, StructType, TimestampType

from common.lake.table import Table

QUALITY = Table(
    name="ops.quality",
    layer="ops",
    schema=StructType(
        [
            StructField("run_id", StringType(), nullable=False),
            StructField("job", StringType(), nullable=False),
            StructField("table", StringType(), nullable=False),
            StructField("expectation", StringType(), nullable=False),
            StructField("column", StringType()),
            StructField("severity", StringType(), nullable=False),
            StructField("success", BooleanType(), nullable=False),
            StructField("observed", StringType()),
            StructField("detail", StringType()),
            StructField("checked_at", TimestampType(), nullable=False),
        ]
    ),
    keys=("run_id", "table", "expectation", "column"),
    # What an expectation observed may be a value of a personal column.
    personal_columns=("observed", "detail"),
    description="One row per expectation and run: what the audit of the staged rows found",
)
