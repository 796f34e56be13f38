"""A lease per table: at most one run writes it, wherever the runs run."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import socket
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from common.causes import cause_of
from common.clock import utc_now, utc_text
from common.errors import WriteConflictError
from common.lake.storage.objects import ObjectStore

_LOG = logging.getLogger("lakejobs.lease")


# S3 tells ages in whole seconds: so much longer than its life a lease must be silent before it is taken over.
_GRACE_SECONDS = 2.0
# Tokens kept behind the current one, so that a slow rival cannot create one of them a second time.
_TOKENS_KEPT = 20
_TOKEN = re.compile(r"/\d{20}\.json$")


def lease_folder(table: str) -> str:
    """Where the leases of a table are, relative to the lake root: one object per token."""
    return f"_leases/{table}/"


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
    """The latest lease of a table, as its holder wrote it."""

    token: int
    fields: Mapping[str, Any]
    age_seconds: float

    def is_free(self, *, commits_exclude: bool) -> bool:
        """Released, not renewed in time by the store's own clock, or held by a dead process of this machine.

        The last is believed only where commits exclude each other: elsewhere the dead run's JVM, which outlives it by a
        moment, could still overwrite a commit.
        """
        if (
            self.fields.get("released")
            or self.age_seconds > float(self.fields.get("lease_seconds", 0)) + _GRACE_SECONDS
        ):
            return True
        if not commits_exclude or self.fields.get("machine") != _machine() or not Path("/proc").is_dir():
            return False
        return _process_start(int(self.fields["pid"])) != self.fields.get("process_start")


class Lease:
    """The right to write one table, held from ``acquire`` to ``release`` and renewed in the background.

    Each holder creates the object of the next ``token``, which exactly one of several rivals can do; nothing but this
    put-if-absent is asked of the store. A holder is fenced off as soon as a higher token is there. ``check`` is called
    right before a commit; a holder that could not renew in time gives up before anyone may take over.
    """

    def __init__(self, objects: ObjectStore, table: str, *, run_id: str, job: str, seconds: float) -> None:
        self.table = table
        self.run_id = run_id
        self.token = 0
        self._objects = objects
        self._folder = lease_folder(table)
        self._job = job
        self._seconds = seconds
        self._nonce = uuid.uuid4().hex
        self._held = False
        self._renewed_at = 0.0
        self._since = ""
        self._lost = ""
        self._guard = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def acquire(self, *, wait_seconds: float = 0.0) -> Lease:
        """Take the lease, waiting for its holder up to ``wait_seconds``. Raises WriteConflictError LEA-001."""
        deadline = time.monotonic() + wait_seconds
        pause = 0.05
        has_logged = False
        while True:
            holder = self._try()
            if holder is None:
                break
            if time.monotonic() >= deadline:
                raise self._refused(holder)
            if not has_logged:
                _LOG.info("%s: waiting for the lease of run %s", self.table, holder.get("run_id"))
                has_logged = True
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
        """Whether the lease is still held; renews it as well."""
        with self._guard:
            if self._held and not self._lost:
                self._renew()
            return self._held and not self._lost

    def release(self) -> None:
        """Give the lease back; nothing when it is not held."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=30)
        with self._guard:
            if self._held and not self._lost:
                self._objects.write(self._path(self.token), self._body(released=True))
            self._held = False

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _try(self) -> Mapping[str, Any] | None:
        """None when the lease is ours now, otherwise what its holder wrote."""
        claim = self._latest()
        if claim is not None and not claim.is_free(commits_exclude=self._objects.commits_exclude):
            return claim.fields
        self.token = 1 if claim is None else claim.token + 1
        self._since = utc_text(utc_now())
        self._renewed_at = time.monotonic()
        body = self._body()
        path = self._path(self.token)
        if self._objects.write_if_absent(path, body) is None:
            # Refused, and yet ours, when the first try of the request landed and only its answer was lost.
            stored = self._objects.get(path)
            if stored is None or stored.body != body:
                return json.loads(stored.body) if stored else {}
        if self._rivals():
            # A rival was quicker by more than one token: what was created here is long past.
            self._objects.delete(path)
            return self._fields_in(self._rivals())
        self._held = True
        for path in self._tokens():
            if _token(path) < self.token - _TOKENS_KEPT:
                self._objects.delete(path)
        return None

    def _latest(self) -> _Claim | None:
        paths = self._tokens()
        stored = self._objects.get(paths[-1]) if paths else None
        return _Claim(_token(paths[-1]), json.loads(stored.body), stored.age_seconds) if stored else None

    def _rivals(self) -> list[str]:
        """The paths of higher tokens than ours."""
        return self._tokens(after=self._path(self.token))

    def _tokens(self, *, after: str = "") -> list[str]:
        # Some servers list unfinished uploads among the objects.
        return [entry.path for entry in self._objects.list(self._folder, after=after) if _TOKEN.search(entry.path)]

    def _fields_in(self, paths: Sequence[str]) -> Mapping[str, Any]:
        stored = self._objects.get(paths[-1]) if paths else None
        return json.loads(stored.body) if stored else {}

    def _renew(self) -> None:
        started = time.monotonic()
        with self._guard:
            rivals = self._rivals()
            if rivals:
                other = self._fields_in(rivals)
                self._lost = f"Run {other.get('run_id', 'unknown')} has held it since {other.get('since', 'unknown')}."
            elif started - self._renewed_at > self._seconds:
                self._lost = (
                    f"It was not renewed for {started - self._renewed_at:.0f} s, and lasts {self._seconds:g} s."
                )
            else:
                self._objects.write(self._path(self.token), self._body())
                self._renewed_at = started
            if self._lost:
                _LOG.error("%s: lease lost. %s", self.table, self._lost)

    def _path(self, token: int) -> str:
        return f"{self._folder}{token:020d}.json"

    def _renew_until_stopped(self) -> None:
        while not self._stop.wait(self._seconds / 3):
            try:
                self.is_held()
            except Exception as error:
                _LOG.warning("%s: could not renew the lease: %s", self.table, cause_of(error))

    def _body(self, *, released: bool = False) -> bytes:
        fields = {
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
            # No two rivals write the same bytes.
            "nonce": self._nonce,
        }
        return json.dumps(fields, sort_keys=True).encode()

    def _refused(self, holder: Mapping[str, Any]) -> WriteConflictError:
        return WriteConflictError(
            "LEA-001",
            f"Run {holder.get('run_id')} has been writing {self.table} since {holder.get('since')}.",
            cause=f"The run is of {holder.get('job')}, on {str(holder.get('machine')).partition('/')[0]}.",
            remedy=f"Wait for it, or set lease_wait_seconds. A dead run's lease expires after {self._seconds:g} s.",
        )


def _token(path: str) -> int:
    return int(path.rpartition("/")[2].removesuffix(".json"))
