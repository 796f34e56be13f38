"""The data files of a table as its Delta log tells them, without a JVM: for plans and for choosing what to compact."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.lake.storage.objects import ObjectStore

_CHECKPOINT = re.compile(r"/_delta_log/(\d{20})\.checkpoint\..*parquet$")
_COMMIT = re.compile(r"/_delta_log/(\d{20})\.json$")
_PHYSICAL_NAME = "delta.columnMapping.physicalName"
_COLUMNS = ["add.path", "add.size", "add.partitionValues"]
_STATS = "add.stats"
LAYERS = ("bronze", "silver", "gold", "ops", "quarantine")


@dataclass(frozen=True)
class DataFile:
    """One live file: its size in bytes and its partition as ``day=2026-11-20`` (empty when not partitioned)."""

    size: int
    partition: str


@dataclass
class PartitionFiles:
    """Files of one partition: how many, their bytes, and how many of them are small."""

    partition: str
    files: int = 0
    bytes: int = 0
    small_files: int = 0
    small_bytes: int = 0


def table_names(objects: ObjectStore) -> dict[str, str]:
    """Name -> path of every Delta table below the root, found by listing folders only."""
    found = {}
    for layer in LAYERS:
        for family in objects.children(f"{layer}/"):
            for table in objects.children(f"{layer}/{family}/"):
                path = f"{layer}/{family}/{table}"
                if "_delta_log" in objects.children(f"{path}/"):
                    found[f"{family}.{table}"] = path
    return found


def partitions(objects: ObjectStore, table_path: str, *, small_bytes: int) -> list[PartitionFiles]:
    """The live files of a table by partition; a file below ``small_bytes`` counts as small."""
    found: dict[str, PartitionFiles] = {}
    for file in live_files(objects, table_path):
        one = found.setdefault(file.partition, PartitionFiles(file.partition))
        one.files += 1
        one.bytes += file.size
        if file.size < small_bytes:
            one.small_files += 1
            one.small_bytes += file.size
    return [found[name] for name in sorted(found)]


@dataclass(frozen=True)
class StoredMetadata:
    """What a Delta log says of its table: partition columns, properties, names of all columns, and its id.

    ``physical_names`` are the names by which files know columns that Delta maps to others.
    """

    partition_columns: Sequence[str]
    properties: Mapping[str, str]
    columns: Sequence[str]
    table_id: str = ""
    physical_names: Mapping[str, str] = field(default_factory=dict)


def stored_metadata(objects: ObjectStore, table_path: str) -> StoredMetadata:
    """The latest metadata of a table: that of the newest log entry with some, else of the last checkpoint."""
    log = f"{table_path}/_delta_log/"
    hint = objects.get(f"{log}_last_checkpoint")
    after = f"{log}{int(json.loads(hint.body)['version']):020d}" if hint else ""
    names = [entry.path for entry in objects.list(log, after=after)]
    for name in sorted((name for name in names if _COMMIT.search(name)), reverse=True):
        with objects.open(name) as stream:
            for line in stream:
                action = json.loads(line) if b'"metaData"' in line[:32] else {}
                if "metaData" in action:
                    return _metadata(action["metaData"])
    return _checkpointed_metadata(objects, sorted(name for name in names if _CHECKPOINT.search(name)))


def _checkpointed_metadata(objects: ObjectStore, names: Sequence[str]) -> StoredMetadata:
    from pyarrow import parquet

    for name in reversed(names):
        with parquet.ParquetFile(io.BytesIO(objects.read(name))) as checkpoint:
            for batch in checkpoint.iter_batches(columns=["metaData"]):
                for found in batch.column("metaData").to_pylist():
                    if found is not None and found["schemaString"] is not None:
                        return _metadata({**found, "configuration": dict(found["configuration"] or ())})
    return StoredMetadata((), {}, ())


def _metadata(action: Mapping[str, Any]) -> StoredMetadata:
    fields = json.loads(action["schemaString"])["fields"]
    physical = {one["name"]: one["metadata"][_PHYSICAL_NAME] for one in fields if _PHYSICAL_NAME in one["metadata"]}
    return StoredMetadata(
        tuple(action["partitionColumns"]),
        dict(action.get("configuration") or {}),
        [one["name"] for one in fields],
        str(action.get("id") or ""),
        physical,
    )


def live_files(objects: ObjectStore, table_path: str) -> Iterator[DataFile]:
    """The live files, see ``live_actions``."""
    return (_file(action["size"], action.get("partitionValues")) for action in live_actions(objects, table_path))


def live_actions(objects: ObjectStore, table_path: str) -> Iterator[Mapping[str, Any]]:
    """The ``add`` actions of the live files: those of the last checkpoint, less what later commits removed, and what
    they added; each with path, size, partitionValues and stats.

    Only the paths that changed since the checkpoint are held in memory; the checkpoint itself is streamed.
    """
    log = f"{table_path}/_delta_log/"
    hint = objects.get(f"{log}_last_checkpoint")
    start = int(json.loads(hint.body)["version"]) if hint else -1
    names = [entry.path for entry in objects.list(log, after=f"{log}{start:020d}" if hint else "")]
    changed: dict[str, Mapping[str, Any] | None] = {}
    for name in names:
        match = _COMMIT.search(name)
        if match and int(match.group(1)) > start:
            _replay(objects, name, changed)
    for name in names:
        match = _CHECKPOINT.search(name)
        if match and int(match.group(1)) == start:
            yield from _from_checkpoint(objects, name, changed)
    yield from (file for file in changed.values() if file is not None)


def _replay(objects: ObjectStore, name: str, changed: dict[str, Mapping[str, Any] | None]) -> None:
    added: dict[str, Mapping[str, Any]] = {}
    with objects.open(name) as stream:
        for line in stream:
            action = json.loads(line) if line.strip() else {}
            if "add" in action:
                added[action["add"]["path"]] = action["add"]
            elif "remove" in action:
                changed[action["remove"]["path"]] = None
    # A file that gets a deletion vector is removed and added in one commit, in any order.
    changed.update(added)


def _from_checkpoint(
    objects: ObjectStore, name: str, changed: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[Mapping[str, Any]]:
    from pyarrow import parquet

    with parquet.ParquetFile(io.BytesIO(objects.read(name))) as checkpoint:
        has_stats = checkpoint.schema_arrow.field("add").type.get_field_index("stats") >= 0
        for batch in checkpoint.iter_batches(columns=[*_COLUMNS, *([_STATS] if has_stats else [])]):
            for added in batch.column("add").to_pylist():
                if added is not None and added["path"] is not None and added["path"] not in changed:
                    yield added


def _file(size: int, values: Any) -> DataFile:
    pairs = dict(values or {})
    return DataFile(int(size), "/".join(f"{key}={pairs[key]}" for key in sorted(pairs)))
