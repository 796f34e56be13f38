"""Keeps the record and the report of a run, as objects.

A copy of the record goes into the outbox, from which maintenance fills ``ops.runs`` and ``ops.quality``: a run pays for
no commit of its own (see common.run.record.outbox).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from common.errors import TransientError
from common.run.failures import explain
from common.run.record.record import Record, record_path, report_path, to_json

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore
    from common.run.context import RunContext

PENDING = "runs/_pending/"
"""Where the records wait for maintenance, below the lake root."""


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
    """Leave the record where maintenance finds it for ``ops.runs``."""
    context.objects.write(f"{PENDING}{record['run_id']}-{record['attempt']}.json", to_json(record))


def keep_report(context: RunContext, record: Record) -> None:
    """Render and store the report; its path goes into ``record``."""
    path = report_path(context.job, context.run_id)
    context.objects.write(path, context.report.render({**record, "report": path}))
    record["report"] = path
