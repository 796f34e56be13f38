"""The rows of the Delta tables of a lake, read without Spark, in a form in which two runs of the same jobs compare."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pyarrow import parquet

from common.lake.storage.objects import ObjectStore

# When a run took place, and the batch, whose id says when it was begun; everything else in a row must be the same for
# the same raw files.
_RUN_COLUMNS = frozenset({"ingested_at", "ingest_date", "trained_at", "quarantined_at", "_batch_id"})
# Where a file lies differs between a folder and a bucket; its name does not.
_PATH_COLUMNS = frozenset({"_file", "source_file"})
# Sums of floats depend on the order in which tasks hand them over.
_RELATIVE_TOLERANCE = 1e-9

Row = tuple[str, tuple[float, ...]]
"""What must be equal, as JSON, and the finite floats of the row in the order of its columns."""


def table_rows(objects: ObjectStore, table: str) -> list[Row]:
    """All rows of the table at a path below the lake root, sorted."""
    return sorted(_row(values) for values in stored_rows(objects, table))


def differences(found: list[Row], expected: list[Row]) -> list[tuple[Row | None, Row | None]]:
    """The pairs of sorted rows that differ by more than the rounding of floats."""
    return [pair for pair in zip_longest(found, expected) if not _is_same(*pair)]


def stored_rows(objects: ObjectStore, table: str) -> Iterator[dict[str, Any]]:
    """The rows of the latest version: the log replayed from its beginning, and the files read that are left."""
    live: dict[str, dict[str, Any]] = {}
    for entry in objects.list(f"{table}/_delta_log/"):
        if not entry.path.endswith(".json") or ".compacted." in entry.path:
            continue
        for line in objects.read(entry.path).splitlines():
            action = json.loads(line)
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
            if "add" in action:
                live[action["add"]["path"]] = action["add"]
    for path, added in live.items():
        assert "deletionVector" not in added
        body = io.BytesIO(objects.read(f"{table}/{unquote(path)}"))
        for row in parquet.ParquetFile(body).read().to_pylist():
            yield {**row, **added["partitionValues"]}


def _row(values: Mapping[str, Any]) -> Row:
    floats: list[float] = []
    shape = {
        name: Path(value).name if name in _PATH_COLUMNS else value
        for name, value in sorted(values.items())
        if name not in _RUN_COLUMNS
    }
    return json.dumps(_without_floats(shape, floats), default=str), tuple(floats)


def _without_floats(value: Any, floats: list[float]) -> Any:
    if isinstance(value, float) and math.isfinite(value):
        floats.append(value)
        return "float"
    if isinstance(value, dict):
        return {name: _without_floats(part, floats) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_floats(part, floats) for part in value]
    return value


def _is_same(found: Row | None, expected: Row | None) -> bool:
    if found is None or expected is None or found[0] != expected[0]:
        return False
    pairs = zip(found[1], expected[1], strict=True)
    return all(math.isclose(one, other, rel_tol=_RELATIVE_TOLERANCE, abs_tol=1e-12) for one, other in pairs)
