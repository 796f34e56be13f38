"""Fills ``ops.runs`` and ``ops.quality`` from the records that runs have left in the outbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from common.run.record.keep import PENDING
from common.run.record.ops_tables import QUALITY, RUNS
from common.run.record.record import ops_key, ops_row, quality_rows

if TYPE_CHECKING:
    from common.lake.lake import Lake

# Whoever reads these tables fills them first: they are waited for, though a job's own table may not be.
_LEAST_WAIT_SECONDS = 60


def fill_ops(lake: Lake) -> int:
    """Append every record of the outbox, and its audits, to the ``ops`` tables; how many records there were.

    maintenance.maintain calls it; call it before reading the tables sooner. A record leaves the outbox when its
    rows are committed, and its key keeps a repeat from doubling them, so a call may die anywhere. Raises
    WriteConflictError LEA-001 when another run holds the lease for too long.
    """
    filled = 0
    with lake.lease(RUNS, wait_seconds=max(lake.settings.lease_wait_seconds, _LEAST_WAIT_SECONDS)):
        for entry in list(lake.objects.list(PENDING)):
            stored = lake.objects.get(entry.path)
            if stored is None:
                continue
            record = json.loads(stored.body)
            checked = quality_rows(record)
            if checked:
                lake.append_ops(QUALITY, checked, key=ops_key(record))
            lake.append_ops(RUNS, [ops_row(record)], key=ops_key(record))
            lake.objects.delete(entry.path)
            filled += 1
    return filled
