"""From what an expression gives to the type of its canonical column: SQL that never raises, null where it cannot."""

from __future__ import annotations

from functools import partial

from pyspark.sql.types import (
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    FractionalType,
    IntegralType,
    NullType,
    NumericType,
    StringType,
    StructField,
    TimestampNTZType,
    TimestampType,
)

from common.sources.mapping import numbers, times
from common.sources.mapping.model import ColumnMapping, Source
from common.sources.mapping.nested import element_steps
from common.sources.mapping.patterns import time_pattern

_BLANKS = " \\t\\r\\n\u00a0\u2007\u202f\ufeff"


UNSAID = "unknown|unlabell?ed|pending|undecided|null|none|nan|n/?a|-|[?]"
"""A pattern of lower-case words that say neither yes nor no: nothing, like a blank."""

READS = "reads"
"""Key of a field's metadata: a text column that holds a TIME or a NUMBER says so, and a double that is to be FINITE."""
TIME, NUMBER, FINITE = "time", "number", "finite"
# Minus zero is equal to zero, but not as text.
_FINITE_VALUE = "CASE WHEN abs({v}) < CAST('Infinity' AS DOUBLE) THEN {v} + 0D END"
OWN_TIME = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?"
    "( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?$"
)
"""Pattern of the local times and offsets that a family reads from text by itself."""


def steps_to(
    found: DataType, wanted: DataType | None, mapping: ColumnMapping, source: Source, reads: str = ""
) -> list[str]:
    """Steps (see ``times``) from a value of type ``found`` to type ``wanted``; without one it is left as it is.

    In a step ``{g}`` stands for the first value. A time that becomes text is ISO 8601 in UTC. See docs/sources.md for
    what is read as what. ``reads`` (see ``READS``) is for a text column that its family types later: a spelling which
    only the source explains is made plain, and a time that cannot be read stays as it was sent.
    """
    local = isinstance(found, TimestampNTZType) and (wanted is None or isinstance(wanted, StringType))
    if mapping.epoch or mapping.timestamp_format or local:
        return [*_time(found, mapping, source), *_as(wanted)]
    if wanted is None:
        return []
    if isinstance(found, NullType):
        return [f"CAST({{v}} AS {wanted.simpleString()})"]
    if isinstance(wanted, TimestampType):
        return _time(found, mapping, source)
    if isinstance(wanted, StringType):
        return _plain_text(found, mapping, source, reads)
    if isinstance(wanted, DateType):
        return _date(found, source)
    if isinstance(wanted, BooleanType):
        return _boolean(found)
    if isinstance(wanted, NumericType):
        return [*_number(found, wanted, source), *([_FINITE_VALUE] if reads == FINITE else [])]
    cast = f"try_cast({{v}} AS {wanted.simpleString()})"
    return element_steps(found, wanted, partial(_field_steps, source=source)) or [cast]


def _field_steps(found: DataType, field: StructField, source: Source) -> list[str]:
    """The steps of a text within an array: what is no text there is cast."""
    reads = field.metadata.get(READS, "")
    if not isinstance(field.dataType, StringType) or (isinstance(found, StringType) and not reads):
        return []
    return _plain_text(found, ColumnMapping(expr=field.name), source, reads)


def _plain_text(found: DataType, mapping: ColumnMapping, source: Source, reads: str) -> list[str]:
    if reads == TIME and isinstance(found, DateType):
        return [*_time(found, mapping, source), *_as(StringType())]
    as_sent = _text(found).replace("{v}", "{g}")
    if reads == TIME and isinstance(found, StringType | NumericType):
        others = f"CASE WHEN NOT {{v}} RLIKE '{OWN_TIME}' THEN {{v}} END"
        plain = [_text(found), others, *times.time_of_text(source.time_zone), *_as(StringType())]
        return [*plain, f"coalesce({{v}}, {as_sent})"]
    if reads == NUMBER and isinstance(found, StringType) and source.number_style:
        # Left as it was sent, 12.50 of a source whose dot parts thousands would be read as another number. A text
        # without a digit is none in any style, and the family knows words for nothing.
        word = f"CASE WHEN NOT {{g}} RLIKE '[0-9]' THEN {_trimmed('{g}')} END"
        return [_trimmed("{v}"), *numbers.number_text(source.number_style), f"coalesce({{v}}, {word})"]
    if reads == NUMBER and isinstance(found, FractionalType) and not isinstance(found, DecimalType):
        return numbers.float_text(found)
    return [_text(found)]


def text_of(found: DataType) -> str:
    """SQL of a value of type ``found`` as text that says all there is to know, as the files of another type may have
    sent it: a time in UTC says so, a float is plain digits, NaN is nothing.
    """
    if isinstance(found, FractionalType) and not isinstance(found, DecimalType):
        return f"CASE WHEN NOT isnan({{v}}) THEN coalesce({numbers.plain_float()}, CAST({{v}} AS STRING)) END"
    return "{v}" if isinstance(found, StringType) else _text(found)


def is_date_only(value: str, found: DataType, mapping: ColumnMapping) -> str:
    """SQL that is true where ``value``, mapped to a time, gives a date without a time of day."""
    if mapping.epoch:
        return "false"
    if mapping.timestamp_format:
        return "false" if time_pattern(mapping.timestamp_format).has_time else f"{value} IS NOT NULL"
    if isinstance(found, StringType):
        return f"coalesce({times.is_date_text(_trimmed(value))}, false)"
    return f"{value} IS NOT NULL" if isinstance(found, DateType | NumericType) else "false"


def is_given(value: str, found: DataType, wanted: DataType | None, reads: str = "") -> str:
    """SQL that is true where ``value`` holds something.

    A blank text is nothing to a number, time or boolean, and NaN nothing to a number that is to be finite: it is what
    pandas has for a missing one.
    """
    if reads == FINITE and isinstance(found, DoubleType | FloatType):
        return f"({value} IS NOT NULL AND NOT isnan({value}))"
    if isinstance(found, StringType) and isinstance(wanted, BooleanType):
        return f"NOT lower({_trimmed(value)}) RLIKE '^({UNSAID})?$'"
    if isinstance(found, FractionalType) and not isinstance(found, DecimalType) and isinstance(wanted, BooleanType):
        return f"({value} IS NOT NULL AND NOT isnan({value}))"
    if isinstance(found, StringType) and wanted is not None and not isinstance(wanted, StringType):
        return f"{_trimmed(value)} <> ''"
    return f"{value} IS NOT NULL"


def _as(wanted: DataType | None) -> list[str]:
    if isinstance(wanted, StringType):
        # The text must say that it is UTC: the source's zone may be another.
        return ["date_format({v}, \"yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'\")"]
    if wanted is None or isinstance(wanted, TimestampType):
        return []
    return [f"try_cast({{v}} AS {wanted.simpleString()})"]


def _trimmed(value: str) -> str:
    return f"trim(BOTH '{_BLANKS}' FROM {value})"


def _time(found: DataType, mapping: ColumnMapping, source: Source) -> list[str]:
    zone = source.time_zone
    if mapping.epoch:
        return [*_count(found), times.time_of_epoch(mapping.epoch)]
    if mapping.timestamp_format:
        return [_text(found), _trimmed("{v}"), *times.time_by_pattern(time_pattern(mapping.timestamp_format), zone)]
    if isinstance(found, StringType):
        return [_trimmed("{v}"), *times.time_of_text(zone)]
    if isinstance(found, TimestampNTZType):
        return ["CAST({v} AS TIMESTAMP)", times.in_utc(zone), times.POSSIBLE]
    if isinstance(found, DateType):
        return [times.start_of_day(zone), times.POSSIBLE]
    if isinstance(found, NumericType):
        return [*_count(found), *times.date_of_number(), times.start_of_day(zone)]
    return ["CAST({v} AS TIMESTAMP)", times.POSSIBLE]


def _count(found: DataType) -> list[str]:
    """Steps to a number as DECIMAL(38,9), null when it is none."""
    text = _trimmed("{v}") if isinstance(found, StringType) else "CAST({v} AS STRING)"
    return [text, *numbers.number_text(None), "try_cast({v} AS DECIMAL(38,9))"]


def _text(found: DataType) -> str:
    if isinstance(found, StringType):
        return "trim({v})"
    if isinstance(found, FractionalType) and not isinstance(found, DecimalType):
        return numbers.plain_float()
    if isinstance(found, TimestampType):
        return _as(StringType())[0]
    return "CAST({v} AS STRING)"


def _date(found: DataType, source: Source) -> list[str]:
    if isinstance(found, StringType):
        return [_trimmed("{v}"), f"CASE WHEN {times.is_date_text('{v}')} THEN {times.date_of_text('{v}')} END"]
    if isinstance(found, NumericType):
        return [*_count(found), *times.date_of_number()]
    if isinstance(found, TimestampType) and source.time_zone != "UTC":
        return [f"CAST(from_utc_timestamp({{v}}, '{source.time_zone}') AS DATE)"]
    return ["try_cast({v} AS DATE)"]


def _boolean(found: DataType) -> list[str]:
    if isinstance(found, StringType):
        text = f"lower({_trimmed('{v}')})"
    elif isinstance(found, NumericType):
        text = "CAST({v} AS STRING)"
    else:
        return ["try_cast({v} AS BOOLEAN)"]
    return [
        text,
        "CASE WHEN {v} RLIKE '^(true|t|yes|y|1([.]0*)?)$' THEN true "
        "WHEN {v} RLIKE '^(false|f|no|n|-?0([.]0*)?)$' THEN false END",
    ]


def _number(found: DataType, wanted: NumericType, source: Source) -> list[str]:
    if isinstance(found, StringType):
        return [_trimmed("{v}"), *numbers.number_text(source.number_style), numbers.exact_number(wanted)]
    if isinstance(found, FractionalType) and not isinstance(found, DecimalType):
        if isinstance(wanted, FractionalType) and not isinstance(wanted, DecimalType):
            return [f"try_cast({{v}} AS {wanted.simpleString()})"]
        return numbers.exact_float(found, wanted)
    if isinstance(found, DecimalType | IntegralType):
        return ["CAST({v} AS STRING)", numbers.exact_number(wanted)]
    return [f"try_cast({{v}} AS {wanted.simpleString()})"]
