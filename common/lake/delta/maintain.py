"""Upkeep of one table: old days, compaction, vacuum by the table's own retention, checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql.types import StructType

from common.errors import TransientError
from common.lake.delta import commits
from common.lake.delta.log_files import PartitionFiles
from common.lake.delta.spark_writes import session_conf
from common.lake.table import Layer, Table
from common.spark.internals import write_checkpoint

if TYPE_CHECKING:
    from common.lake.site import Site

_USER_METADATA = "spark.databricks.delta.commitInfo.userMetadata"
_LISTING_TASKS = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
_FOLDERS_A_TASK = 8
_MOST_LISTING_TASKS = 10_000
_DEFAULT_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Compaction:
    """What OPTIMIZE did: files that it replaced and files that it wrote."""

    files_removed: int
    files_added: int


def stored_table(name: str, path: str) -> Table:
    """A declaration just good enough to lease a table that is known by its path only."""
    layers: dict[str, Layer] = {
        "bronze": "bronze",
        "silver": "silver",
        "gold": "gold",
        "ops": "ops",
        "quarantine": "quarantine",
    }
    return Table(name, layers[path.partition("/")[0]], StructType(), keys=())


def compact(
    lake: Site, table: Table, found: Sequence[PartitionFiles], *, small_bytes: int, target_bytes: int
) -> Compaction:
    """Rewrite the small files of some partitions into files of ``target_bytes``, as a commit that changes no rows."""
    if not found:
        return Compaction(0, 0)
    with lake.lease(table) as lease:
        stamp = commits.Stamp.new(lake.run_id, lake.job, lake.code_version, lease.token)
        before = lake.version(table) or 0
        settings = {
            _USER_METADATA: stamp.text(),
            "spark.databricks.delta.optimize.maxFileSize": str(target_bytes),
            "spark.databricks.delta.optimize.minFileSize": str(small_bytes),
        }
        lease.check()
        with session_conf(lake.spark, settings):
            lake.spark.sql(f"OPTIMIZE delta.`{lake.path(table)}`{_where(found)}").collect()
        own = commits.own_commit(lake.objects, table.relative_path, before, [stamp], "OPTIMIZE")
        if own is None and (lake.version(table) or 0) > before:
            raise commits.lost_commit(table.name, before, stamp, None)
    if own is None:
        return Compaction(0, 0)
    return Compaction(own.metric("numRemovedFiles"), own.metric("numAddedFiles"))


def delete_where(lake: Site, table: Table, condition: str) -> int:
    """Delete the rows for which the SQL ``condition`` holds, in one stamped commit; how many there were.

    Nothing is committed when there are none. Their files stay until vacuum. Raises WriteConflictError LAK-006.
    """
    from delta.tables import DeltaTable

    with lake.lease(table) as lease:
        path = lake.path(table)
        # Counted here: a DELETE of whole partitions drops files without a look into them.
        rows = lake.spark.read.format("delta").load(path).where(condition).count()
        if not rows:
            return 0
        stamp = commits.Stamp.new(lake.run_id, lake.job, lake.code_version, lease.token)
        before = lake.version(table) or 0
        lease.check()
        with session_conf(lake.spark, {_USER_METADATA: stamp.text()}):
            DeltaTable.forPath(lake.spark, path).delete(condition)
        if commits.own_commit(lake.objects, table.relative_path, before, [stamp], "DELETE") is None:
            raise commits.lost_commit(table.name, before, stamp, None)
    return rows


def vacuum(lake: Site, table: Table, *, folders: int) -> None:
    """Delete files that no version within ``delta.deletedFileRetentionDuration`` needs.

    ``folders`` is about how many partitions there are: Delta would start 10,000 tasks to list even two. The retention
    is never given as an argument: Delta 4.2 ignores it and 3.3 obeys it, however short.
    """
    tasks = min(1 + folders // _FOLDERS_A_TASK, _MOST_LISTING_TASKS)
    with lake.lease(table) as lease, session_conf(lake.spark, {_LISTING_TASKS: str(tasks)}):
        lease.check()
        lake.spark.sql(f"VACUUM delta.`{lake.path(table)}`").collect()


def checkpoint(lake: Site, table: Table) -> int:
    """Write a checkpoint of the latest version, so that readers replay few log entries; returns the version.

    Raises TransientError LAK-010 when there is none afterwards: Delta tells only the driver's log that it failed.
    """
    with lake.lease(table) as lease:
        lease.check()
        # Loading brings Delta's view of the log up to date.
        path = lake.path(table)
        lake.spark.read.format("delta").load(path).schema  # noqa: B018 - asked for its effect
        before = lake.version(table) or 0
        write_checkpoint(lake.spark, path)
    version = commits.checkpointed_version(lake.objects, table.relative_path, after=before - 1)
    if version is None:
        raise TransientError(
            "LAK-010",
            f"Delta wrote no checkpoint of {table.name} at version {before}.",
            cause="Delta writes the reason to the driver's log only. Often the driver is short of memory.",
            remedy="Nothing is lost. Look at the driver's log, then run maintenance again.",
        )
    return version


def _where(found: Sequence[PartitionFiles]) -> str:
    """A condition on the partition columns; none for a table without partitions."""
    either = []
    for one in found:
        pairs = [pair.partition("=") for pair in one.partition.split("/") if pair]
        parts = [_equals(column, value) for column, _, value in pairs]
        if parts:
            either.append(f"({' AND '.join(parts)})")
    return f" WHERE {' OR '.join(either)}" if either else ""


def _equals(column: str, value: str) -> str:
    if value in {"None", _DEFAULT_PARTITION}:
        return f"`{column}` IS NULL"
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"`{column}` = '{quoted}'"
