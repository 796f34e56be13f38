"""Delta commits seen from outside Delta: who wrote which log entry, and what it did."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.errors import WriteConflictError
from common.lake.storage.objects import ObjectStore

_CHECKPOINT = re.compile(r"/_delta_log/(\d{20})\.checkpoint\.")
_COMMIT = re.compile(r"/_delta_log/(\d{20})\.json$")


@dataclass(frozen=True)
class Stamp:
    """What a commit says of its maker: JSON in the commit's ``userMetadata``. ``nonce`` names the one attempt."""

    run_id: str
    job: str
    code_version: str
    lease_token: int
    nonce: str

    @classmethod
    def new(cls, run_id: str, job: str, code_version: str, lease_token: int) -> Stamp:
        """A stamp with a nonce that no other attempt has."""
        return cls(run_id, job, code_version, lease_token, uuid.uuid4().hex)

    def text(self) -> str:
        """The JSON text."""
        return json.dumps(vars(self), sort_keys=True)


@dataclass(frozen=True)
class Commit:
    """One entry of a Delta log: its version and its ``commitInfo`` action."""

    version: int
    info: Mapping[str, Any]

    @property
    def stamp(self) -> Mapping[str, Any]:
        """What ``userMetadata`` says; empty for commits that this suite did not make."""
        try:
            stamped = json.loads(self.info.get("userMetadata") or "{}")
        except ValueError:
            return {}
        return stamped if isinstance(stamped, dict) else {}

    def metric(self, *names: str) -> int:
        """The first of the named operation metrics that is there, otherwise 0."""
        metrics = self.info.get("operationMetrics") or {}
        return next((int(metrics[name]) for name in names if name in metrics), 0)


def log_path(table_path: str, version: int) -> str:
    """Path of one log entry, relative to the store's root."""
    return f"{table_path}/_delta_log/{version:020d}.json"


def latest_version(objects: ObjectStore, table_path: str) -> int | None:
    """The latest version of a table, None when there is no such table. Listing starts at the last checkpoint."""
    log = f"{table_path}/_delta_log/"
    hint = objects.get(f"{log}_last_checkpoint")
    start = int(json.loads(hint.body)["version"]) if hint else None
    after = "" if start is None else f"{log}{start:020d}"
    found = (_COMMIT.search(entry.path) for entry in objects.list(log, after=after))
    return max((int(match.group(1)) for match in found if match), default=start)


def table_bytes(objects: ObjectStore, table_path: str, version: int) -> int | None:
    """The bytes of all live files at a version, as Delta's checksum of the version says; None where there is none."""
    stored = objects.get(f"{table_path}/_delta_log/{version:020d}.crc")
    try:
        return None if stored is None else int(json.loads(stored.body)["tableSizeBytes"])
    except (ValueError, KeyError, TypeError):
        return None


def checkpointed_version(objects: ObjectStore, table_path: str, *, after: int) -> int | None:
    """The latest version behind ``after`` of which there is a checkpoint, None when there is none."""
    log = f"{table_path}/_delta_log/"
    found = (_CHECKPOINT.search(entry.path) for entry in objects.list(log, after=f"{log}{after + 1:020d}"))
    return max((int(match.group(1)) for match in found if match), default=None)


def read_commit(objects: ObjectStore, table_path: str, version: int) -> Commit | None:
    """One log entry, or None when it is missing. Only the line of ``commitInfo`` is kept."""
    try:
        stream = objects.open(log_path(table_path, version))
    except FileNotFoundError:
        return None
    with stream:
        for line in stream:
            if b'"commitInfo"' in line[:32]:
                return Commit(version, json.loads(line)["commitInfo"])
    return Commit(version, {})


def commits_after(objects: ObjectStore, table_path: str, version: int) -> Iterator[Commit]:
    """The entries that follow ``version`` (-1: all), until the first that is missing."""
    while (commit := read_commit(objects, table_path, version + 1)) is not None:
        yield commit
        version += 1


def own_commit(
    objects: ObjectStore, table_path: str, after: int, stamps: Sequence[Stamp], operation: str
) -> Commit | None:
    """The first entry behind version ``after`` that bears one of the stamps and is of this operation, if any.

    Delta takes the stamp of a MERGE or OPTIMIZE from the session; a stranger's write in that session bears it too.
    """
    nonces = {stamp.nonce for stamp in stamps}
    for one in commits_after(objects, table_path, after):
        if one.stamp.get("nonce") in nonces and one.info.get("operation") == operation:
            return one
    return None


def lost_commit(table: str, before: int, stamp: Stamp, found: Commit | None) -> WriteConflictError:
    """The error for a commit that Delta reported as done and that is not in the log (LAK-006)."""
    other = found.stamp.get("run_id", "a writer outside this suite") if found else "nobody"
    return WriteConflictError(
        "LAK-006",
        f"The commit of run {stamp.run_id} on {table} is not in the table's log.",
        cause=f"{other} wrote the log after version {before}: two drivers wrote the table at the same time.",
        remedy="Make sure every writer takes the table's lease, then run again; this run's rows are not in the table.",
    )
