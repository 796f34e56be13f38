"""The gate before publication: staged rows are audited, the result is noted, and what fails is kept to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from common.quality.audit import AuditResult, audit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.context import RunContext
    from common.lake import StagedRows


def pass_gate(context: RunContext, staged: StagedRows, rows: DataFrame | None = None) -> AuditResult:
    """Hold staged rows, or ``rows`` made of them, against the suite of their table before anybody sees them.

    The result is noted for the run record, ``ops.quality`` and the report. Raises ContractError QLT-001 when an
    expectation of severity ``error`` fails: the rows that were audited are then kept as Parquet, and the error says
    where. Not more of the staged ones: an ingest stages what was sent beside what is published.
    """
    result = audit(staged.rows if rows is None else rows, staged.table, data_docs=_pages(context, staged))
    context.audits.append(result)
    if not result.passed:
        result.raise_if_failed(kept=staged.keep(rows))
    return result


def _pages(context: RunContext, staged: StagedRows) -> Path | None:
    """Where Great Expectations writes its own pages, if that is asked for: a folder for each audit of each run."""
    folder = context.settings.data_docs_folder
    if folder is None or staged.table.suite is None:
        return None
    return Path(folder) / context.run_id / f"{len(context.audits) + 1}-{staged.table.name}"
