"""Reads and writes of Delta tables under one root, each write under a lease and checked after its commit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING, Any, overload

from common.days import DayRange
from common.errors import InputMissingError
from common.lake import contract, merge
from common.lake.audited import AuditedRows, publishable
from common.lake.declared import Declared
from common.lake.delta import commits
from common.lake.delta.spark_writes import session_conf
from common.lake.delta.writer import Writer, note_size
from common.lake.result import WriteResult
from common.lake.set_aside import quarantine_table
from common.lake.staging import StagedRows
from common.lake.storage.open import object_store
from common.lake.table import Table
from common.spark.few_rows import few_rows
from common.spark.input_size import held_if_small, is_planned_once

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from common.config.lake_settings import LakeSettings
    from common.lake.lease import Lease

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"


class Lake:
    """The tables under one lake root, for one run.

    ``versions_read`` and ``writes`` tell the run record what was read and written. With ``declared``, the tables of a
    job, every method raises JobFailedError LAK-013 for any other table, before anything happens; looking whether a
    table is there counts as reading it. Tests and tools give none.
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
        declared: Declared | None = None,
    ) -> None:
        self.spark = spark
        self.settings = settings
        self.run_id = run_id
        self.job = job
        self.code_version = code_version
        self.started_at = started_at
        self._declared = declared
        self.objects = object_store(settings.root, settings)
        self.versions_read: dict[str, int] = {}
        self.writes: list[WriteResult] = []
        self._stagings = count(1)
        self._writer = Writer(self)

    # -- reading -----------------------------------------------------------------------------------------------------

    def path(self, table: Table) -> str:
        """Where a table is, as Spark spells it."""
        return self.spark_path(table.relative_path)

    def spark_path(self, relative: str) -> str:
        """A path below the root, as Spark spells it."""
        root = re.sub("^s3://", f"{self.settings.s3_scheme}://", self.objects.root)
        return f"{root}/{relative}"

    def exists(self, table: Table) -> bool:
        """True when the table has a commit."""
        return self.version(table) is not None

    def version(self, table: Table) -> int | None:
        """The latest version, None when there is no such table."""
        if self._declared is not None:
            self._declared.check_read(table)
        return commits.latest_version(self.objects, table.relative_path)

    def read(self, table: Table, *, days: DayRange | None = None, version: int | None = None) -> DataFrame:
        """Exactly the contract's columns of a table, of some days or all, at a version or the latest.

        Columns that the contract has gained since the table was written are null. Raises InputMissingError LAK-004
        when the table does not exist, ContractError LAK-002 when it clashes with the contract.
        """
        from pyspark.sql import functions as sf

        latest = self.version(table)
        if latest is None:
            raise InputMissingError(
                "LAK-004",
                f"The table {table.name} does not exist yet.",
                cause=f"There is no Delta log in {self.path(table)}.",
                remedy="Run the job that writes it first, or check the lake root.",
            )
        reading = self.versions_read[table.name] = latest if version is None else version
        note_size(self, table, reading)
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
        return held_if_small(rows)

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
        note_size(self, table, latest)
        feed = self.spark.read.format("delta").option("readChangeFeed", "true")
        feed = feed.option("startingVersion", since_version + 1).option("endingVersion", latest)
        names = [*table.schema.names, "_change_type", "_commit_version", "_commit_timestamp"]
        return feed.load(self.path(table)).select(*(f"`{name}`" for name in names))

    # -- writing -----------------------------------------------------------------------------------------------------

    @overload
    def append_once(self, target: AuditedRows, *, batch_id: str) -> WriteResult: ...
    @overload
    def append_once(self, target: Table, rows: DataFrame, *, batch_id: str) -> WriteResult: ...
    def append_once(self, target: Table | AuditedRows, rows: DataFrame | None = None, *, batch_id: str) -> WriteResult:
        """Append a batch unless the same ``batch_id`` was appended before: that is skipped, and nothing is computed.

        Like every write it takes audited rows; a table with rows is taken only where no audit is asked for, in bronze,
        ops and quarantine. Raises JobFailedError LAK-012 for other rows of silver and gold.
        """
        table, rows = self._publishable(target, rows)

        def write(path: str, stamp: commits.Stamp) -> None:
            writer = self._sized(table, rows).write.format("delta").mode("append")
            writer = writer.option("txnAppId", batch_id).option("txnVersion", 1)
            writer.option("userMetadata", stamp.text()).save(path)

        return self._writer.write(table, rows, write, operation="WRITE", batch_id=batch_id)

    @overload
    def replace_days(self, target: AuditedRows, *, days: DayRange) -> WriteResult: ...
    @overload
    def replace_days(self, target: Table, rows: DataFrame, *, days: DayRange) -> WriteResult: ...
    def replace_days(
        self, target: Table | AuditedRows, rows: DataFrame | None = None, *, days: DayRange
    ) -> WriteResult:
        """Replace all rows of some days by audited ones, in one commit; other days are left as they are.

        Raises JobFailedError LAK-012 as ``append_once``, ContractError LAK-003 when a row is outside the days.
        """
        table, rows = self._publishable(target, rows)
        predicate = days.predicate(_day_column(table))

        def write(path: str, stamp: commits.Stamp) -> None:
            writer = self._sized(table, rows, days=days).write.format("delta").mode("overwrite")
            writer.option("replaceWhere", predicate).option("userMetadata", stamp.text()).save(path)

        return self._writer.write(table, rows, write, operation="WRITE")

    @overload
    def upsert(self, target: AuditedRows, *, days: DayRange | None = None, newer: str | None = None) -> WriteResult: ...
    @overload
    def upsert(
        self,
        target: Table,
        rows: DataFrame,
        *,
        days: DayRange | None = None,
        newer: str | None = None,
        deleted: str | None = None,
    ) -> WriteResult: ...
    def upsert(
        self,
        target: Table | AuditedRows,
        rows: DataFrame | None = None,
        *,
        days: DayRange | None = None,
        newer: str | None = None,
        deleted: str | None = None,
    ) -> WriteResult:
        """Merge audited rows by the table's keys (and its day), touching only the files of ``days``.

        ``newer`` is SQL over ``s.`` (rows) and ``t.`` (table) that must hold for a stored row to be updated;
        ``deleted`` names a boolean column of ``rows``, outside of the contract, that removes the stored row: audited
        rows bring their own. Raises JobFailedError LAK-012 as ``append_once``.
        """
        table, rows = self._publishable(target, rows)
        deleted = target.deleted if isinstance(target, AuditedRows) else deleted
        plan = merge.MergePlan(table, days, newer, deleted)
        checked = rows.drop(deleted) if deleted else rows

        def write(path: str, stamp: commits.Stamp) -> None:
            with session_conf(self.spark, {_USER_METADATA: stamp.text()}):
                plan.execute(self.spark, path, rows)

        return self._writer.write(table, checked, write, operation="MERGE")

    def quarantine(
        self, rows: DataFrame, *, family: str, job: str, batch_id: str, replaces: Sequence[str] = ()
    ) -> WriteResult:
        """Append rejected rows (QUARANTINE_SCHEMA) to the quarantine of a job, once per batch.

        All that was rejected of the file contents ``replaces`` (``source_sha256``) is replaced, in the same commit.
        """
        table = quarantine_table(family, job)
        if not replaces:
            return self.append_once(table, rows, batch_id=batch_id)
        predicate = f"source_sha256 IN ({', '.join(repr(str(one)) for one in replaces)})"

        def write(path: str, stamp: commits.Stamp) -> None:
            writer = rows.write.format("delta").mode("overwrite").option("replaceWhere", predicate)
            writer.option("userMetadata", stamp.text()).save(path)

        return self._writer.write(table, rows, write, operation="WRITE")

    def append_ops(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        """Append a few rows, given as dicts, to a table of the ``ops`` family; how many.

        Rows whose key the table already has are left out, so a repeat adds nothing. Call it under one lease.
        """
        keys = [tuple(row[name] for name in table.keys) for row in rows]
        known = self._known_ops(table, sorted({key[0] for key in keys})) if self.exists(table) else set()
        new = [(key, row) for key, row in zip(keys, rows, strict=True) if key not in known]
        if new:
            batch_id = hashlib.sha256(repr(sorted(key for key, _ in new)).encode()).hexdigest()
            frame = few_rows(self.spark, [row for _, row in new], table.schema).coalesce(1)
            self.append_once(table, frame, batch_id=batch_id)
        return len(new)

    def _known_ops(self, table: Table, run_ids: Sequence[str]) -> set[tuple[Any, ...]]:
        """The keys that a table has of some runs; read past ``read``, which notes inputs for the run record."""
        rows = self.spark.read.format("delta").load(self.path(table)).select(*table.keys)
        return {tuple(row) for row in rows.where(rows[table.keys[0]].isin(run_ids)).collect()}

    def stage(self, table: Table, rows: DataFrame) -> StagedRows:
        """Compute rows once, for their audit and then for their publication."""
        self._check_write(table)
        folder = f"_staging/{self.run_id}/{table.name}-{next(self._stagings)}"
        in_files = self.settings.staging == "files"
        return StagedRows(
            table, rows, self.spark_path(folder), files=in_files, delete=lambda: self.objects.delete_folder(folder)
        )

    def lease(self, table: Table, *, wait_seconds: float | None = None) -> AbstractContextManager[Lease]:
        """Hold the lease of a table, waiting for its holder as long as asked, or as the settings say.

        Raises WriteConflictError LEA-001 when another run holds it for longer.
        """
        self._check_write(table)
        return self._writer.lease(table, wait_seconds=wait_seconds)

    def _check_write(self, table: Table) -> None:
        if self._declared is not None:
            self._declared.check_write(table)

    def _publishable(self, target: Table | AuditedRows, rows: DataFrame | None) -> tuple[Table, DataFrame]:
        """Table and rows of a write that may begin."""
        self._check_write(target.table if isinstance(target, AuditedRows) else target)
        return publishable(target, rows)

    def _sized(self, table: Table, rows: DataFrame, *, days: DayRange | None = None) -> DataFrame:
        """Rows laid out for few, well-filled files: one shuffle when several days are written, none for one day."""
        if table.day_column and (days is None or len(days) > 1) and is_planned_once():
            # Rebalancing is a part of adaptive planning.
            rows = rows.repartition(table.day_column)
        elif table.day_column and (days is None or len(days) > 1):
            # Spelt in SQL because Spark 3.5 takes no column in DataFrame.hint.
            hinted = f"SELECT /*+ REBALANCE(`{table.day_column}`) */ * FROM {{rows}}"  # noqa: S608 - a declared name
            rows = self.spark.sql(hinted, rows=rows)
        if table.cluster_by:
            rows = rows.sortWithinPartitions(*table.cluster_by)
        return rows


def _day_column(table: Table) -> str:
    if table.day_column is None:
        raise ValueError(f"{table.name} has no day column")
    return table.day_column
