"""The rows of a parquet file without Spark, with the values that the jobs read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BufferedIOBase
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from common.sources.files.csv_dialect import folded
from common.sources.files.parquet_kinds import readable_kind, schema_of
from common.sources.rows.parquet import converted

_BATCH_ROWS = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def kinds_of(stream: BufferedIOBase) -> dict[str, pa.DataType]:
    """The columns of a parquet file and the types that the jobs read them as.

    Columns whose names differ only in case are left out: no source can map them.
    """
    schema = schema_of(parquet.ParquetFile(stream).metadata)
    names = [folded(name) for name in schema.names]
    return {field.name: readable_kind(field.type) for field in schema if names.count(folded(field.name)) == 1}


def parquet_rows(stream: BufferedIOBase, kinds: dict[str, pa.DataType]) -> Iterator[dict[str, Any]]:
    """The rows, each with the columns ``kinds``. Raises pyarrow.ArrowException."""
    file = parquet.ParquetFile(stream, coerce_int96_timestamp_unit="us")
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=list(kinds)):
        columns = [_python_values(converted(batch.column(name), kind)) for name, kind in kinds.items()]
        for row in zip(*columns, strict=True):
            yield dict(zip(kinds, row, strict=True))


def _python_values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        moments = (_moment(micros) for micros in column.cast(pa.int64()).to_pylist())
        local = column.type.tz is None
        return [one.replace(tzinfo=None) if local and isinstance(one, datetime) else one for one in moments]
    if pa.types.is_float32(column.type):
        # 19.99 is 19.989999771118164 as a double, which nobody has sent.
        return [None if text is None else float(text) for text in column.cast(pa.string()).to_pylist()]
    values = column.to_pylist(maps_as_pydicts="lossy")
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]


def _moment(micros: int | None) -> datetime | str | None:
    """A time; where Python has no such year a text, which no column of times reads."""
    if micros is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return f"{micros} us after 1970"
