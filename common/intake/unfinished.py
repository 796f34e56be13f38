"""Which bronze rows may be needed again: those of batches for which something is left to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.lake.lake import Lake


def open_batches(lake: Lake, family: str) -> list[str]:
    """The ids, sorted, of the bronze batches of a family that are begun, failed, or hold rows that wait."""
    found = set()
    for entry in lake.objects.list(f"_batches/{family}."):
        if "/open/" in entry.path:
            batch = json.loads(lake.objects.read(entry.path))
            found |= {file["bronze_batch_id"] for file in batch["files"]}
    return sorted(found)
