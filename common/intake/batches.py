"""The log of batches: which file contents were ingested by which mapping, what is unfinished, and what failed.

Needs no session. Below ``<root>/_batches/<silver table>/`` there is one small object for each batch, in ``open/`` until
nothing is left to do for it and in ``done/`` afterwards, and one for each file content in ``files/``. So a run reads
what is open and what it was given, however long the history is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

BEGUN, WAITING, REFUSED, FAILED, DONE = "begun", "waiting", "refused", "failed", "done"
"""States of a batch: a run has begun it; it is published, but for rows whose time has not come; most of its rows were
rejected; it could not be published for another reason; all is published."""

_READERS = 16


@dataclass(frozen=True)
class BatchFile:
    """One file content: where it was found, and the batch that read it into bronze, on which day."""

    sha256: str
    path: str
    bronze_batch_id: str
    ingest_date: str


@dataclass(frozen=True)
class FileMark:
    """What was done with one file content: which ``mapping`` of which source it was published by, in which batch.

    ``reading`` names how it was cut into records. Both are empty for files that earlier releases ingested.
    """

    file: BatchFile
    batch_id: str
    source: str = ""
    reading: str = ""
    mapping: str = ""


@dataclass(frozen=True)
class Batch:
    """File contents that are published together, by one mapping.

    ``source`` is the source as its model dumps it, ``raw_schema`` the raw columns as Spark's JSON (not of JSON
    feeds), ``code`` the build that last tried. ``due_at`` is when the first of the waiting rows can be taken; ``days``
    are the first and last day published, in ISO form. ``begun_at`` is UTC: what its rows are stamped with, also by a
    rerun. ``is_accepted``: its files were published by this mapping before.
    """

    batch_id: str
    files: tuple[BatchFile, ...]
    source: dict[str, Any]
    reading: str
    mapping: str
    begun_at: str
    state: str = BEGUN
    raw_schema: str = ""
    code: str = ""
    reason: str = ""
    due_at: str = ""
    token: str = ""
    days: tuple[str, ...] = ()
    is_accepted: bool = False

    @property
    def ingested_at(self) -> datetime:
        """When the run that began the batch had started."""
        return datetime.fromisoformat(self.begun_at)

    @property
    def bronze_batch_ids(self) -> list[str]:
        """Where its rows are in bronze."""
        return sorted({file.bronze_batch_id for file in self.files})

    @property
    def ingest_dates(self) -> list[date]:
        """The bronze days on which they are, in order."""
        return sorted({date.fromisoformat(file.ingest_date) for file in self.files})

    @property
    def sha256s(self) -> list[str]:
        """Its file contents."""
        return [file.sha256 for file in self.files]


def digest_of(names: Iterable[str]) -> str:
    """One short id for content hashes or names, in whatever order they come: the same ones make the same batch."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:32]


@dataclass
class BatchLog:
    """The batches of one silver table."""

    objects: ObjectStore
    table: str
    _folder: str = field(init=False)

    def __post_init__(self) -> None:
        self._folder = f"_batches/{self.table}"

    def open(self) -> list[Batch]:
        """The batches for which something is left to do, the oldest first."""
        found = [_batch(self.objects.read(entry.path)) for entry in self.objects.list(f"{self._folder}/open/")]
        return sorted(found, key=lambda batch: (batch.begun_at, batch.batch_id))

    def batch(self, batch_id: str) -> Batch | None:
        """The batch of this id, wherever it is; None of one that an earlier release made."""
        for folder in ("done", "open"):
            found = self.objects.get(f"{self._folder}/{folder}/{batch_id}.json")
            if found is not None:
                return _batch(found.body)
        return None

    def give_up(self, sha256s: Collection[str], *, but: str, states: Collection[str]) -> None:
        """Take file contents out of the open batches of some states but one, which says what becomes of them."""
        gone = set(sha256s)
        for batch in self.open():
            left = tuple(file for file in batch.files if file.sha256 not in gone)
            if batch.batch_id == but or batch.state not in states or len(left) == len(batch.files):
                continue
            self.save(replace(batch, files=left)) if left else self.forget(batch)

    def marks(self, sha256s: Iterable[str]) -> dict[str, FileMark]:
        """What was done with those of the file contents that were published before."""
        with ThreadPoolExecutor(_READERS) as pool:
            found = pool.map(self._mark, sorted(set(sha256s)))
        return {mark.file.sha256: mark for mark in found if mark is not None}

    def marks_of(self, source: str) -> list[FileMark]:
        """Everything that was published from the files of a source, by content: as many as there ever were."""
        names = [entry.path.rpartition("/")[2] for entry in self.objects.list(f"{self._folder}/files/")]
        marks = self.marks(name.removesuffix(".json") for name in names)
        return [mark for _, mark in sorted(marks.items()) if mark.source == source]

    def save(self, batch: Batch) -> Batch:
        """Write down a batch for which something is left to do."""
        self.objects.write(self._open(batch), _text(asdict(batch)))
        return batch

    def finish(self, batch: Batch) -> None:
        """Write down that a batch is published; one with waiting rows stays open."""
        source = str(batch.source.get("name", ""))
        marks = [FileMark(file, batch.batch_id, source, batch.reading, batch.mapping) for file in batch.files]
        self._write_all({f"files/{mark.file.sha256}": _text(asdict(mark)) for mark in marks})
        if batch.due_at or batch.token:
            self.save(replace(batch, state=WAITING, reason=""))
            return
        self.objects.write(f"{self._folder}/done/{batch.batch_id}.json", _text(asdict(replace(batch, state=DONE))))
        self.objects.delete(self._open(batch))

    def forget(self, batch: Batch) -> None:
        """Take out an open batch: what is to be done for its files is another batch's to say."""
        self.objects.delete(self._open(batch))

    def note_lost(self, sha256s: Iterable[str], days: Sequence[str]) -> None:
        """Write down that files have rows that gave way to rows of others, from the first to the last of ``days``."""
        self._write_all({f"lost/{sha256}.{days[0]}.{days[-1]}": b"{}" for sha256 in sha256s})

    def lost_on(self, days: Sequence[str], around: int = 0) -> set[str]:
        """The files with rows that gave way on a day from the first to the last of ``days``, or ``around`` these."""
        margin = timedelta(days=around)
        first, last = (date.fromisoformat(days[0]) - margin, date.fromisoformat(days[-1]) + margin)
        names = [entry.path.rpartition("/")[2].split(".") for entry in self.objects.list(f"{self._folder}/lost/")]
        return {name[0] for name in names if name[1] <= last.isoformat() and name[2] >= first.isoformat()}

    def _write_all(self, texts: Mapping[str, bytes]) -> None:
        with ThreadPoolExecutor(_READERS) as pool:
            list(pool.map(lambda name: self.objects.write(f"{self._folder}/{name}.json", texts[name]), texts))

    def has_any(self) -> bool:
        """Whether anything was ever noted here."""
        return next(iter(self.objects.list(f"{self._folder}/")), None) is not None

    def adopt_earlier(self) -> None:
        """Take over the objects of earlier releases, which lie directly below the folder of the table."""
        for entry in list(self.objects.list(f"{self._folder}/")):
            if "/" in entry.path.removeprefix(f"{self._folder}/"):
                continue
            stored = json.loads(self.objects.read(entry.path))
            if stored["is_done"]:
                day = datetime.fromisoformat(stored["begun_at"]).astimezone(UTC).date().isoformat()
                for sha256 in stored["sha256s"]:
                    self.adopt(BatchFile(sha256, "", "", day), stored["batch_id"])
            self.objects.delete(entry.path)

    def adopt(self, file: BatchFile, batch_id: str) -> None:
        """Know a file content that an earlier release has ingested; nothing is known of its mapping."""
        path = f"{self._folder}/files/{file.sha256}.json"
        self.objects.write_if_absent(path, _text(asdict(FileMark(file, batch_id))))

    def _mark(self, sha256: str) -> FileMark | None:
        found = self.objects.get(f"{self._folder}/files/{sha256}.json")
        if found is None:
            return None
        stored = json.loads(found.body)
        return FileMark(**{**stored, "file": BatchFile(**stored["file"])})

    def _open(self, batch: Batch) -> str:
        return f"{self._folder}/open/{batch.batch_id}.json"


def _batch(body: bytes) -> Batch:
    stored = json.loads(body)
    files = tuple(BatchFile(**file) for file in stored["files"])
    return Batch(**{**stored, "files": files, "days": tuple(stored["days"])})


def _text(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, indent=1).encode()
