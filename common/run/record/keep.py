"""Keeps the record and the report of a run: objects first, then rows of ``ops.quality`` and ``ops.runs``.

The rows go through an outbox: a marker object holds the record until they are committed, and the next run that has a
session appends what an earlier one could not (stopped, no session, lease held).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from common.errors import TransientError
from common.run.failures import explain
from common.run.record.record import Record, ops_key, ops_row, quality_rows, record_path, report_path, to_json

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore
    from common.run.context import RunContext

_PENDING = "runs/_pending/"
_MOST_PENDING = 100
# A job's own table is not waited for unless the settings say so; these two are written by every run, for seconds.
_LEAST_WAIT_SECONDS = 60


def earlier_attempts(objects: ObjectStore, path: str) -> int:
    """How many attempts the record at ``path`` tells of; 0 when there is none."""
    stored = objects.get(path)
    return 0 if stored is None else int(json.loads(stored.body)["attempt"])


def keep_record(context: RunContext, record: Record) -> None:
    """Write the record as JSON. Raises TransientError RUN-006 when storage does not take it."""
    path = record_path(context.job, context.run_id)
    try:
        context.objects.write(path, to_json(record))
    except Exception as error:
        raise TransientError(
            "RUN-006",
            f"The run record could not be written to {path}.",
            cause=explain(error).cause,
            remedy="Published rows stay published. Check the rights below the lake root, then run again: it is safe.",
        ) from error


def put_in_outbox(context: RunContext, record: Record) -> None:
    """Leave the record where this run, or the next one that has a session, finds it for ``ops.runs``."""
    context.objects.write(f"{_PENDING}{record['run_id']}-{record['attempt']}.json", to_json(record))


def empty_outbox(context: RunContext) -> None:
    """Append the records of the outbox, and their audits, to ``ops.runs`` and ``ops.quality``.

    Nothing without a session. Runs that end at once append one after the other. Raises WriteConflictError LEA-001 when
    another run holds the lease for too long.
    """
    if context.opened("lake") is None:
        return
    from common.run.record.ops_tables import QUALITY, RUNS

    wait_s = max(context.settings.lease_wait_seconds, _LEAST_WAIT_SECONDS)
    with context.lake.lease(RUNS, wait_seconds=wait_s):
        for number, entry in enumerate(context.objects.list(_PENDING)):
            if number == _MOST_PENDING:
                break
            stored = context.objects.get(entry.path)
            if stored is not None:
                pending = json.loads(stored.body)
                checked = quality_rows(pending)
                if checked:
                    context.lake.append_ops(QUALITY, checked, key=ops_key(pending))
                context.lake.append_ops(RUNS, [ops_row(pending)], key=ops_key(pending))
                context.objects.delete(entry.path)


def keep_report(context: RunContext, record: Record) -> None:
    """Render and store the report; its path goes into ``record``."""
    path = report_path(context.job, context.run_id)
    context.objects.write(path, context.report.render({**record, "report": path}))
    record["report"] = path
