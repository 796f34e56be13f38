"""Reads and writes of Delta tables under one root, each write under a lease and checked after its commit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from common.days import DayRange
from common.errors import ContractError, InputMissingError
from common.faults import fault
from common.lake import commits, contract, create, merge
from common.lake.asides import late_table, quarantine_table
from common.lake.lease import Lease
from common.lake.objects import object_store
from common.lake.result import WriteResult
from common.lake.retry import retried
from common.lake.staging import StagedRows
from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from common.config import LakeSettings

# Some commit options exist only as session settings; one write at a time may have them.
_SESSION_CONF = threading.RLock()
_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class _Target:
    """A table, where it lies for Spark and for the object store, and the version before the write (-1: new)."""

    table: Table
    path: str
    before: int


class Lake:
    """The tables under one lake root, for one run.

    ``versions_read``, ``writes`` and ``commit_tokens`` tell the run record what was read and written.
    """

    def __init__(
        self,
        spark: SparkSession,
        settings: LakeSettings,
        *,
        run_id: str,
        job: str,
        code_version: str,
        started_at: datetime,
    ) -> None:
        self.spark = spark
        self.settings = settings
        self.run_id = run_id
        self.job = job
        self.code_version = code_version
        self.started_at = started_at
        self.objects = object_store(settings.root, settings)
        self.versions_read: dict[str, int] = {}
        self.writes: list[WriteResult] = []
        self._leases: dict[str, Lease] = {}

    # -- reading -----------------------------------------------------------------------------------------------------

    def path(self, table: Table) -> str:
        """Where a table lies, as Spark spells it."""
        return self.spark_path(table.relative_path)

    def spark_path(self, relative: str) -> str:
        """A path below the root, as Spark spells it."""
        root = self.objects.root
        scheme, separator, rest = root.partition("://")
        return f"{self.settings.s3_scheme}://{rest}/{relative}" if separator and scheme else f"{root}/{relative}"

    def exists(self, table: Table) -> bool:
        """True when the table has a commit."""
        return self.version(table) is not None

    def version(self, table: Table) -> int | None:
        """The latest version, None when there is no such table."""
        versions = commits.log_versions(self.objects, table.relative_path)
        return versions[-1] if versions else None

    def read(self, table: Table, *, days: DayRange | None = None, version: int | None = None) -> DataFrame:
        """Exactly the contract's columns of a table, of some days or all, at a version or the latest.

        Columns that the contract has gained since the table was written are null. Raises InputMissingError LAK-004
        when the table is not there, ContractError LAK-002 when it clashes with the contract.
        """
        from pyspark.sql import functions as sf

        latest = self.version(table)
        if latest is None:
            raise InputMissingError(
                "LAK-004",
                f"The table {table.name} is not there yet.",
                cause=f"No Delta log in {self.path(table)}.",
                remedy="Run the job that writes it first, or check the lake root.",
            )
        reading = self.versions_read[table.name] = latest if version is None else version
        rows = self.spark.read.format("delta").option("versionAsOf", reading).load(self.path(table))
        new = {field.name for field in contract.additions(table, rows.schema)}
        rows = rows.select(
            *(
                sf.lit(None).cast(field.dataType).alias(field.name) if field.name in new else sf.col(f"`{field.name}`")
                for field in table.schema.fields
            )
        )
        if days is not None:
            rows = rows.where(days.predicate(_day_column(table)))
        return rows

    def changes(self, table: Table, *, since_version: int) -> DataFrame:
        """The rows changed after ``since_version``: the contract's columns, ``_change_type``, ``_commit_version`` and
        ``_commit_timestamp``; no rows when nothing has changed. Silver tables keep a change feed.
        """
        latest = self.version(table)
        if latest is None or latest <= since_version:
            empty = self.read(table).limit(0)
            return empty.selectExpr(
                "*",
                "CAST(NULL AS STRING) _change_type",
                "CAST(NULL AS BIGINT) _commit_version",
                "CAST(NULL AS TIMESTAMP) _commit_timestamp",
            )
        self.versions_read[table.name] = latest
        feed = self.spark.read.format("delta").option("readChangeFeed", "true")
        feed = feed.option("startingVersion", since_version + 1).option("endingVersion", latest)
        names = [*table.schema.names, "_change_type", "_commit_version", "_commit_timestamp"]
        return feed.load(self.path(table)).select(*(f"`{name}`" for name in names))

    # -- writing -----------------------------------------------------------------------------------------------------

    def append_once(self, table: Table, rows: DataFrame, *, batch_id: str) -> WriteResult:
        """Append a batch unless the same ``batch_id`` was appended before: that is skipped, and nothing is computed."""

        def skip(target: _Target) -> bool:
            return self._has_batch(target.path, batch_id)

        def write(target: _Target, stamp: commits.Stamp) -> None:
            writer = self._sized(table, rows).write.format("delta").mode("append")
            writer = writer.option("txnAppId", batch_id).option("txnVersion", 1)
            writer.option("userMetadata", stamp.text()).save(target.path)

        return self._write(table, rows, write, skip=skip)

    def replace_days(self, table: Table, rows: DataFrame, *, days: DayRange) -> WriteResult:
        """Replace all rows of some days by ``rows``, in one commit; other days are left as they are.

        Raises ContractError LAK-003 when a row lies outside of the days.
        """
        predicate = days.predicate(_day_column(table))

        def write(target: _Target, stamp: commits.Stamp) -> None:
            writer = self._sized(table, rows, days=days).write.format("delta").mode("overwrite")
            writer.option("replaceWhere", predicate).option("userMetadata", stamp.text()).save(target.path)

        return self._write(table, rows, write)

    def upsert(
        self,
        table: Table,
        rows: DataFrame,
        *,
        days: DayRange | None = None,
        newer: str | None = None,
        deleted: str | None = None,
    ) -> WriteResult:
        """Merge rows by the table's keys (and its day), touching only the files of ``days``.

        ``newer`` is SQL over ``s.`` (rows) and ``t.`` (table) that must hold for a stored row to be updated;
        ``deleted`` names a boolean column of ``rows``, outside of the contract, that removes the stored row.
        """
        plan = merge.MergePlan(table, days, newer, deleted)
        checked = rows.drop(deleted) if deleted else rows

        def write(target: _Target, stamp: commits.Stamp) -> None:
            with self._session_conf({_USER_METADATA: stamp.text()}):
                plan.execute(self.spark, target.path, rows)

        return self._write(table, checked, write)

    def quarantine(self, rows: DataFrame, *, family: str, job: str, batch_id: str) -> WriteResult:
        """Append rejected rows (QUARANTINE_SCHEMA) to the quarantine of a job, once per batch."""
        return self.append_once(quarantine_table(family, job), rows, batch_id=batch_id)

    def append_late(self, table: Table, rows: DataFrame, *, batch_id: str) -> WriteResult:
        """Set aside rows of ``table`` that came too late, once per batch, with the run and its start (``_late_at``)."""
        from pyspark.sql import functions as sf

        stamped = rows.select("*", sf.lit(self.run_id).alias("_run_id"), sf.lit(self.started_at).alias("_late_at"))
        return self.append_once(late_table(table), stamped, batch_id=batch_id)

    def append_ops(self, table: Table, rows: Sequence[Mapping[str, Any]], *, key: str) -> WriteResult:
        """Append a few rows, given as dicts, to a table of the ``ops`` family, once per ``key``."""
        frame = self.spark.createDataFrame([dict(row) for row in rows], table.schema)
        return self.append_once(table, frame, batch_id=key)

    def stage(self, table: Table, rows: DataFrame) -> StagedRows:
        """Compute rows once, for their audit and then for their publication."""
        path = self.spark_path(f"_staging/{self.run_id}/{table.name}")
        return StagedRows(table, rows, path, files=self.settings.staging == "files")

    @contextmanager
    def lease(self, table: Table) -> Iterator[Lease]:
        """Hold the lease of a table. Raises WriteConflictError LEA-001 when another run holds it for too long."""
        held = self._leases.get(table.name)
        if held is not None:
            yield held
            return
        lease = Lease(self.objects, table.name, run_id=self.run_id, job=self.job, seconds=self.settings.lease_seconds)
        with lease.acquire(wait_seconds=self.settings.lease_wait_seconds):
            self._leases[table.name] = lease
            try:
                yield lease
            finally:
                del self._leases[table.name]

    # -- how every write goes ------------------------------------------------------------------------------------------

    def _write(
        self,
        table: Table,
        rows: DataFrame,
        write: Callable[[_Target, commits.Stamp], None],
        *,
        skip: Callable[[_Target], bool] = lambda _: False,
    ) -> WriteResult:
        contract.check_rows(table, rows.schema)
        started = time.monotonic()
        first = self.version(table)
        with self.lease(table) as lease:

            def attempt() -> tuple[_Target, commits.Stamp | None]:
                target = self._prepared(table)
                if skip(target):
                    return target, None
                fault("lake.before_write")
                lease.check()
                stamp = commits.Stamp.new(self.run_id, self.job, self.code_version, lease.token)
                try:
                    write(target, stamp)
                except Exception as error:
                    _raise_contract(table, error)
                    raise
                fault("lake.after_commit")
                return target, stamp

            target, stamp = retried(attempt, table=table.name, retries=self.settings.conflict_retries)
            commit = None
            if stamp is not None:
                commit = commits.own_commit(self.objects, table.relative_path, target.before, stamp)
                if commit is None:
                    other = commits.read_commit(self.objects, table.relative_path, target.before + 1)
                    raise commits.lost_commit(table.name, target.before, stamp, other)
                lease.check()
        result = _result(table.name, first, target, commit, time.monotonic() - started)
        self.writes.append(result)
        return result

    def _prepared(self, table: Table) -> _Target:
        """The table as it is before the write: created when it is new, brought up to the contract when it lags."""
        path = self.path(table)
        if self.version(table) is None:
            create.create_table(self.spark, table, path)
        else:
            stored = self.spark.read.format("delta").load(path).schema
            new = contract.additions(table, stored)
            if new:
                create.add_columns(self.spark, table, path, new)
        return _Target(table, path, self.version(table) or 0)

    def _has_batch(self, path: str, batch_id: str) -> bool:
        jvm: Any = self.spark._jvm
        log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(self.spark._jsparkSession, path)
        return bool(log.unsafeVolatileSnapshot().transactions().contains(batch_id))

    def _sized(self, table: Table, rows: DataFrame, *, days: DayRange | None = None) -> DataFrame:
        """Rows laid out for few, well-filled files: one shuffle when several days are written, none for one day."""
        if table.day_column and (days is None or len(days) > 1):
            # Spelt in SQL because Spark 3.5 takes no column in DataFrame.hint.
            hinted = f"SELECT /*+ REBALANCE(`{table.day_column}`) */ * FROM {{rows}}"  # noqa: S608 - a declared name
            rows = self.spark.sql(hinted, rows=rows)
        if table.cluster_by:
            rows = rows.sortWithinPartitions(*table.cluster_by)
        return rows

    @contextmanager
    def _session_conf(self, conf: Mapping[str, str]) -> Iterator[None]:
        with _SESSION_CONF:
            before = {key: self.spark.conf.get(key, None) for key in conf}
            for key, value in conf.items():
                self.spark.conf.set(key, value)
            try:
                yield
            finally:
                for key, value in before.items():
                    if value is None:
                        self.spark.conf.unset(key)
                    else:
                        self.spark.conf.set(key, value)


def _day_column(table: Table) -> str:
    if table.day_column is None:
        raise ValueError(f"{table.name} has no day column")
    return table.day_column


def _raise_contract(table: Table, error: Exception) -> None:
    """Raise ContractError LAK-003 when Delta refused rows: a null where none may be, or a day that is not replaced."""
    text = str(error)
    for marker, sentence in (
        ("DELTA_REPLACE_WHERE_MISMATCH", "holds rows outside of the days that it replaces"),
        ("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "holds nulls where the contract allows none"),
    ):
        if marker in text:
            line = next(line for line in text.splitlines() if marker in line)
            raise ContractError(
                "LAK-003",
                f"The write to {table.name} {sentence}.",
                cause=line[:500],
                remedy="Quarantine such rows before publishing; nothing was written.",
            ) from error


def _result(
    name: str, first: int | None, target: _Target, commit: commits.Commit | None, seconds: float
) -> WriteResult:
    if commit is None:
        return WriteResult(name, first, target.before, 0, 0, 0, True, seconds)
    merged = commit.info.get("operation") == "MERGE"
    written = commit.metric("numTargetRowsInserted") if merged else commit.metric("numOutputRows")
    return WriteResult(
        name,
        first,
        commit.version,
        rows_written=written,
        rows_updated=commit.metric("numTargetRowsUpdated") if merged else 0,
        rows_deleted=commit.metric("numTargetRowsDeleted", "numDeletedRows"),
        skipped=False,
        seconds=seconds,
    )
