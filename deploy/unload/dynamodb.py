"""Rows as files for DynamoDB's import from S3: gzip, one item per line, and the request that imports them.

Sources: "Amazon S3 import formats for DynamoDB", "Import format quotas and validation" and "Best practices for
importing" of the Amazon DynamoDB Developer Guide. Of items with one key the import keeps any: a key occurs once here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from common.errors import ContractError, UsageError
from deploy.tables.show import answer_of, quoted
from deploy.unload.folder import Folder
from deploy.unload.items import check_item, item_of
from deploy.unload.rows import Outgoing

# Guide: some 4,000,000 items of up to 1 KB in an object.
_FILE_BYTES = 1_024 * 1_048_576
_PARTS = 2


@dataclass(frozen=True)
class WrittenItems:
    """``files``: (name below the folder, bytes, items)."""

    files: tuple[tuple[str, int, int], ...]

    @property
    def rows(self) -> int:
        """All items."""
        return sum(rows for _, _, rows in self.files)


def check_key(outgoing: Outgoing, key: Sequence[str]) -> tuple[str, ...]:
    """The key of the items: a column, or two. Raises UsageError or ContractError UNL-003 when it cannot be one."""
    schema = outgoing.schema()
    wrong = ""
    if not 1 <= len(set(key)) == len(key) <= _PARTS:
        wrong = "DynamoDB has a partition key and at most one sort key."
    elif missing := [name for name in key if name not in schema.names]:
        wrong = f"'{missing[0]}' is none of the columns that are written."
    elif nested := [name for name in key if not _may_be_key(schema.field(name).type)]:
        wrong = f"'{nested[0]}' is neither text nor number, time nor bytes."
    if wrong:
        raise UsageError(
            "UNL-003",
            f"{', '.join(key) or 'Nothing'} cannot be the key of items.",
            cause=wrong,
            remedy="Give --key A or --key A,B, columns that tell the rows apart.",
        )
    return tuple(key)


def check_unique(outgoing: Outgoing, key: Sequence[str]) -> None:
    """Raises ContractError UNL-003 when a key occurs more than once: the import would keep any of its items."""
    names = ", ".join(quoted(name) for name in key)
    rows = "SELECT * FROM stored" + (f" WHERE ({outgoing.where})" if outgoing.where else "")
    query = f"SELECT count(*) FROM (SELECT {names} FROM ({rows}) GROUP BY {names} HAVING count(*) > 1)"
    twice = sum(int(batch.column(0)[0].as_py()) for batch in answer_of(outgoing.table, query, outgoing.name))
    if twice:
        raise ContractError(
            "UNL-003",
            f"{twice:,} keys of {', '.join(key)} occur more than once.",
            cause="DynamoDB has one item for each key; the import would keep any of them.",
            remedy="Add a sort key, --key A,B, or choose the rows with --where.",
        )


def write_items(outgoing: Outgoing, folder: Folder, key: tuple[str, ...], sets: frozenset[str]) -> WrittenItems:
    """Write the rows; a file ends behind a gigabyte of text, before it is compressed.

    Raises ContractError UNL-003, UNL-004 for a row that DynamoDB does not take.
    """
    rows = enumerate(_rows(outgoing), start=1)
    files: list[tuple[str, int, int]] = []
    row = next(rows, None)
    while row is not None or not files:
        name = f"items/part-{len(files):05d}.json.gz"
        path, size, items = folder.file(name), 0, 0
        # Without a time and a name in the file: the same rows are the same bytes.
        with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
            while row is not None and size < _FILE_BYTES:
                item = item_of(row[1], sets)
                if hidden := outgoing.masked & set(key):
                    raise _hidden(sorted(hidden))
                check_item(item, key, row[0])
                line = json.dumps({"Item": item}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
                packed.write(line)
                size, items, row = size + len(line), items + 1, next(rows, None)
        files.append((name, path.stat().st_size, items))
    return WrittenItems(tuple(files))


def import_request(table: str, schema: pa.Schema, key: Sequence[str], bucket: str, prefix: str) -> dict[str, Any]:
    """The request of ``aws dynamodb import-table``: it makes the table; one that is there is not imported into."""
    place = {"S3Bucket": bucket, "S3KeyPrefix": f"{prefix}/items/".lstrip("/")}
    return {
        "S3BucketSource": place,
        "InputFormat": "DYNAMODB_JSON",
        "InputCompressionType": "GZIP",
        "TableCreationParameters": {
            "TableName": table,
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": _key_type(schema.field(name).type)} for name in key
            ],
            "KeySchema": [
                {"AttributeName": name, "KeyType": kind} for name, kind in zip(key, ("HASH", "RANGE"), strict=False)
            ],
            "BillingMode": "PAY_PER_REQUEST",
        },
    }


def _rows(outgoing: Outgoing) -> Iterator[Mapping[str, Any]]:
    for batch in outgoing.batches():
        values = [_values(column) for column in batch.columns]
        for row in zip(*values, strict=True):
            yield dict(zip(batch.schema.names, row, strict=True))


def _values(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_float32(kind):
        # As the shortest text of the narrow type: 0.1, not 0.10000000149011612.
        return [None if text is None else float(text) for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_timestamp(kind):
        # As text: a table may hold years that Python has no date for.
        texts = column.cast(pa.timestamp("us")).cast(pa.string()).to_pylist()
        return [None if text is None else _moment(text, "Z" if kind.tz else "") for text in texts]
    if pa.types.is_date(kind):
        return list(column.cast(pa.string()).to_pylist())
    if pa.types.is_map(kind):
        return [None if one is None else dict(one) for one in column.to_pylist()]
    return list(column.to_pylist())


def _moment(text: str, zone: str) -> str:
    """``2026-03-01T12:00:00.000000Z``: always with microseconds, so that texts sort as their times do."""
    day, _, rest = text.partition(" ")
    whole, _, fraction = rest.partition(".")
    return f"{day}T{whole}.{fraction:0<6}{zone}"


def _may_be_key(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind))


def _key_type(kind: pa.DataType) -> str:
    if pa.types.is_binary(kind):
        return "B"
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return "N" if is_number else "S"


def _hidden(names: Sequence[str]) -> ContractError:
    return ContractError(
        "UNL-003",
        f"{', '.join(names)} cannot be a key: it holds personal data, which is masked.",
        remedy="Give another --key, or --clear if the values may leave the lake.",
    )
