"""Which bronze rows are nowhere else yet: those of batches that were begun or wait, and are not published."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.lake.lake import Lake


def open_batches(lake: Lake, family: str) -> list[str]:
    """The ids, sorted, of the bronze batches of a family that are not published yet: begun, or waiting for their day.

    They come from the log of batches and from the ledger of files, whichever the family keeps.
    """
    found = set()
    for entry in lake.objects.list(f"_batches/{family}."):
        batch = json.loads(lake.objects.read(entry.path))
        if not batch["is_done"]:
            found.add(batch["batch_id"])
    ledger = f"ops/{family}/event_files"
    if any(lake.objects.list(f"{ledger}/_delta_log/")):
        rows = lake.spark.read.format("delta").load(lake.spark_path(ledger)).where("status <> 'done'")
        found |= {row[0] for row in rows.select("bronze_batch_id").distinct().collect()}
    return sorted(found)
