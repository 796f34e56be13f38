"""The gate before publication: staged rows are audited, the result is noted, and what fails is kept to be looked at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from common.lake.audited import AuditedRows
from common.quality.audit import audit

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.staging import StagedRows
    from common.run.context import RunContext


def pass_gate(
    context: RunContext, staged: StagedRows, rows: DataFrame | None = None, *, deleted: str | None = None
) -> AuditedRows:
    """Hold staged rows, or ``rows`` made of them, against the suite of their table; only what it returns is published.

    ``deleted`` names a BOOLEAN column, outside of the table's contract, of rows that an upsert is to take out: those
    are not audited. The result is noted for the run record, ``ops.quality`` and the report. Raises ContractError
    QLT-001 when an expectation of severity ``error`` fails: the rows that were audited are then kept as Parquet, and
    the error says where. Only the audited rows: an ingest also stages what was sent.
    """
    published = staged.rows if rows is None else rows
    if deleted is not None:
        names = staged.table.schema.names
        published = published.select(*names, deleted)
        # As the merge reads the flag: a row without a verdict stays.
        rows = published.where(f"NOT COALESCE(`{deleted}`, FALSE)").select(*names)
    result = audit(staged.rows if rows is None else rows, staged.table, data_docs=_pages(context, staged))
    context.audits.append(result)
    if not result.passed:
        result.raise_if_failed(kept=staged.keep(rows))
    return AuditedRows(staged.table, published, result, deleted)


def _pages(context: RunContext, staged: StagedRows) -> Path | None:
    """Where Great Expectations writes its own pages, if that is asked for: a folder for each audit of each run."""
    folder = context.settings.data_docs_folder
    if folder is None or staged.table.suite is None:
        return None
    return Path(folder) / context.run_id / f"{len(context.audits) + 1}-{staged.table.name}"
