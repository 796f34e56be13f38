"""Fills ``ops.runs``, ``ops.quality`` and ``ops.costs`` from what runs and `lakejobs cost` have left in the outbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from common.run.record.cost import PENDING_COSTS, cost_row
from common.run.record.keep import PENDING
from common.run.record.ops_tables import COSTS, QUALITY, RUNS
from common.run.record.record import ops_row, quality_rows

if TYPE_CHECKING:
    from common.lake.lake import Lake

# They are waited for, though a job's own table may not be.
_LEAST_WAIT_SECONDS = 60
# Two commits take in so many records; a record is some ten kilobytes, and the driver holds them.
_RECORDS_A_COMMIT = 200


def fill_ops(lake: Lake) -> int:
    """Append every record of the outbox, its audits, and costs, to the ``ops`` tables; how many records there were.

    maintenance.maintain calls it; call it before reading the tables sooner. Records leave the outbox when their rows
    are committed, and rows that are there already are not appended again, so a call may die anywhere. Raises
    WriteConflictError LEA-001 when another run holds the lease for too long.
    """
    filled = 0
    with lake.lease(RUNS, wait_seconds=max(lake.settings.lease_wait_seconds, _LEAST_WAIT_SECONDS)):
        paths = [entry.path for entry in lake.objects.list(PENDING)]
        costs = [path for path in paths if path.startswith(PENDING_COSTS)]
        for some in _parts([path for path in paths if path not in set(costs)]):
            filled += _taken(lake, some, _append_records)
        for some in _parts(costs):
            _taken(lake, some, _append_costs)
    return filled


def _parts(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    return (paths[start : start + _RECORDS_A_COMMIT] for start in range(0, len(paths), _RECORDS_A_COMMIT))


def _taken(lake: Lake, paths: Sequence[str], append: Callable[[Lake, list[dict[str, Any]]], None]) -> int:
    """Append what objects hold, and delete them then; how many there were."""
    found = {path: stored for path in paths if (stored := lake.objects.get(path)) is not None}
    if found:
        append(lake, [json.loads(stored.body) for stored in found.values()])
    for path in found:
        lake.objects.delete(path)
    return len(found)


def _append_records(lake: Lake, records: list[dict[str, Any]]) -> None:
    checked = [row for record in records for row in quality_rows(record)]
    if checked:
        lake.append_ops(QUALITY, checked)
    lake.append_ops(RUNS, [ops_row(record) for record in records])


def _append_costs(lake: Lake, costs: list[dict[str, Any]]) -> None:
    lake.append_ops(COSTS, [cost_row(cost) for cost in costs])
