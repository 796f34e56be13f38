"""Tables of the suite about itself: what ran, what the audits said, and what runs have cost."""

from __future__ import annotations

from pyspark.sql.types import (
    BooleanType,
    DateType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.lake.table import Table
from common.run.counts import NAMES

QUALITY = Table(
    name="ops.quality",
    layer="ops",
    schema=StructType(
        [
            StructField("run_id", StringType(), nullable=False),
            StructField("attempt", IntegerType(), nullable=False),
            StructField("job", StringType(), nullable=False),
            StructField("position", IntegerType(), nullable=False),
            StructField("table", StringType(), nullable=False),
            StructField("expectation", StringType(), nullable=False),
            StructField("column", StringType()),
            StructField("severity", StringType(), nullable=False),
            StructField("success", BooleanType(), nullable=False),
            StructField("observed", StringType()),
            StructField("detail", StringType()),
            StructField("started_at", TimestampType(), nullable=False),
        ]
    ),
    keys=("run_id", "attempt", "position"),
    # What an expectation observed may be a value of a personal column.
    personal_columns=("observed", "detail"),
    description="One row per expectation of each attempt of a run: what its audits of staged rows found",
)

RUNS = Table(
    name="ops.runs",
    layer="ops",
    schema=StructType(
        [
            StructField("run_id", StringType(), nullable=False),
            StructField("attempt", IntegerType(), nullable=False),
            StructField("job", StringType(), nullable=False),
            StructField("env", StringType(), nullable=False),
            StructField("first_day", DateType()),
            StructField("last_day", DateType()),
            StructField("status", StringType(), nullable=False),
            StructField("exit_code", IntegerType(), nullable=False),
            StructField("error_code", StringType()),
            StructField("started_at", TimestampType(), nullable=False),
            StructField("ended_at", TimestampType(), nullable=False),
            StructField("seconds", DoubleType(), nullable=False),
            *(StructField(name, LongType(), nullable=False) for name in NAMES),
            StructField("code_version", StringType(), nullable=False),
            StructField("record_json", StringType(), nullable=False),
        ]
    ),
    keys=("run_id", "attempt"),
    description="One row for each attempt of each run, done or failed; record_json is the whole run record",
)

COSTS = Table(
    name="ops.costs",
    layer="ops",
    schema=StructType(
        [
            StructField("run_id", StringType(), nullable=False),
            StructField("attempt", IntegerType(), nullable=False),
            StructField("job", StringType(), nullable=False),
            StructField("place", StringType(), nullable=False),
            StructField("service_run_id", StringType(), nullable=False),
            StructField("region", StringType()),
            StructField("architecture", StringType(), nullable=False),
            StructField("started_at", TimestampType()),
            StructField("ended_at", TimestampType()),
            StructField("seconds", DoubleType(), nullable=False),
            StructField("vcpu_hours", DoubleType()),
            StructField("memory_gb_hours", DoubleType()),
            StructField("storage_gb_hours", DoubleType()),
            StructField("instance_hours", DoubleType()),
            StructField("machines_usd", DoubleType(), nullable=False),
            StructField("fee_usd", DoubleType(), nullable=False),
            StructField("disk_usd", DoubleType(), nullable=False),
            StructField("total_usd", DoubleType(), nullable=False),
            StructField("cheapest_place", StringType()),
            StructField("cheapest_usd", DoubleType()),
            StructField("prices_region", StringType(), nullable=False),
            StructField("prices_as_of", DateType(), nullable=False),
            StructField("cost_json", StringType(), nullable=False),
        ]
    ),
    keys=("run_id", "attempt"),
    description="One row for each attempt that `lakejobs cost --run-id` has priced; cost_json is all that it printed",
)
