"""The small-file report: which tables are made of too many small files. Needs no session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from common.clock import utc_now
from common.config.params import Params
from common.errors import InputMissingError
from common.lake.delta.log_files import PartitionFiles, partitions, stored_metadata, table_names
from common.lake.storage.objects import ObjectStore
from common.words import did_you_mean
from jobs.maintenance.upkeep.params import MaintainParams
from jobs.maintenance.upkeep.retention import retention_of

COLUMNS = ("table", "partitions", "files", "bytes", "small files", "bytes in small files", "partitions to compact")
PLAN_COLUMNS = (*COLUMNS, "days beyond retention")


@dataclass(frozen=True)
class TableFiles:
    """The live files of one table by partition, and the partitions that are worth compacting."""

    name: str
    path: str
    partitions: Sequence[PartitionFiles]
    to_compact: Sequence[PartitionFiles]

    def row(self) -> tuple[str, int, int, int, int, int, int]:
        """One line of the report, in the order of COLUMNS."""
        return (
            self.name,
            len(self.partitions),
            sum(one.files for one in self.partitions),
            sum(one.bytes for one in self.partitions),
            sum(one.small_files for one in self.partitions),
            sum(one.small_bytes for one in self.partitions),
            len(self.to_compact),
        )


def chosen_tables(objects: ObjectStore, wanted: Sequence[str]) -> dict[str, str]:
    """Name -> path of the requested tables, or of all by default.

    Raises InputMissingError MNT-001 for a name that does not exist.
    """
    there = table_names(objects)
    for name in wanted:
        if name not in there:
            raise InputMissingError(
                "MNT-001",
                f"There is no table {name} below the lake root.{did_you_mean(name, there)}",
                remedy=f"Tables there: {', '.join(there) or 'none'}.",
            )
    return {name: there[name] for name in wanted} if wanted else there


def files_of(objects: ObjectStore, name: str, path: str, params: MaintainParams) -> TableFiles:
    """The report on one table."""
    found = partitions(objects, path, small_bytes=params.small_file_bytes)
    worth = [one for one in found if one.small_files >= params.least_small_files]
    return TableFiles(name, path, found, worth)


def plan(params: Params, objects: ObjectStore) -> dict[str, object]:
    """What ``--plan`` prints for maintenance: one line per table."""
    if not isinstance(params, MaintainParams):
        raise TypeError(f"maintenance is planned with MaintainParams, not {type(params).__name__}")
    tables = chosen_tables(objects, params.tables)
    rows = []
    for name, path in tables.items():
        found = files_of(objects, name, path, params)
        rows.append([*found.row(), _old_days(objects, found, params)])
    return {"title": "Small files", "columns": list(PLAN_COLUMNS), "rows": rows}


def _old_days(objects: ObjectStore, found: TableFiles, params: MaintainParams) -> int | str:
    """How many days a run would delete now; a phrase where only reading the rows can show it."""
    layers = params.retention_layers if params.retention else ()
    retention = retention_of(stored_metadata(objects, found.path), found.path, layers, utc_now())
    if retention is None:
        return 0
    days = retention.old_days(found.partitions)
    return f"rows before {retention.first_kept}" if days is None else days
