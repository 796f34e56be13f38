"""Whether the lake's own files can be loaded as they lie: COPY reads files, and knows nothing of Delta.

Delta keeps partition columns out of its files, hides rows by deletion vectors, and may store columns under other names;
files of different ages may have different columns. Where any of that holds, the rows are written once more.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from deploy.tables.lakes import readable
from deploy.unload.rows import Outgoing, plain

_AT_ONCE = 16


@dataclass(frozen=True)
class LakeFiles:
    """``files``: (address, bytes) of the table's current files if they can be loaded; else ``reason`` says why not."""

    files: tuple[tuple[str, int], ...] = ()
    reason: str = ""


def lake_files(outgoing: Outgoing) -> LakeFiles:
    """The current files of a table. Raises JobFailedError TBL-003 when they cannot be looked at."""
    table = outgoing.table
    reason = _reason(outgoing)
    if reason:
        return LakeFiles(reason=reason)
    with readable(outgoing.name):
        actions = pa.table(table.get_add_actions(flatten=True))
    paths, sizes = actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist()
    if not paths:
        return LakeFiles(reason="it has no files")
    root = str(table.table_uri).rstrip("/")
    files = [(path if "://" in path else f"{root}/{path}", int(size)) for path, size in zip(paths, sizes, strict=True)]
    return LakeFiles(tuple(sorted(files)))


def _reason(outgoing: Outgoing) -> str:
    """Why the files cannot be loaded as they lie; empty when they can."""
    table = outgoing.table
    names = [one.name for one in table.schema().fields]
    configured = table.metadata().configuration
    checks = (
        (not str(table.table_uri).startswith("s3"), "the lake is not on S3"),
        (bool(outgoing.where), "--where leaves rows out"),
        (list(outgoing.columns) != names, "--columns leaves columns out"),
        (bool(outgoing.personal & set(names)), "it has personal columns, which are masked unless --clear is given"),
        (any(pa.types.is_int8(one.type) for one in outgoing.schema()), "its bytes are to be written as shorts"),
        (bool(table.metadata().partition_columns), "its partition columns are not in its files"),
        (configured.get("delta.columnMapping.mode", "none") != "none", "its columns have other names in its files"),
        ("deletionVectors" in (table.protocol().reader_features or ()), "deletion vectors may hide rows of its files"),
    )
    found = next((words for is_so, words in checks if is_so), "")
    return found or ("" if _files_agree(outgoing) else "its files differ in their columns")


def _files_agree(outgoing: Outgoing) -> bool:
    """Whether each file has exactly the table's columns in their order, by the files' footers."""
    expected = outgoing.schema()

    def agrees(fragment: Any) -> bool:
        found = fragment.physical_schema
        return bool(
            found.names == expected.names
            and all(plain(one.type).equals(expected.field(at).type) for at, one in enumerate(found))
        )

    with readable(outgoing.name):
        dataset = outgoing.table.to_pyarrow_dataset()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return all(pool.map(agrees, dataset.get_fragments()))
