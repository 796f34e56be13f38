"""What earlier releases noted of the files that they ingested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.intake.batches import BatchFile, BatchLog

if TYPE_CHECKING:
    from common.lake.lake import Lake


def adopt_ledger(lake: Lake, table: str, ledger: str) -> None:
    """Know the files of a Delta table ``ledger`` that was kept in place of the log of batches for silver ``table``.

    It is read once: as soon as the log has anything, the ledger counts no more.
    """
    log = BatchLog(lake.objects, table)
    if log.has_any() or not any(lake.objects.list(f"{ledger}/_delta_log/")):
        return
    rows = lake.spark.read.format("delta").load(lake.spark_path(ledger)).where("status = 'done'")
    for row in rows.toLocalIterator():
        file = BatchFile(row["file_sha256"], row["path"], "", row["ingested_at"].date().isoformat())
        log.adopt(file, row["batch_id"])
