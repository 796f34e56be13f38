"""Delta logs written by hand: tables without a data file, for what only looks at logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class DeltaLog:
    """The log of a table below a lake root; ``column`` is its partition column, empty for none."""

    def __init__(self, root: Path, path: str, column: str, *, table_id: str = "first") -> None:
        self.folder = root / path / "_delta_log"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.column = column
        self.version = -1
        fields = [{"name": column or "sold_day", "type": "date", "nullable": True, "metadata": {}}]
        schema = json.dumps({"type": "struct", "fields": fields})
        columns = [column] if column else []
        meta = {"id": table_id, "schemaString": schema, "partitionColumns": columns, "configuration": {}}
        self.commit({"metaData": meta}, operation="CREATE TABLE")

    def commit(self, *actions: dict[str, Any], operation: str = "WRITE", job: str = "toy.ingest") -> int:
        """Write one commit; its version."""
        self.version += 1
        info = {"operation": operation, "userMetadata": json.dumps({"job": job})}
        lines = [json.dumps(one, separators=(",", ":")) for one in ({"commitInfo": info}, *actions)]
        (self.folder / f"{self.version:020d}.json").write_text("\n".join(lines) + "\n")
        return self.version

    def add(self, *days: str, **changes: Any) -> int:
        """A commit that adds a file to each of these days."""
        return self.commit(*(self.file("add", day, **changes) for day in days))

    def remove(self, *days: str, **changes: Any) -> int:
        """A commit that removes the file of version 1 from each of these days."""
        return self.commit(*(self.file("remove", day, version=1, **changes) for day in days), operation="DELETE")

    def file(self, kind: str, day: str, *, version: int | None = None, **changes: Any) -> dict[str, Any]:
        """An action on the file that a version has put into a day."""
        number = self.version + 1 if version is None else version
        said = {"path": f"{self.column}={day}/part-{number}.parquet", "size": 1, "dataChange": True}
        return {kind: {**said, "partitionValues": {self.column: day}, **changes}}

    def forget(self, until: int) -> None:
        """Delete the commits up to a version, as Delta does once there is a checkpoint after them."""
        for version in range(until + 1):
            (self.folder / f"{version:020d}.json").unlink(missing_ok=True)
