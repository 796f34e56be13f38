"""Raw rows to canonical columns, by the expressions of a source."""

from __future__ import annotations

import re

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, StringType, StructType, TimestampNTZType, TimestampType

from common.causes import cause_of
from common.errors import UsageError
from common.sources.mapping.expressions import lenient, quoted_bare_names
from common.sources.mapping.model import ColumnMapping, Source
from common.words import did_you_mean

KEPT = ("_file", "_file_sha256", "_line", "_raw", "_reason")
# Unit -> function, and the counts between the years 1 and 9999: beyond them the function raises.
_EPOCH = {
    "s": ("timestamp_seconds", 1),
    "ms": ("timestamp_millis", 1_000),
    "us": ("timestamp_micros", 1_000_000),
}
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799
# Pattern letters of a zone or offset, and the end of a text that names one.
_ZONE_LETTERS = re.compile(r"[VzOXxZ]")
_ZONED_TEXT = r"([zZ]|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})$"


def canonical(raw: DataFrame, source: Source, target: StructType | None = None) -> DataFrame:
    """``raw`` as the canonical columns of ``source``, then those of ``KEPT`` that ``raw`` has.

    With ``target`` each column is cast to its type there; a time that becomes text is ISO 8601 in UTC, with ``Z``. A
    value that cannot be cast is null, and ``_reason`` names the columns (``SRC-301 cannot be read: a, b``) unless it
    holds a reason already. Times that name no zone are local to the source's ``time_zone``. Rows in = rows out. Raises
    UsageError SRC-004 (an expression does not fit the raw columns) and SRC-005 (a column that ``target`` lacks), before
    anything is computed.
    """
    if target is not None:
        source.check_columns(target.names)
    given = {name: lenient(mapping.expr) for name, mapping in source.columns.items()}
    _check_names(raw, source)
    _check(raw, source, given)
    kept = [name for name in KEPT if name in raw.columns]
    mapped = raw.select(*(F.expr(text).alias(_given(name)) for name, text in given.items()), *kept)
    values = {}
    for name, mapping in source.columns.items():
        wanted = target[name].dataType if target is not None else None
        values[name] = _value(f"`{_given(name)}`", mapping, source, mapped.schema[_given(name)].dataType, wanted)
    _check(mapped, source, values)
    lost = [
        F.when(F.col(_given(name)).isNotNull() & F.expr(text).isNull(), F.lit(name))
        for name, text in values.items()
        if text != f"`{_given(name)}`"
    ]
    columns = [F.expr(text).alias(name) for name, text in values.items()]
    others = [F.col(name) for name in kept if name != "_reason"]
    return mapped.select(*columns, *others, _reason("_reason" in kept, lost).alias("_reason"))


def _given(name: str) -> str:
    return f"_given_{name}"


def _reason(has_reason: bool, lost: list[Column]) -> Column:
    before = F.col("_reason") if has_reason else F.lit(None).cast("string")
    if not lost:
        return before
    names = F.concat_ws(", ", *lost)
    return F.coalesce(before, F.when(names != "", F.concat(F.lit("SRC-301 cannot be read: "), names)))


def _value(value: str, mapping: ColumnMapping, source: Source, found: DataType, wanted: DataType | None) -> str:
    """SQL that turns what the expression gave (of type ``found``) into the canonical value, null where it cannot."""
    zone = source.time_zone
    if mapping.epoch:
        return _cast(_epoch(value, mapping.epoch), wanted, TimestampType())
    if mapping.timestamp_format:
        pattern = mapping.timestamp_format.replace("'", "\\'")
        parsed = f"try_to_timestamp(CAST({value} AS STRING), '{pattern}')"
        local = zone != "UTC" and not _ZONE_LETTERS.search(re.sub(r"'[^']*'", "", mapping.timestamp_format))
        return _cast(f"to_utc_timestamp({parsed}, '{zone}')" if local else parsed, wanted, TimestampType())
    if isinstance(found, TimestampNTZType):
        moment = f"CAST({value} AS TIMESTAMP)"
        return _cast(moment if zone == "UTC" else f"to_utc_timestamp({moment}, '{zone}')", wanted, TimestampType())
    cast = _cast(value, wanted, found)
    if isinstance(wanted, TimestampType) and isinstance(found, StringType) and zone != "UTC":
        return f"CASE WHEN {value} RLIKE '{_ZONED_TEXT}' THEN {cast} ELSE to_utc_timestamp({cast}, '{zone}') END"
    return cast


def _cast(value: str, wanted: DataType | None, found: DataType) -> str:
    if wanted is None or wanted == found:
        return value
    if isinstance(wanted, StringType) and isinstance(found, TimestampType):
        # The text must say that it is UTC: the source's zone may be another.
        return f"date_format({value}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"
    return f"try_cast({value} AS {wanted.simpleString()})"


def _epoch(value: str, unit: str) -> str:
    function, per_second = _EPOCH[unit]
    count = f"try_cast({value} AS BIGINT)"
    low, high = _FIRST_SECOND * per_second, (_LAST_SECOND + 1) * per_second - 1
    return f"CASE WHEN {count} BETWEEN {low} AND {high} THEN {function}({count}) END"


def _check_names(raw: DataFrame, source: Source) -> None:
    """A quoted name of a missing column would become what Spark evaluates under that name: the clock, say."""
    there = {name.lower() for name in raw.columns}
    for column, mapping in source.columns.items():
        for name in quoted_bare_names(mapping.expr):
            if name.lower() not in there:
                raise UsageError(
                    "SRC-004",
                    f"Source {source.name}: the expression of '{column}' cannot be used.",
                    cause=f"{mapping.expr}: there is no raw column '{name}'.",
                    remedy=f"The raw columns are {', '.join(item for item in raw.columns if item not in KEPT)}.",
                )


def _check(rows: DataFrame, source: Source, texts: dict[str, str]) -> None:
    """Analyses each expression by itself when all together fail, to name the one at fault; nothing is computed."""
    try:
        rows.select(*(F.expr(text) for text in texts.values()))
    except (AnalysisException, ParseException):
        for name, text in texts.items():
            _check_one(rows, source, name, text)
        raise


def _check_one(rows: DataFrame, source: Source, name: str, text: str) -> None:
    try:
        rows.select(F.expr(text))
    except (AnalysisException, ParseException) as error:
        text = str(error)
        raw_columns = [column for column in rows.columns if column not in KEPT and not column.startswith("_given_")]
        unknown = re.search(r"name `([^`]+)` cannot be resolved", text)
        hint = did_you_mean(unknown.group(1), raw_columns) if unknown else ""
        raise UsageError(
            "SRC-004",
            f"Source {source.name}: the expression of '{name}' cannot be used.{hint}",
            cause=f"{source.columns[name].expr}: {cause_of(error)}",
            remedy=f"The raw columns are {', '.join(raw_columns)}." if raw_columns else "Check its type.",
        ) from error
