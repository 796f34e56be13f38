"""The log of batches: which file contents were ingested, so that each counts once and a crashed run is finished.

A batch is one small object at ``<root>/_batches/<table>/<batch id>.json``, written before anything of it reaches a
table and marked as done after everything has. Needs no session.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore
    from common.sources.files.inventory import InspectedFile


@dataclass(frozen=True)
class Batch:
    """The contents (SHA-256) of files that are ingested together; the id is the hash of these, ``begun_at`` is UTC."""

    batch_id: str
    sha256s: tuple[str, ...]
    begun_at: str
    is_done: bool = False

    @property
    def ingested_at(self) -> datetime:
        """When the run that began the batch had started: a rerun stamps its rows alike."""
        return datetime.fromisoformat(self.begun_at)

    @property
    def ingest_date(self) -> date:
        """The bronze day of the batch."""
        return self.ingested_at.date()


def digest_of(names: Iterable[str]) -> str:
    """One short id for content hashes or names, in whatever order they come: the same ones make the same batch."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:32]


class BatchLog:
    """The batches of one silver table."""

    def __init__(self, objects: ObjectStore, table: str) -> None:
        self._objects = objects
        self._folder = f"_batches/{table}/"

    def all(self) -> list[Batch]:
        """Every batch, the oldest first."""
        found = []
        for entry in self._objects.list(self._folder):
            fields = json.loads(self._objects.read(entry.path))
            found.append(Batch(**{**fields, "sha256s": tuple(fields["sha256s"])}))
        return sorted(found, key=lambda batch: (batch.begun_at, batch.batch_id))

    def begin(self, files: Sequence[InspectedFile], started_at: datetime) -> Batch:
        """Record that these files are being ingested."""
        sha256s = tuple(sorted({file.sha256 for file in files}))
        batch = Batch(digest_of(sha256s), sha256s, started_at.isoformat())
        self._write(batch)
        return batch

    def finish(self, batch: Batch) -> None:
        """Write down that all of the batch is published."""
        self._write(replace(batch, is_done=True))

    def forget(self, batch: Batch) -> None:
        """Take out a batch of which nothing was written: its files are new again."""
        self._objects.delete(self._path(batch))

    def _write(self, batch: Batch) -> None:
        self._objects.write(self._path(batch), json.dumps(asdict(batch), indent=1).encode())

    def _path(self, batch: Batch) -> str:
        return f"{self._folder}{batch.batch_id}.json"
