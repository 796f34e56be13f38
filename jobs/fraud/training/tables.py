"""The register of trained models."""

from __future__ import annotations

from pyspark.sql.types import (
    DateType,
    LongType,
    StringType,
    StructType,
    TimestampType,
)

from common.lake.table import Table
from jobs.fraud.fields import optional, required

MODELS = Table(
    name="fraud.models",
    layer="gold",
    schema=StructType(
        [
            required("model_version", StringType()),
            required("algorithm", StringType()),
            required("train_first_day", DateType()),
            required("train_last_day", DateType()),
            required("rows", LongType()),
            required("frauds", LongType()),
            required("sha256", StringType()),
            required("trainer", StringType()),
            required("trained_at", TimestampType()),
            # Null in rows written by releases without this column; the model's card has it then.
            optional("labels_known_by", TimestampType()),
        ]
    ),
    keys=("model_version",),
    suite="fraud.models",
    description="The register of trained models; the model itself is in the model folder of the lake.",
)
