"""Rows that a test publishes itself, as if they had passed the gate."""

from __future__ import annotations

from pyspark.sql import DataFrame

from common.lake import AuditedRows, Table
from common.quality import AuditResult


def passed(table: Table, rows: DataFrame) -> AuditedRows:
    """``rows`` as the gate returns them, without an audit."""
    return AuditedRows(table, rows, AuditResult(table.name, []))
