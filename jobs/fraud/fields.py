"""Columns that several tables of the family share, and how a column is declared."""

from __future__ import annotations

from pyspark.sql.types import (
    DataType,
    DateType,
    StringType,
    StructField,
    TimestampType,
)


def required(name: str, kind: DataType) -> StructField:
    """One column that is never null."""
    return StructField(name, kind, nullable=False)


def optional(name: str, kind: DataType) -> StructField:
    """One column that may be null."""
    return StructField(name, kind, nullable=True)


def said(name: str, kind: DataType, meaning: str) -> StructField:
    """One column that a feed may send, and its meaning."""
    return StructField(name, kind, nullable=True, metadata={"comment": meaning})


TRANSACTION_COLUMNS = (
    required("transaction_id", StringType()),
    required("tx_datetime", TimestampType()),
    required("tx_day", DateType()),
    required("customer_id", StringType()),
    required("terminal_id", StringType()),
)
