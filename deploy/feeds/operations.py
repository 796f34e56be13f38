"""What operators and functions of Spark give for values of Python, null aside."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlglot import expressions as ast

from deploy.feeds.casts import BadValueError, NeedsSparkError, cast, words_of


def field_of(value: Any, name: str) -> Any:
    """A field of a struct, whatever the case of its name; of a list, that field of each element."""
    if isinstance(value, list):
        return [field_of(item, name) for item in value]
    if not isinstance(value, Mapping):
        return None
    return next((item for key, item in value.items() if key.lower() == name.lower()), None)


def constant(value: Any) -> Callable[[Any], Any]:
    """A function that gives ``value`` for every row."""
    return lambda _: value


def text_of_value(value: Any) -> str:
    """A value as text, empty for null."""
    return words_of(value) or ""


def number_of(value: Any) -> Any:
    """A value as arithmetic takes it: text becomes a double, as Spark coerces it beside a fraction."""
    if isinstance(value, bool) or value is None:
        raise NeedsSparkError("arithmetic with booleans")
    if isinstance(value, str):
        return cast(value, "double")
    return value


def _pair(one: Any, other: Any) -> tuple[Any, Any]:
    """Both as numbers of one kind: beside a whole number Spark takes text for a whole number too, else for a double."""
    if isinstance(one, str) and isinstance(other, int):
        return cast(one, "bigint"), other
    if isinstance(other, str) and isinstance(one, int):
        return one, cast(other, "bigint")
    one, other = number_of(one), number_of(other)
    if isinstance(one, float) or isinstance(other, float):
        return float(one), float(other)
    return one, other


def _divided(one: Any, other: Any) -> Any:
    one, other = _pair(one, other)
    if other == 0:
        raise BadValueError
    if isinstance(one, Decimal) or isinstance(other, Decimal):
        if isinstance(one, float) or isinstance(other, float):
            return float(one) / float(other)
        return Decimal(one) / Decimal(other)
    return float(one) / float(other)


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def call(one: Any, other: Any) -> Any:
        result = function(*_pair(one, other))
        if isinstance(result, int) and not -(1 << 63) <= result < 1 << 63:
            raise BadValueError
        return result

    return call


def _remainder(one: Any, other: Any) -> Any:
    if other == 0:
        raise BadValueError
    # The sign is that of the first, as in Java.
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def compared(function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    """A comparison of two values with Spark's coercions; null when either is."""

    def call(one: Any, other: Any) -> bool | None:
        if one is None or other is None:
            return None
        if isinstance(one, str) != isinstance(other, str) and not isinstance(one, (date, bool)):
            one, other = _pair(one, other)
        if type(one) is not type(other) and not (
            isinstance(one, (int, float, Decimal)) and isinstance(other, (int, float, Decimal))
        ):
            raise NeedsSparkError("a comparison of different types")
        return function(one, other)

    return call


def is_like(text: Any, pattern: str) -> bool:
    """Whether a text fits a LIKE pattern."""
    parts = re.split(r"(\\.|[%_])", pattern)
    shape = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part.removeprefix("\\")) for part in parts)
    return re.fullmatch(shape, text_of_value(text), re.DOTALL) is not None


def joined(*values: Any) -> Any:
    """Texts, or lists, one after another."""
    if all(isinstance(value, list) for value in values):
        return [item for value in values for item in value]
    return "".join(text_of_value(value) for value in values)


def _substring(value: Any, start: int, length: int | None = None) -> str:
    text = text_of_value(value)
    begin = start - 1 if start > 0 else len(text) + start if start < 0 else 0
    end = len(text) if length is None else begin + length
    return text[max(begin, 0) : max(end, 0)]


def _split_part(value: Any, mark: str, place: int) -> str:
    if place == 0:
        raise BadValueError
    parts = text_of_value(value).split(mark) if mark else [text_of_value(value)]
    return parts[place - 1 if place > 0 else place] if abs(place) <= len(parts) else ""


def _split(value: Any, pattern: str) -> list[str]:
    return re.split(pattern, text_of_value(value))


def _substring_index(value: Any, mark: str, count: int) -> str:
    parts = text_of_value(value).split(mark)
    return mark.join(parts[:count] if count > 0 else parts[count:]) if count else ""


def _extracted(value: Any, pattern: str, group: int = 1) -> str:
    match = re.search(pattern, text_of_value(value))
    try:
        return (match.group(group) or "") if match else ""
    except IndexError as error:
        raise BadValueError from error


def _replaced(value: Any, pattern: str, by: str) -> str:
    return re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", by), text_of_value(value))


def _rounded(value: Any, places: int = 0) -> Any:
    if isinstance(value, int):
        return value
    number = Decimal(repr(value) if isinstance(value, float) else number_of(value))
    rounded = number.quantize(Decimal(1).scaleb(-places), rounding="ROUND_HALF_UP")
    return float(rounded) if isinstance(value, (float, str)) else rounded


def made_date(year: Any, month: Any, day: Any) -> date:
    """``make_date``; raises BadValueError for a date that is none."""
    try:
        return date(cast(year, "int"), cast(month, "int"), cast(day, "int"))
    except ValueError as error:
        raise BadValueError from error


def _truncated(value: Any, unit: str) -> date | None:
    day = _day(value)
    starts = {
        "WEEK": lambda: day - timedelta(days=day.weekday()),
        "MONTH": lambda: day.replace(day=1),
        "QUARTER": lambda: day.replace(month=3 * ((day.month - 1) // 3) + 1, day=1),
        "YEAR": lambda: day.replace(month=1, day=1),
    }
    return starts[unit.upper()]() if unit.upper() in starts else None


def _days_later(value: Any, days: Any) -> date:
    try:
        return _day(value) + timedelta(days=cast(days, "int"))
    except OverflowError as error:
        raise BadValueError from error


def _day(value: Any) -> date:
    day = value.date() if isinstance(value, datetime) else value
    if not isinstance(day, date):
        raise NeedsSparkError("a date out of text")
    return day


COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.EQ: lambda one, other: one == other,
    ast.NEQ: lambda one, other: one != other,
    ast.GT: lambda one, other: one > other,
    ast.GTE: lambda one, other: one >= other,
    ast.LT: lambda one, other: one < other,
    ast.LTE: lambda one, other: one <= other,
}
ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: _arithmetic(lambda one, other: one + other),
    ast.Sub: _arithmetic(lambda one, other: one - other),
    ast.Mul: _arithmetic(lambda one, other: one * other),
    ast.Mod: _arithmetic(_remainder),
    ast.Div: _divided,
}
FUNCTIONS: dict[type, tuple[Callable[..., Any], Sequence[str]]] = {
    ast.Lower: (lambda value: text_of_value(value).lower(), ("this",)),
    ast.Upper: (lambda value: text_of_value(value).upper(), ("this",)),
    ast.Length: (lambda value: len(text_of_value(value)), ("this",)),
    ast.Abs: (lambda value: abs(number_of(value)), ("this",)),
    ast.Round: (_rounded, ("this", "decimals")),
    ast.Substring: (_substring, ("this", "start", "length")),
    ast.Left: (lambda value, count: text_of_value(value)[: max(count, 0)], ("this", "expression")),
    ast.Right: (lambda value, count: text_of_value(value)[-count:] if count > 0 else "", ("this", "expression")),
    ast.Replace: (
        lambda value, old, new="": text_of_value(value).replace(old, new) if old else text_of_value(value),
        ("this", "expression", "replacement"),
    ),
    ast.RegexpReplace: (_replaced, ("this", "expression", "replacement")),
    ast.RegexpExtract: (_extracted, ("this", "expression", "group")),
    ast.RegexpLike: (
        lambda value, pattern: re.search(pattern, text_of_value(value)) is not None,
        ("this", "expression"),
    ),
    ast.SplitPart: (_split_part, ("this", "delimiter", "part_index")),
    ast.RegexpSplit: (_split, ("this", "expression")),
    ast.SubstringIndex: (_substring_index, ("this", "delimiter", "count")),
    ast.TsOrDsAdd: (_days_later, ("this", "expression")),
    ast.DateTrunc: (_truncated, ("this", "unit")),
    ast.StartsWith: (lambda value, start: text_of_value(value).startswith(start), ("this", "expression")),
    ast.Contains: (lambda value, part: part in text_of_value(value), ("this", "expression")),
    ast.Pad: (
        lambda value, length, fill=" ": text_of_value(value).rjust(length, fill)[:length],
        ("this", "expression", "fill_pattern"),
    ),
}
