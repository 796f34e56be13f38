"""The types of a ``raw_schema``, and the values of JSON and csv as Spark reads them by these types."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from common.sources.grammar.types import RawKind, parse_schema
from common.sources.mapping.model import Source
from deploy.feeds.casts import BadValueError, NeedsSparkError, cast


@dataclass(frozen=True)
class RawType:
    """The type of a raw column of ``raw_schema``: a plain one by its SQL name, a list or map of ``item``, or fields."""

    name: str
    item: RawType | None = None
    fields: tuple[tuple[str, RawType], ...] = ()


class OtherTypeError(Exception):
    """A value is of another type than the source declares: its record cannot be read."""


class JsonNumber(str):
    """A number of JSON, with the digits that were sent."""

    __slots__ = ()


_WHOLE = {"tinyint", "byte", "smallint", "short", "int", "integer", "bigint", "long"}
_FLOATS = {"double", "float", "real"}
_INFINITE = {f"{sign}{word}" for sign in ("", "+", "-") for word in ("Inf", "Infinity")}
# Other names of types, and what holds text of any length in a file.
_SAME = {
    "byte": "tinyint",
    "short": "smallint",
    "integer": "int",
    "long": "bigint",
    "real": "float",
    "dec": "decimal",
    "numeric": "decimal",
    "varchar": "string",
}


def raw_types(ddl: str) -> dict[str, RawType]:
    """The raw columns of a ``raw_schema`` and their types. Raises ValueError as ``parse_schema``."""
    return {name: _raw_type(kind) for name, kind in parse_schema(ddl).items()}


def _raw_type(kind: RawKind) -> RawType:
    inner = kind.item or kind.value
    if inner is not None:
        return RawType(kind.name, item=_raw_type(inner))
    if kind.name == "struct":
        return RawType("struct", fields=tuple((name, _raw_type(one)) for name, one in kind.fields.items()))
    name = _SAME.get(kind.name, kind.name)
    return RawType(f"{name}({', '.join(map(str, kind.lengths))})" if kind.lengths and name != "string" else name)


def are_known(source: Source) -> bool:
    """Whether the raw columns of a source are read here as Spark reads them; times depend on its options."""
    return source.raw_schema is None or all(map(_is_known, raw_types(source.raw_schema).values()))


def _is_known(kind: RawType) -> bool:
    if kind.item is not None:
        return _is_known(kind.item)
    if kind.fields:
        return all(_is_known(one) for _, one in kind.fields)
    return kind.name in {"string", "boolean", "date", *_WHOLE, *_FLOATS} or kind.name.startswith("decimal")


def json_value(text: str) -> Any:
    """A JSON text as Python values, numbers as JsonNumber. Raises ValueError."""
    return json.loads(text, parse_float=JsonNumber, parse_int=JsonNumber)


def of_json(value: Any, kind: RawType) -> Any:
    """A value of JSON as the type that the source declares. Raises OtherTypeError where Spark reads no record."""
    if value is None:
        return None
    if kind.name == "string":
        return _text(value)
    if kind.item is not None or kind.fields:
        return _nested(value, kind)
    is_number = isinstance(value, (JsonNumber, float))
    is_text = isinstance(value, str) and not is_number
    if kind.name == "boolean":
        fits = isinstance(value, bool)
    elif kind.name in _WHOLE:
        fits = is_number and str(value).lstrip("-").isdecimal()
    else:
        fits = is_number or (is_text and kind.name not in _FLOATS)
    if not fits:
        raise OtherTypeError
    return _cast(value if isinstance(value, (bool, float)) else str(value), kind)


def _nested(value: Any, kind: RawType) -> Any:
    if kind.name == "array" and kind.item is not None and isinstance(value, list):
        return [of_json(one, kind.item) for one in value]
    if kind.name == "map" and kind.item is not None and isinstance(value, dict):
        return {name: of_json(one, kind.item) for name, one in value.items()}
    if kind.fields and isinstance(value, dict):
        return {name: of_json(value.get(name), one) for name, one in kind.fields}
    raise OtherTypeError


def _text(value: Any) -> str:
    if isinstance(value, str):
        # Half of a pair of surrogates is no character.
        return str(value).encode("utf-8", "replace").decode("utf-8")
    return _compact(value)


def _compact(value: Any) -> str:
    """JSON text without blanks, numbers with the digits that were sent."""
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(name)}:{_compact(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def of_text(value: str | None, kind: RawType) -> Any:
    """A field of csv as the type that the source declares. Raises OtherTypeError where Spark reads no line."""
    if value is None or kind.name == "string":
        return value
    if kind.name in _FLOATS and value in _INFINITE:
        return float(value)
    if kind.name in _FLOATS and value == "nan":
        raise OtherTypeError
    return _cast(value, kind)


def _cast(value: Any, kind: RawType) -> Any:
    try:
        found = cast(value, kind.name)
        if isinstance(found, Decimal) and found != Decimal(str(value)):
            raise OtherTypeError
        return found
    except BadValueError as error:
        raise OtherTypeError from error
    except NeedsSparkError:
        return value
