"""Rows as Parquet files for a parallel COPY: of about the same size, written with the memory of one row group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.errors import ContractError
from deploy.unload.folder import Folder
from deploy.unload.redshift import LONGEST_TEXT, stored_type
from deploy.unload.rows import Outgoing, cast

_GROUP_ROWS, _GROUP_BYTES = 250_000, 64 * 1_048_576


@dataclass(frozen=True)
class WrittenFiles:
    """``files``: (name below the folder, bytes, rows); ``longest``: the most bytes of each text column."""

    files: tuple[tuple[str, int, int], ...]
    longest: dict[str, int]

    @property
    def rows(self) -> int:
        """All rows."""
        return sum(rows for _, _, rows in self.files)


def write_parquet(outgoing: Outgoing, folder: Folder, target_bytes: int) -> WrittenFiles:
    """Write the rows, beginning a new file when one has reached ``target_bytes``; without rows one file has none.

    Raises ContractError UNL-004 for a text that no column of Redshift can hold.
    """
    schema = pa.schema([one.with_type(stored_type(one.type)) for one in outgoing.schema()])
    texts = [one.name for one in schema if pa.types.is_string(one.type)]
    longest = dict.fromkeys(texts, 0)
    files: list[tuple[str, int, int]] = []
    writer: Any = None
    name, rows = "", 0
    for group in _groups(outgoing, schema):
        for text in texts:
            longest[text] = max(longest[text], _longest(group.column(text), text))
        if writer is None:
            name, rows = f"data/part-{len(files):05d}.parquet", 0
            # As old readers know it: plain pages, no schema of Arrow's own.
            writer = pq.ParquetWriter(
                folder.file(name), schema, compression="snappy", version="2.4", store_schema=False
            )
        writer.write_table(group, row_group_size=max(1, group.num_rows))
        rows += group.num_rows
        if folder.file(name).stat().st_size >= target_bytes:
            writer.close()
            files.append((name, folder.file(name).stat().st_size, rows))
            writer = None
    if writer is not None:
        writer.close()
        files.append((name, folder.file(name).stat().st_size, rows))
    return WrittenFiles(tuple(files), longest)


def _groups(outgoing: Outgoing, schema: pa.Schema) -> Iterator[pa.Table]:
    """Batches joined into row groups; one without rows when there are none."""
    held: list[pa.RecordBatch] = []
    rows = size = 0
    is_empty = True
    for batch in outgoing.batches():
        arrays = [cast(batch.column(at), one.type) for at, one in enumerate(schema)]
        held.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= _GROUP_ROWS or size >= _GROUP_BYTES:
            yield pa.Table.from_batches(held, schema)
            held, rows, size, is_empty = [], 0, 0, False
    if held or is_empty:
        yield pa.Table.from_batches(held, schema)


def _longest(column: pa.ChunkedArray, name: str) -> int:
    found = int(pc.max(pc.binary_length(column)).as_py() or 0)
    if found > LONGEST_TEXT:
        raise ContractError(
            "UNL-004",
            f"A text of the column '{name}' is too long for Redshift.",
            cause=f"It has {found:,} bytes; a VARCHAR has at most {LONGEST_TEXT:,}.",
            remedy="Leave the column out with --columns, or the rows with --where.",
        )
    return found
