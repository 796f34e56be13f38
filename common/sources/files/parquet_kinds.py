"""Types of parquet columns: which Spark's reader cannot read, and what they become instead."""

from __future__ import annotations

import base64

import pyarrow as pa
import pyarrow.parquet as pq

_MARK = "arrow:"
# Spark has no library for them.
_OTHER_CODECS = {"BROTLI", "LZO"}
_MAX_DECIMAL = 38


def layout_of(metadata: pq.FileMetaData) -> tuple[str, bool]:
    """A text that files of one schema share, and whether Spark's own reader can read them.

    Columns of INT96 hold instants: Spark reads them as such though their unit is the nanosecond.
    """
    schema, int96 = schema_of(metadata), int96_columns(metadata)
    if _is_stored_for_spark(metadata) and all(field.name in int96 or _is_plain(field.type) for field in schema):
        return str(schema), True
    return _MARK + base64.b64encode(schema.serialize().to_pybytes()).decode(), False


def schema_of(metadata: pq.FileMetaData) -> pa.Schema:
    """The schema of a file, in which columns of INT96 are instants."""
    schema = metadata.schema.to_arrow_schema().remove_metadata()
    for name in int96_columns(metadata) & set(schema.names):
        place = schema.get_field_index(name)
        if place >= 0 and pa.types.is_timestamp(schema.field(place).type):
            schema = schema.set(place, pa.field(name, pa.timestamp("ns", "UTC")))
    return schema


def int96_columns(metadata: pq.FileMetaData) -> set[str]:
    """The paths of the columns of that physical type."""
    columns = (metadata.schema.column(place) for place in range(metadata.num_columns))
    return {column.path for column in columns if column.physical_type == "INT96"}


def _is_stored_for_spark(metadata: pq.FileMetaData) -> bool:
    """Whether Spark can unpack the pages; a writer packs all row groups alike, so the first tells."""
    if not metadata.num_row_groups:
        return True
    group = metadata.row_group(0)
    columns = (group.column(place) for place in range(group.num_columns))
    return not any(one.compression in _OTHER_CODECS or "BYTE_STREAM_SPLIT" in one.encodings for one in columns)


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
