"""The shape of JSON and parquet files: records of a sample, and their fields as raw columns."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from deploy.suggestions.columns import RawColumn

_MOST_RECORDS = 2_000
_BLANKS = re.compile(r"[\s,]*")


@dataclass(frozen=True)
class JsonShape:
    """Records of a JSON sample; ``form``: ``lines``, ``objects`` (several on a line, or over lines), ``array``, or
    ``wrapped`` with the field of the outer object that holds them in ``field``.
    """

    records: tuple[Mapping[str, Any], ...]
    form: str
    field: str = ""

    def leaves(self) -> dict[str, str]:
        """Path of each field that holds a value -> ``text`` or ``list``, in the order of first appearance."""
        found: dict[str, str] = {}
        for record in self.records:
            _collect(record, "", found)
        # An object that is null in some records is no value in the others.
        return {path: kind for path, kind in found.items() if not any(one.startswith(f"{path}.") for one in found)}


def json_shape(text: str) -> JsonShape | None:
    """The shape of the beginning of a JSON text; None when it holds no object."""
    values = list(_values(text))
    objects = [value for value in values if isinstance(value, dict)]
    if values and isinstance(values[0], list):
        return _of_array(values[0])
    if len(values) <= 1:
        # One value, or one that is cut off: an array or an object longer than the sample.
        inner = _cut_array(text)
        if inner:
            return inner
        wrapped = next(
            ((name, value) for one in objects for name, value in one.items() if _is_list_of_objects(value)), None
        )
        if wrapped and len(objects[0]) <= 3:
            return JsonShape(tuple(wrapped[1][:_MOST_RECORDS]), "wrapped", wrapped[0])
    if not objects:
        return None
    per_line = sum(line.strip().startswith("{") for line in text.split("\n") if line.strip())
    lines = sum(bool(line.strip()) for line in text.split("\n"))
    # The last line of a sample may be cut off.
    is_lines = lines - 1 <= len(objects) <= lines and per_line >= lines - 1
    return JsonShape(tuple(objects[:_MOST_RECORDS]), "lines" if is_lines else "objects")


def _of_array(values: Sequence[Any]) -> JsonShape | None:
    found = tuple(value for value in values[:_MOST_RECORDS] if isinstance(value, dict))
    return JsonShape(found, "array") if found else None


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value[:20])


def _cut_array(text: str) -> JsonShape | None:
    """The records of an array that the sample does not hold to its end, alone or as the field of an object."""
    start = re.match(r'\s*(?:\{\s*"(?P<field>[^"]+)"\s*:\s*)?\[', text)
    if start is None:
        return None
    found = tuple(value for value in _values(text[start.end() :]) if isinstance(value, dict))
    if not found:
        return None
    field = start.group("field") or ""
    return JsonShape(found[:_MOST_RECORDS], "wrapped" if field else "array", field)


def _values(text: str) -> Iterator[Any]:
    """The JSON values that follow one another in a text, up to the first fault."""
    decoder = json.JSONDecoder(parse_float=str, parse_int=str)
    place = _end_of_blanks(text, 0)
    count = 0
    while place < len(text) and count < _MOST_RECORDS:
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError:
            return
        yield value
        count += 1
        place = _end_of_blanks(text, place)


def _end_of_blanks(text: str, place: int) -> int:
    match = _BLANKS.match(text, place)
    return match.end() if match else place


def _collect(value: Mapping[str, Any], path: str, found: dict[str, str]) -> None:
    for name, item in value.items():
        full = f"{path}.{name}" if path else name
        if isinstance(item, dict):
            _collect(item, full, found)
        elif isinstance(item, list):
            found[full] = "list"
        elif item is not None or full not in found:
            found.setdefault(full, "text")


def json_columns(shape: JsonShape) -> list[RawColumn]:
    """The fields of the records as raw columns; a field inside an object is named ``outer.inner``."""
    return [
        RawColumn(path, tuple(_text(_at(record, path)) for record in shape.records), "nested" if kind == "list" else "")
        for path, kind in shape.leaves().items()
    ]


def _at(record: Mapping[str, Any], path: str) -> Any:
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def raw_schema(shape: JsonShape) -> str:
    """DDL of the records: every value as text, so that no number loses a digit; lists as lists of what they hold."""
    return ", ".join(f"{_name(name)} {_type(values)}" for name, values in _fields(shape.records).items())


def _fields(records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    fields: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.items():
            fields.setdefault(name, []).append(value)
    return fields


def _type(values: Sequence[Any]) -> str:
    given = [value for value in values if value is not None]
    if given and all(isinstance(value, dict) for value in given):
        inner = _fields(given)
        if inner:
            return f"struct<{', '.join(f'{_name(name)}: {_type(of)}' for name, of in inner.items())}>"
    if given and all(isinstance(value, list) for value in given):
        return f"array<{_type([item for value in given for item in value])}>"
    return "string"


def _name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"`{name.replace('`', '``')}`"


def parquet_columns(data: bytes | io.BufferedIOBase) -> list[RawColumn]:
    """The columns of a parquet file with the first of their rows."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(io.BytesIO(data) if isinstance(data, bytes) else data) as file:
        batch = next(file.iter_batches(batch_size=_MOST_RECORDS), None)
        schema = file.schema_arrow
        found = []
        for place, field in enumerate(schema):
            column = batch.column(place) if batch is not None else pa.array([], field.type)
            found.append(RawColumn(field.name, tuple(_parquet_texts(column)), _kind(field.type)))
        return found


def _parquet_texts(column: Any) -> Iterator[str | None]:
    import pyarrow as pa

    temporal = pa.types.is_temporal(column.type)
    for value in column.cast(pa.string()).to_pylist() if temporal else column.to_pylist():
        if isinstance(value, float) and value.is_integer():
            yield str(int(value))
        elif value is None or isinstance(value, (str, datetime, date)):
            yield None if value is None else str(value)
        else:
            yield _text(value) if isinstance(value, (bool, list, dict)) else str(value)


def _kind(kind: Any) -> str:
    import pyarrow as pa

    types = pa.types
    if types.is_dictionary(kind):
        return _kind(kind.value_type)
    if types.is_timestamp(kind):
        return "time" if kind.tz else "local time"
    tests = (
        ("date", types.is_date),
        ("boolean", types.is_boolean),
        ("whole", types.is_integer),
        ("number", lambda one: types.is_floating(one) or types.is_decimal(one)),
        ("nested", types.is_nested),
    )
    return next((name for name, test in tests if test(kind)), "")
