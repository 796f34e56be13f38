"""Rows that may be published: those of a silver or gold table only after they have passed the gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from common.errors import JobFailedError
from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


AUDITED_LAYERS = ("silver", "gold")
"""The layers whose rows are published through the gate. Bronze is what was sent; ops and quarantine say what we did."""


@dataclass(frozen=True)
class AuditedRows:
    """Rows of ``table`` that have passed its audit; only ``common.run.gate.pass_gate`` makes them.

    ``rows`` have the columns of the table and, where ``deleted`` names one, a BOOLEAN column of that name: true for a
    row that an upsert takes out of the table. ``result`` is what the audit found, an AuditResult of
    common.quality.
    """

    table: Table
    rows: DataFrame
    result: Any
    deleted: str | None = None

    def where(self, condition: str) -> AuditedRows:
        """Those of the rows for which ``condition``, in SQL, holds: a part of what was audited."""
        return replace(self, rows=self.rows.where(condition))


def publishable(target: Table | AuditedRows, rows: DataFrame | None) -> tuple[Table, DataFrame]:
    """The table and the rows of a write, which is given audited rows alone, or a table and its rows.

    Raises JobFailedError LAK-012 for rows of a silver or gold table that have not passed the gate.
    """
    if isinstance(target, AuditedRows):
        return target.table, target.rows
    if target.layer in AUDITED_LAYERS:
        raise JobFailedError(
            "LAK-012",
            f"Rows of {target.name} were not audited.",
            cause=f"It is a {target.layer} table: its rows are published only after they have passed the gate.",
            remedy="Stage the rows, call pass_gate, and write what it returns. Nothing was written.",
        )
    if rows is None:
        raise ValueError(f"no rows were given for {target.name}")
    return target, rows
