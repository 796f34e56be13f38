"""A lease per table: at most one run writes it, wherever the runs run."""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import threading
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from common.clock import utc_now, utc_text
from common.errors import WriteConflictError
from common.lake.objects import ObjectStore, StoredObject

_LOG = logging.getLogger("lakejobs.lease")


def lease_path(table: str) -> str:
    """Where the lease of a table lies, relative to the lake root."""
    return f"_leases/{table}.json"


def _machine() -> str:
    """A name that two processes share only when they can see each other's process ids."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _process_start(pid: int) -> str | None:
    """When a process was started, in the kernel's ticks; None when there is no such process (or no /proc)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


@dataclass(frozen=True)
class _Claim:
    """The content of a lease object as somebody else wrote it."""

    told: dict[str, Any]
    stored: StoredObject

    @property
    def token(self) -> int:
        return int(self.told.get("token", 0))

    def is_free(self, *, commits_exclude: bool) -> bool:
        """Released, not renewed in time by the store's own clock, or held by a dead process of this machine.

        The last is believed only where commits exclude each other: elsewhere the dead run's JVM, which outlives it by a
        moment, could still overwrite a commit.
        """
        if self.told.get("released") or self.stored.age_seconds > float(self.told.get("lease_seconds", 0)):
            return True
        if not commits_exclude or self.told.get("machine") != _machine() or not Path("/proc").is_dir():
            return False
        return _process_start(int(self.told["pid"])) != self.told.get("process_start")


class Lease:
    """The right to write one table, held from ``acquire`` to ``release`` and renewed in the background.

    ``token`` grows by one with each holder and never goes back; it is written in every commit. ``check`` is called
    right before a commit: it renews the lease by a conditional write and so proves that nobody has taken it over.
    """

    def __init__(self, objects: ObjectStore, table: str, *, run_id: str, job: str, seconds: float) -> None:
        self.table = table
        self.run_id = run_id
        self.token = 0
        self._objects = objects
        self._path = lease_path(table)
        self._job = job
        self._seconds = seconds
        self._etag: str | None = None
        self._since = ""
        self._lost = ""
        self._guard = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, *, wait_seconds: float = 0.0) -> Lease:
        """Take the lease, waiting for its holder up to ``wait_seconds``. Raises WriteConflictError LEA-001."""
        deadline = time.monotonic() + wait_seconds
        pause = 0.05
        told = False
        while True:
            holder = self._try()
            if holder is None:
                break
            if time.monotonic() >= deadline:
                raise self._held(holder)
            if not told:
                _LOG.info("%s: waiting for the lease of run %s", self.table, holder.get("run_id"))
                told = True
            jitter = random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            time.sleep(min(pause * jitter, max(deadline - time.monotonic(), 0.0)))
            pause = min(pause * 2, 5.0, self._seconds / 4)
        self._thread = threading.Thread(target=self._renew_until_stopped, name=f"lease {self.table}", daemon=True)
        self._thread.start()
        return self

    def check(self) -> None:
        """Prove that the lease is still held, and renew it. Raises WriteConflictError LEA-002."""
        if not self.is_held():
            raise WriteConflictError(
                "LEA-002",
                f"Run {self.run_id} has lost the lease on {self.table}.",
                cause=self._lost or "It was released.",
                remedy="Run the job again; nothing was written after the loss.",
            )

    def is_held(self) -> bool:
        """Whether nobody has taken the lease over, proved by renewing it."""
        self._renew()
        return self._etag is not None and not self._lost

    def release(self) -> None:
        """Give the lease back; nothing when it is not held."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=30)
        with self._guard:
            if self._etag is not None and not self._lost:
                self._objects.write_if_match(self._path, self._body(released=True), self._etag)
            self._etag = None

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _try(self) -> dict[str, Any] | None:
        """None when the lease is ours now, otherwise what its holder wrote."""
        stored = self._objects.get(self._path)
        self._since = utc_text(utc_now())
        if stored is None:
            self.token = 1
            body = self._body()
            self._etag = self._objects.write_if_absent(self._path, body) or self._landed(body)
        else:
            claim = _Claim(_told(stored), stored)
            if not claim.is_free(commits_exclude=self._objects.commits_exclude):
                return claim.told
            self.token = claim.token + 1
            body = self._body()
            self._etag = self._objects.write_if_match(self._path, body, stored.etag) or self._landed(body)
        if self._etag is not None:
            return None
        winner = self._objects.get(self._path)
        return _told(winner) if winner else {}

    def _landed(self, body: bytes) -> str | None:
        """The etag when the refused write is there after all: its first try landed and only the answer was lost."""
        stored = self._objects.get(self._path)
        return stored.etag if stored is not None and stored.body == body else None

    def _renew(self) -> None:
        with self._guard:
            if self._etag is None or self._lost:
                return
            body = self._body()
            etag = self._objects.write_if_match(self._path, body, self._etag) or self._landed(body)
            if etag is None:
                now = self._objects.get(self._path)
                other = _told(now) if now else {}
                self._lost = f"Run {other.get('run_id', 'unknown')} holds it since {other.get('since', 'unknown')}."
                _LOG.error("%s: lease lost. %s", self.table, self._lost)
            else:
                self._etag = etag

    def _renew_until_stopped(self) -> None:
        while not self._stop.wait(self._seconds / 3):
            try:
                self._renew()
            except Exception as error:
                _LOG.warning("%s: the lease could not be renewed: %s", self.table, error)

    def _body(self, *, released: bool = False) -> bytes:
        told = {
            "table": self.table,
            "run_id": self.run_id,
            "job": self._job,
            "token": self.token,
            "since": self._since,
            "lease_seconds": self._seconds,
            "released": released,
            "machine": _machine(),
            "pid": os.getpid(),
            "process_start": _process_start(os.getpid()),
            # Two writes never have the same bytes, hence never the same etag.
            "nonce": uuid.uuid4().hex,
        }
        return json.dumps(told, sort_keys=True).encode()

    def _held(self, holder: dict[str, Any]) -> WriteConflictError:
        return WriteConflictError(
            "LEA-001",
            f"{self.table} is being written by run {holder.get('run_id')} since {holder.get('since')}.",
            cause=f"Its job is {holder.get('job')}, on {str(holder.get('machine')).partition('/')[0]}.",
            remedy=f"Wait for it, or set lease_wait_seconds; a dead run's lease ends after {self._seconds:g} s.",
        )


def _told(stored: StoredObject) -> dict[str, Any]:
    told = json.loads(stored.body)
    return told if isinstance(told, dict) else {}
