"""Figures of models over the days of a test."""

from __future__ import annotations

from pyspark.sql.types import (
    DateType,
    DoubleType,
    LongType,
    StringType,
    StructType,
)

from common.lake.table import Table
from jobs.fraud.fields import optional, required

EVALUATIONS = Table(
    name="fraud.evaluations",
    layer="gold",
    schema=StructType(
        [
            required("model_version", StringType()),
            required("test_first_day", DateType()),
            required("test_last_day", DateType()),
            required("metric", StringType()),
            required("segment", StringType()),
            required("value", DoubleType()),
            required("support", LongType()),
            # Rows of one test are comparable only where these are equal: then the same known cards were left out.
            optional("cards_known_from", DateType()),
        ]
    ),
    keys=("model_version", "test_first_day", "test_last_day", "metric", "segment"),
    suite="fraud.evaluations",
    description="Metrics of a model over the days of a test: one row for each metric and segment.",
)
