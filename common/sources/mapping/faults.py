"""What is wrong with a source file, in its own words: one sentence per fault, with the key and what is meant."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from common.words import did_you_mean

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

FORMATS = ("csv", "json", "parquet", "access_log")
_KEYS_OF = {"columns": ("expr", "timestamp_format", "epoch"), "extra": ("expr", "type", "description")}
_OPTIONS = {"sep", "delimiter", "separator", "quote", "quotechar", "escape", "header", "multiline", "comment"}
_MEANT = {
    "timezone": "time_zone",
    "tz": "time_zone",
    "zone": "time_zone",
    "charset": "encoding",
    "schema": "raw_schema",
    "mapping": "columns",
    "fields": "columns",
    "type": "format",
    "extras": "extra",
    "extra_columns": "extra",
}
_MEANT_OF_A_COLUMN = {
    "format": "timestamp_format",
    "pattern": "timestamp_format",
    "date_format": "timestamp_format",
    "unit": "epoch",
    "sql": "expr",
    "expression": "expr",
    "column": "expr",
    "from": "expr",
    "source": "expr",
    "kind": "type",
}
_TIMES = ("timestamp_format", "epoch")
_MEANT_FORMATS = {
    "tsv": "csv with options: {sep: tab}",
    "txt": "csv",
    "jsonl": "json",
    "ndjson": "json",
    "jsonlines": "json",
    "pq": "parquet",
    "log": "access_log",
    "apache": "access_log",
    "nginx": "access_log",
    "combined": "access_log",
    "xlsx": "csv: save the sheet as csv",
    "excel": "csv: save the sheet as csv",
}
_LISTS = {"ignore_files"}


def unknown_key(key: object, known: Iterable[str]) -> str:
    """A sentence about a key that no source has, and the key that is meant."""
    name = key if isinstance(key, str) else _shown(key)
    if name.lower() in _OPTIONS:
        own = {"delimiter": "sep", "separator": "sep", "quotechar": "quote"}.get(name.lower(), name.lower())
        return f"unknown key '{name}': csv has it among its options, options: {{{own}: ...}}."
    meant = _MEANT.get(name.lower().replace("-", "_"))
    hint = f" It is called {meant}." if meant else did_you_mean(name, known)
    return f"unknown key '{name}'.{hint}"


def sentences(error: ValidationError) -> str:
    """The faults that pydantic found, in the words of the source, each once."""
    found = "; ".join(dict.fromkeys(_sentence(item).removesuffix(".") for item in error.errors()))
    return found if found.endswith("?") else f"{found}."


def _sentence(item: ErrorDetails) -> str:
    place = [str(part) for part in item["loc"] if part != "[key]"]
    if item["type"] == "value_error":
        words = item["msg"].removeprefix("Value error, ")
        if len(place) > 1 and place[0] in _KEYS_OF:
            return f"{place[0]}: '{place[1]}': {words}"
        return f"{'.'.join(place)}: {words}" if place else words
    if len(place) > 1 and place[0] in _KEYS_OF:
        return _column(place[0], place[1], place[2:], item)
    key = place[0] if place else "the source"
    by_key: dict[str, Callable[[ErrorDetails], str]] = {"columns": _columns, "format": _format, "raw_schema": _schema}
    if key in by_key:
        return by_key[key](item)
    return f"{key} {_value(item, lists=key in _LISTS)}"


def _column(section: str, name: str, rest: list[str], item: ErrorDetails) -> str:
    """About one entry of ``columns`` or ``extra``."""
    given, keys = item["input"], _KEYS_OF[section]
    if item["loc"][-1] == "[key]":
        why = ": YAML reads yes, no, on and off as true and false" if isinstance(given, bool) else ""
        return f"{section}: the name {_shown(given)} is no text{why}: put it in quotes"
    if not rest:
        if given is None:
            hint = ": in {} a comma ends a value, so put an expression with commas in quotes" if ")" in name else ""
            return f"{section}: '{name}' has no expression{hint}"
        if isinstance(given, (bool, int, float)):
            return (
                f"{section}: '{name}' is {_shown(given)}, not an expression: write \"{_shown(given)}\" for the constant"
            )
        return f"{section}: '{name}' is {_kind(given)}: give one expression, or a mapping with {', '.join(keys)}"
    key = rest[0]
    where = f"{section}: '{name}'"
    if item["type"] == "extra_forbidden":
        if section == "extra" and key in _TIMES:
            return f"{where} has {key}, but a time is neither a number nor a category: take a part of it in expr"
        meant = _MEANT_OF_A_COLUMN.get(key.lower())
        hint = f": it is called {meant}" if meant in keys else f".{did_you_mean(key, keys)}"
        return f"{where} has an unknown key '{key}'{hint}"
    if item["type"] == "missing":
        return f"{where} has no {key}, the expression over the raw columns"
    if key == "epoch":
        units = item.get("ctx", {}).get("expected", "")
        return f"{where}: epoch is {_shown(given)}: it is the unit that is counted, {units}"
    return f"{where}: {key} {_value(item)}"


def _columns(item: ErrorDetails) -> str:
    if item["type"] == "missing":
        return "columns is missing: it maps canonical columns to expressions over the raw columns"
    if item["input"] is None or item["type"] == "too_short":
        return "columns is empty: map at least one canonical column"
    return f"columns is {_kind(item['input'])}: it maps canonical columns to expressions, one per line"


def _format(item: ErrorDetails) -> str:
    if item["type"] == "missing":
        return f"format is missing: it is one of {', '.join(FORMATS)}"
    given = str(item["input"]).lower()
    meant = _MEANT_FORMATS.get(given)
    hint = f" Write {meant}." if meant else did_you_mean(given, FORMATS)
    return f"format is {_shown(item['input'])}: it is one of {', '.join(FORMATS)}.{hint}"


def _schema(item: ErrorDetails) -> str:
    return f'raw_schema is {_kind(item["input"])}: it is one text of names and types, e.g. "id string, price double"'


def _value(item: ErrorDetails, *, lists: bool = False) -> str:
    """Why a value cannot be that of its key."""
    given, kind, context = item["input"], item["type"], item.get("ctx", {})
    if kind == "missing":
        return "is missing"
    bounds = {"greater_than_equal": ("ge", "at least"), "less_than_equal": ("le", "at most")}
    if kind in bounds:
        bound, words = bounds[kind]
        return f"is {_shown(given)}: it is {words} {context[bound]:g}"
    if kind in {"literal_error", "enum"}:
        return f"is {_shown(given)}: it is {context.get('expected', 'another value')}"
    if kind == "string_too_short":
        return "is empty"
    wanted = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text"}
    word = next((words for name, words in wanted.items() if kind.startswith(name)), "a list" if lists else "a mapping")
    return f"is {_shown(given)}: it is {word}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else _kind(value) if _is_deep(value) else f"'{value}'"


def _is_deep(value: object) -> bool:
    return value is None or isinstance(value, (list, tuple, Mapping))


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else _shown(value)
