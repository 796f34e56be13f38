"""Which files were taken in: one small object a batch, so that each content counts once and a died run is finished.

A batch is written down before anything of it reaches a table, with the contents that belong to it, and marked as done
after everything has. The objects lie at ``<root>/_batches/<table>/``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.lake.objects import ObjectStore
    from common.sources import InspectedFile


@dataclass(frozen=True)
class Batch:
    """Files that are taken in together. The id is the hash of their contents; ``began_at`` is UTC."""

    batch_id: str
    sha256s: tuple[str, ...]
    paths: tuple[str, ...]
    began_at: str
    is_done: bool = False

    @property
    def ingested_at(self) -> datetime:
        """When the run that began the batch started."""
        return datetime.fromisoformat(self.began_at)

    @property
    def ingest_date(self) -> date:
        """The bronze partition of the batch."""
        return self.ingested_at.date()


class BatchLog:
    """The batches of one table."""

    def __init__(self, objects: ObjectStore, table: str) -> None:
        self._objects = objects
        self._folder = f"_batches/{table}/"

    def batches(self) -> list[Batch]:
        """All batches, the oldest first."""
        found = []
        for entry in self._objects.list(self._folder):
            values = json.loads(self._objects.read(entry.path))
            found.append(Batch(**{**values, "sha256s": tuple(values["sha256s"]), "paths": tuple(values["paths"])}))
        return sorted(found, key=lambda batch: (batch.began_at, batch.batch_id))

    def begin(self, files: Sequence[InspectedFile], started_at: datetime) -> Batch:
        """Write down a batch of new files, one of each content."""
        distinct = {file.sha256: file.path for file in sorted(files, key=lambda file: file.path, reverse=True)}
        sha256s = tuple(sorted(distinct))
        batch_id = hashlib.sha256("\n".join(sha256s).encode()).hexdigest()[:32]
        batch = Batch(batch_id, sha256s, tuple(distinct[one] for one in sha256s), started_at.isoformat())
        self._write(batch)
        return batch

    def finish(self, batch: Batch) -> None:
        """Write down that everything of the batch is published."""
        self._write(replace(batch, is_done=True))

    def forget(self, batch: Batch) -> None:
        """Take out a batch of which nothing was written: its files are new again."""
        self._objects.delete(self._path(batch))

    def _write(self, batch: Batch) -> None:
        self._objects.write(self._path(batch), json.dumps(asdict(batch), indent=1).encode())

    def _path(self, batch: Batch) -> str:
        return f"{self._folder}{batch.batch_id}.json"
