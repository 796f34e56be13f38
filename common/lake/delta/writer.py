"""How every write goes: contract, lease, fence, commit, proof that the commit is there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.causes import cause_of
from common.errors import WriteConflictError
from common.faults import fault
from common.lake import contract
from common.lake.delta import commits, create
from common.lake.delta.retry import retried
from common.lake.delta.spark_writes import raise_contract, session_conf
from common.lake.lease import Lease
from common.lake.result import WriteResult, write_result
from common.lake.table import Table
from common.spark.input_size import asks_for_size, note_input
from common.spark.internals import has_transaction

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.site import Site

_LOG = logging.getLogger("lakejobs.lake")
# What a rebalancing shuffle gathers into one task, hence into one file.
_FILE_SIZE = "spark.sql.adaptive.advisoryPartitionSizeInBytes"
_LAST_COMMIT = "spark.databricks.delta.lastCommitVersionInSession"
# Delta takes a MERGE's metadata from the session, and tells the version of a commit there: one write at a time.
_ONE_WRITE = threading.RLock()


def note_size(lake: Site, table: Table, version: int) -> None:
    """Have the run's queries planned by the size of a table that it reads."""
    if asks_for_size():
        note_input(lake.spark, commits.table_bytes(lake.objects, table.relative_path, version))


class Writer:
    """The writing half of a Lake: its leases, and the commits made under them."""

    def __init__(self, lake: Site) -> None:
        self._lake = lake
        self._leases: dict[str, Lease] = {}
        self._proofs: dict[str, list[tuple[Table, commits.Commit]]] = {}

    @contextmanager
    def lease(self, table: Table, *, wait_seconds: float | None = None) -> Iterator[Lease]:
        """Hold the lease of a table, waiting as long as asked or as the settings say.

        Raises WriteConflictError LEA-001 when another run holds it for longer.
        """
        held = self._leases.get(table.name)
        if held is not None:
            yield held
            return
        lease = Lease(
            self._lake.objects,
            table.name,
            run_id=self._lake.run_id,
            job=self._lake.job,
            seconds=self._lake.settings.lease_seconds,
        )
        wait_s = self._lake.settings.lease_wait_seconds if wait_seconds is None else wait_seconds
        with lease.acquire(wait_seconds=wait_s):
            self._leases[table.name] = lease
            try:
                yield lease
                self._check_proofs(table)
            finally:
                del self._leases[table.name]

    def write(
        self,
        table: Table,
        rows: DataFrame,
        write: Callable[[str, commits.Stamp], None],
        *,
        operation: str,
        batch_id: str | None = None,
    ) -> WriteResult:
        """Do one write of checked rows and prove it; ``write`` gets the path and the stamp for the commit.

        ``operation`` is Delta's name of it. A batch that the table's log knows already is skipped.
        """
        contract.check_rows(table, rows.schema)
        started = time.monotonic()
        stamps: list[commits.Stamp] = []
        with self.lease(table) as lease, _ONE_WRITE:
            first = self._version(table)
            if operation == "MERGE" and first is not None:
                note_size(self._lake, table, first)

            def attempt() -> tuple[int, commits.Commit | None, bool]:
                path = self._prepared(table)
                before = self._version(table) or 0
                landed = self._landed(table, first, stamps, operation)
                if landed is not None:
                    return before, landed, False
                # A table that this write has just made knows no batch, and asking costs a query.
                if batch_id is not None and first is not None and has_transaction(self._lake.spark, path, batch_id):
                    return before, None, True
                fault("lake.before_write")
                stamp = commits.Stamp.new(self._lake.run_id, self._lake.job, self._lake.code_version, lease.token)
                stamps.append(stamp)
                lease.check()
                commit = self._committed(table, before, stamp, operation, lambda: write(path, stamp))
                # An append that left no commit is one that Delta has skipped.
                return before, commit, commit is None and batch_id is not None

            before, commit, skipped = retried(attempt, table=table.name, retries=self._lake.settings.conflict_retries)
            if commit is not None:
                self._keep_proof(table, commit, lease)
        result = write_result(table.name, first, before, commit, skipped, time.monotonic() - started)
        self._lake.writes.append(result)
        return result

    def _committed(
        self, table: Table, before: int, stamp: commits.Stamp, operation: str, write: Callable[[], None]
    ) -> commits.Commit | None:
        """The commit that ``write`` has made, None when it had nothing to commit. Raises LAK-006 when it is lost."""
        target = self._lake.settings.target_file_bytes or table.target_file_bytes
        with session_conf(self._lake.spark, {_LAST_COMMIT: None, _FILE_SIZE: str(target)}):
            try:
                write()
            except Exception as error:
                landed = self._landed(table, before, [stamp], operation)
                if landed is None:
                    raise_contract(table, error)
                    raise
                _LOG.warning(
                    "%s: version %d was committed although Spark failed: %s",
                    table.name,
                    landed.version,
                    cause_of(error),
                )
                return landed
            fault("lake.after_commit")
            made = self._lake.spark.conf.get(_LAST_COMMIT, None)
        found = self._landed(table, before, [stamp], operation)
        if found is None and made is not None:
            other = commits.read_commit(self._lake.objects, table.relative_path, int(made))
            raise commits.lost_commit(table.name, before, stamp, other)
        return found

    def _landed(
        self, table: Table, first: int | None, stamps: Sequence[commits.Stamp], operation: str
    ) -> commits.Commit | None:
        after = -1 if first is None else first
        return commits.own_commit(self._lake.objects, table.relative_path, after, stamps, operation) if stamps else None

    def _keep_proof(self, table: Table, commit: commits.Commit, lease: Lease) -> None:
        """Remember a commit until its lease is released; where commits can be overwritten, prove the lease again."""
        self._proofs.setdefault(table.name, []).append((table, commit))
        if not self._lake.objects.commits_exclude and not lease.is_held():
            raise WriteConflictError(
                "LEA-003",
                f"Run {self._lake.run_id} lost the lease on {table.name} while it committed version {commit.version}.",
                cause="The commit took longer than the lease lasts; another run may have written the same version.",
                remedy="Compare the table's history with the run records, and raise lease_seconds.",
            )

    def _check_proofs(self, table: Table) -> None:
        for written, commit in self._proofs.pop(table.name, []):
            now = commits.read_commit(self._lake.objects, written.relative_path, commit.version)
            if not self._lake.objects.commits_exclude and (now is None or now.stamp != commit.stamp):
                raise commits.lost_commit(table.name, commit.version - 1, commits.Stamp(**commit.stamp), now)

    def _prepared(self, table: Table) -> str:
        """Where the table is, after creating it if it is new, or bringing it up to its contract.

        Columns that the contract has gained are added; those that it now lets be null may be.
        """
        path = self._lake.path(table)
        if self._version(table) is None:
            create.create_table(self._lake.spark, table, path)
            if self._lake.settings.register_tables:
                create.register_table(self._lake.spark, table, path)
        # Loading also brings Delta's own view of the log up to date, which has_transaction relies on.
        stored = self._lake.spark.read.format("delta").load(path).schema
        new = contract.additions(table, stored)
        if new:
            create.add_columns(self._lake.spark, table, path, new)
        loosened = contract.now_optional(table, stored)
        if loosened:
            create.allow_nulls(self._lake.spark, path, loosened)
        return path

    def _version(self, table: Table) -> int | None:
        """The latest version, of a table that is written and need not be declared as read."""
        return commits.latest_version(self._lake.objects, table.relative_path)
