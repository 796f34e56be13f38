"""Types of parquet columns: which Spark's reader cannot read, and what they become instead."""

from __future__ import annotations

import base64
from collections.abc import Collection

import pyarrow as pa

_MARK = "arrow:"
_MAX_DECIMAL = 38


def layout_of(schema: pa.Schema, int96: Collection[str]) -> tuple[str, bool]:
    """A text that files of one schema share, and whether Spark's own reader can read them.

    ``int96`` are the paths of columns of that physical type, which Spark reads though their unit is the nanosecond.
    """
    plain = all(field.name in int96 or _is_plain(field.type) for field in schema)
    if plain:
        return str(schema.remove_metadata()), True
    return _MARK + base64.b64encode(schema.remove_metadata().serialize().to_pybytes()).decode(), False


def schema_of_layout(layout: str) -> pa.Schema:
    """The schema in a layout that is not for Spark's reader."""
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(layout.removeprefix(_MARK))))


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return all(_is_plain(kind.field(place).type) for place in range(kind.num_fields))
    if pa.types.is_timestamp(kind):
        return bool(kind.unit != "ns")
    return not (
        pa.types.is_time(kind)
        or pa.types.is_float16(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_null(kind)
        or (pa.types.is_decimal(kind) and kind.precision > _MAX_DECIMAL)
    )


def readable_kind(kind: pa.DataType) -> pa.DataType:
    """The type of Arrow, one that Spark has too, that holds the values of ``kind``.

    Times keep microseconds. A time of day, a decimal of more than 38 digits and a column of nothing become text, and so
    do bytes of a fixed length: 16 of them as a UUID, others in hexadecimal.
    """
    if pa.types.is_struct(kind):
        fields = (kind.field(place) for place in range(kind.num_fields))
        return pa.struct([pa.field(field.name, readable_kind(field.type)) for field in fields])
    if pa.types.is_map(kind):
        return pa.map_(readable_kind(kind.key_type), readable_kind(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(readable_kind(kind.value_type))
    if pa.types.is_dictionary(kind):
        return readable_kind(kind.value_type)
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_unsigned_integer(kind):
        return pa.decimal128(20, 0) if kind.bit_width == 64 else pa.int64()
    if pa.types.is_decimal(kind):
        return pa.decimal128(kind.precision, kind.scale) if kind.precision <= _MAX_DECIMAL else pa.string()
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_date(kind):
        return pa.date32()
    if pa.types.is_float16(kind):
        return pa.float32()
    if pa.types.is_large_binary(kind) or pa.types.is_binary(kind):
        return pa.binary()
    is_text = pa.types.is_time(kind) or pa.types.is_null(kind) or pa.types.is_fixed_size_binary(kind)
    return pa.string() if is_text or pa.types.is_large_string(kind) else kind
