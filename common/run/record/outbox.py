"""Fills ``ops.runs`` and ``ops.quality`` from the records that runs have left in the outbox."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.run.record.keep import PENDING
from common.run.record.ops_tables import QUALITY, RUNS
from common.run.record.record import ops_row, quality_rows

if TYPE_CHECKING:
    from common.lake.lake import Lake

# They are waited for, though a job's own table may not be.
_LEAST_WAIT_SECONDS = 60
# Two commits take in so many records; a record is some ten kilobytes, and the driver holds them.
_RECORDS_A_COMMIT = 200


def fill_ops(lake: Lake) -> int:
    """Append every record of the outbox, and its audits, to the ``ops`` tables; how many records there were.

    maintenance.maintain calls it; call it before reading the tables sooner. Records leave the outbox when their rows
    are committed, and rows that are there already are not appended again, so a call may die anywhere. Raises
    WriteConflictError LEA-001 when another run holds the lease for too long.
    """
    filled = 0
    with lake.lease(RUNS, wait_seconds=max(lake.settings.lease_wait_seconds, _LEAST_WAIT_SECONDS)):
        paths = [entry.path for entry in lake.objects.list(PENDING)]
        for start in range(0, len(paths), _RECORDS_A_COMMIT):
            filled += _fill(lake, paths[start : start + _RECORDS_A_COMMIT])
    return filled


def _fill(lake: Lake, paths: Sequence[str]) -> int:
    found = {path: stored for path in paths if (stored := lake.objects.get(path)) is not None}
    records = [json.loads(stored.body) for stored in found.values()]
    if not records:
        return 0
    checked = [row for record in records for row in quality_rows(record)]
    if checked:
        lake.append_ops(QUALITY, checked)
    lake.append_ops(RUNS, [ops_row(record) for record in records])
    for path in found:
        lake.objects.delete(path)
    return len(records)
