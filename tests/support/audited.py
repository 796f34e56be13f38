"""Rows that a test publishes itself, as if they had passed the gate."""

from __future__ import annotations

from pyspark.sql import DataFrame

from common.lake.audited import AuditedRows
from common.lake.table import Table
from common.quality.audit import AuditResult


def passed(table: Table, rows: DataFrame) -> AuditedRows:
    """``rows`` as the gate returns them, without an audit."""
    return AuditedRows(table, rows, AuditResult(table.name, []))
