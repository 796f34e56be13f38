"""Expressions that may raise, evaluated so that a raising row gives null and says so.

Under ANSI, Spark stops a job at one bad value: a cast, an overflow, an index, a map key, a date that is none. Turning
ANSI off instead would let sums and casts wrap silently. So an expression runs as it is, inside one that catches.

The catch is ``try_to_binary``, which gives null for whatever its argument raises, in Spark 3.5 and 4.1 alike. Two
things follow. A value travels through it as text: ``=`` and the value, ``-`` for null. And the expression stands in the
lambda of ``aggregate``: Spark computes a subexpression that occurs twice once and in advance, outside the catch, but
never one in a lambda. Without it ``cents / 100`` in two columns of a source would stop the job again.

What no catch helps against, memory, is bounded before (see ``bounded``).
"""

from __future__ import annotations

import re

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    MapType,
    NullType,
    StringType,
    StructType,
    TimestampType,
)

from common.sources.mapping.bounded import bounded

_NAMES = r"(?:[A-Za-z_]\w*|`[^`]+`)"
# A column, a field of a column, a text without escapes: these cannot raise.
_PLAIN = re.compile(rf"\s*(?:{_NAMES}(?:\s*\.\s*{_NAMES})*|'[^'\\]*')\s*")


def is_plain(expression: str) -> bool:
    """Whether an expression only names a column or a field, or is a text: nothing in it can raise."""
    return _PLAIN.fullmatch(expression) is not None


def guarded(expression: str, kind: DataType) -> str:
    """SQL of a text: ``=`` and the value of ``expression`` (of type ``kind``), ``-`` for null, null when it raises."""
    text = f"concat('=', {_as_text(f'({bounded(expression)})', kind)})"
    # The names of the lambda's arguments would hide raw columns of the same names.
    inner = f"aggregate(array('-'), '', (`_given so far`, `_given none`) -> coalesce({text}, `_given none`))"
    return f"decode(try_to_binary({inner}, 'utf-8'), 'utf-8')"


def opened(carried: str, kind: DataType) -> str:
    """SQL of the value of type ``kind`` in the text column ``carried`` that ``guarded`` gave; never raises."""
    text = f"CASE WHEN {carried} <> '-' THEN substring({carried}, 2) END"
    if isinstance(kind, TimestampType):
        return f"timestamp_micros(try_cast({text} AS BIGINT))"
    if isinstance(kind, BinaryType):
        return f"unhex({text})"
    if isinstance(kind, ArrayType | MapType | StructType):
        ddl = kind.simpleString().replace("'", "\\'")
        return f"from_json({text}, 'v {ddl}').v"
    if isinstance(kind, StringType | NullType):
        return text
    return f"try_cast({text} AS {kind.simpleString()})"


def has_raised(carried: str) -> str:
    """SQL that is true where the expression behind the text column ``carried`` raised."""
    return f"{carried} IS NULL"


def _as_text(value: str, kind: DataType) -> str:
    if isinstance(kind, TimestampType):
        return f"CAST(unix_micros({value}) AS STRING)"
    if isinstance(kind, BinaryType):
        return f"hex({value})"
    if isinstance(kind, ArrayType | MapType | StructType):
        return f"CASE WHEN {value} IS NOT NULL THEN to_json(named_struct('v', {value})) END"
    return f"CAST({value} AS STRING)"
