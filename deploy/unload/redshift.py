"""What Redshift needs: the table, the manifest of its files, and the COPY that loads them.

Sources: "COPY from columnar data formats", "Using a manifest to specify data files", "Using COPY to load data into
SUPER columns" and "Data types" of the Amazon Redshift Database Developer Guide. COPY takes the columns in the order of
the files, needs ``meta.content_length`` for Parquet, and refuses a text that is longer than its column.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from common.errors import UsageError

LONGEST_TEXT = 65_535
"""Bytes of the widest VARCHAR that every cluster has."""

_SHORTEST_TEXT = 32
_LONGEST_NAME = 127
_TYPES = {
    pa.bool_(): "BOOLEAN",
    pa.int8(): "SMALLINT",
    pa.int16(): "SMALLINT",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.float32(): "REAL",
    pa.float64(): "DOUBLE PRECISION",
    pa.date32(): "DATE",
    pa.binary(): "VARBYTE(1024000)",
}


def redshift_type(kind: pa.DataType, longest: int | None = None) -> str:
    """The type of a column. ``longest`` is the most bytes of a text, where it is known.

    A time is TIMESTAMP, in UTC: COPY of Parquet knows no other. Lists, structs and maps are SUPER. Raises UsageError
    UNL-001 for a type that Redshift has not.
    """
    if pa.types.is_string(kind):
        return f"VARCHAR({_width(longest)})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})"
    if pa.types.is_nested(kind):
        return "SUPER"
    if kind not in _TYPES:
        raise UsageError(
            "UNL-001", f"Redshift has no type for {kind}.", remedy="Leave the column out: --columns A,B names the rest."
        )
    return _TYPES[kind]


def stored_type(kind: pa.DataType) -> pa.DataType:
    """How a column is written to Parquet, so that COPY finds the type of ``redshift_type``.

    Times as UTC, zone or not: only those bear the older mark TIMESTAMP_MICROS too, which Spark writes and all read.
    """
    if pa.types.is_int8(kind):
        return pa.int16()
    return pa.timestamp("us", tz="UTC") if pa.types.is_timestamp(kind) else kind


def check_names(names: Sequence[str]) -> None:
    """Raises UsageError UNL-001 for names that Redshift takes for one another, or that are too long for it."""
    folded = Counter(name.lower() for name in names)
    wrong = [name for name in names if folded[name.lower()] > 1 or len(name.encode()) > _LONGEST_NAME]
    if wrong:
        raise UsageError(
            "UNL-001",
            f"Redshift cannot have the column '{wrong[0]}'.",
            cause=f"It knows no capital letters, and names of at most {_LONGEST_NAME} bytes.",
            remedy="Leave the column out: --columns A,B names the rest.",
        )


def load_statements(table: str, schema: pa.Schema, longest: Mapping[str, int] | None, manifest: str, role: str) -> str:
    """The SQL that makes the table if need be and loads it; ``longest``: bytes of texts, where they are known."""
    family, _, short = table.partition(".")
    name = f"{_quoted(family)}.{_quoted(short)}"
    columns = ",\n".join(
        f"  {_quoted(one.name)} {redshift_type(one.type, (longest or {}).get(one.name))}"
        f"{'' if one.nullable else ' NOT NULL'}"
        for one in schema
    )
    serialize = " SERIALIZETOJSON" if any(pa.types.is_nested(one.type) for one in schema) else ""
    iam = "DEFAULT" if role == "default" else f"'{role}'"
    return (
        "-- Written by `lakejobs unload`. Times are UTC. COPY adds rows: a second one adds them again.\n"
        f"CREATE SCHEMA IF NOT EXISTS {_quoted(family)};\n"
        f"CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n);\n"
        f"COPY {name}\nFROM '{manifest}'\nIAM_ROLE {iam}\nFORMAT AS PARQUET{serialize}\nMANIFEST;\n"
    )


def manifest_of(files: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """Entries for (address, bytes) of files; each must be there."""
    return {"entries": [{"url": url, "mandatory": True, "meta": {"content_length": size}} for url, size in files]}


def _width(longest: int | None) -> int:
    """The next power of two, so that a somewhat longer text fits tomorrow."""
    if longest is None:
        return LONGEST_TEXT
    return min(LONGEST_TEXT, max(_SHORTEST_TEXT, 1 << max(0, longest - 1).bit_length()))


def _quoted(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
