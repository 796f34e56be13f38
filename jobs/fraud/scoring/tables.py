"""Scores, decisions and reasons."""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    DoubleType,
    IntegerType,
    StringType,
    StructType,
)

from common.lake.table import Table
from jobs.fraud.fields import TRANSACTION_COLUMNS, optional, required

REASON = StructType(
    [
        optional("feature", StringType()),
        optional("value", DoubleType()),
        optional("contribution", DoubleType()),
    ]
)
"""One reason: a feature, its value, and what it added to the log-odds of fraud.

Nullable only because Delta has no constraints inside arrays; none is ever null.
"""


SCORES = Table(
    name="fraud.scores",
    layer="gold",
    schema=StructType(
        [
            *TRANSACTION_COLUMNS,
            required("tx_amount", DoubleType()),
            required("score", DoubleType()),
            required("decision", StringType()),
            optional("card_rank", IntegerType()),
            optional("reasons", ArrayType(REASON)),
            required("model_version", StringType()),
        ]
    ),
    keys=("transaction_id", "tx_day"),
    day_column="tx_day",
    personal_columns=("customer_id",),
    suite="fraud.scores",
    description="Fraud probability, decision and reasons of each transaction of a day.",
)
