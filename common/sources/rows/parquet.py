"""Parquet files as rows: by Spark's reader, or by Arrow's where a column has a type that Spark does not read."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, DataFrameReader, SparkSession
from pyspark.sql.types import StructField, StructType

from common.sources.files.csv_dialect import folded
from common.sources.files.cutting import chunks_of
from common.sources.files.inventory import InspectedFile
from common.sources.files.locations import FileOpener
from common.sources.files.parquet_kinds import readable_kind, schema_of_layout

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_BATCH_ROWS = 20_000


def spark_reader(spark: SparkSession) -> DataFrameReader:
    """Spark's reader of parquet, which reads dates before 1582 and INT96 before 1900 as they are written.

    Spark 3.5 would stop at them unless Spark itself wrote the file.
    """
    return spark.read.option("datetimeRebaseMode", "CORRECTED").option("int96RebaseMode", "CORRECTED")


def read_by_arrow(
    spark: SparkSession, files: Sequence[InspectedFile], layout: str, settings: LakeSettings
) -> DataFrame:
    """Files of one ``layout`` (see ``layout_of``): their columns as ``readable_kind`` has them, then ``_file,
    _file_sha256, _line``. Columns whose names differ only in case are left out: no source can map them.

    One task per file, which copies it to local disk first and reads it in batches.
    """
    from pyspark.sql.pandas.types import from_arrow_type

    names = [folded(name) for name in schema_of_layout(layout).names]
    columns = [field for field in schema_of_layout(layout) if names.count(folded(field.name)) == 1]
    kinds = {field.name: readable_kind(field.type) for field in columns}
    found = [StructField(name, from_arrow_type(kind, prefer_timestamp_ntz=True)) for name, kind in kinds.items()]
    places = ("_file", pa.string()), ("_file_sha256", pa.string()), ("_line", pa.int64())
    schema = StructType([*found, *(StructField(name, from_arrow_type(kind)) for name, kind in places)])
    given = [(file.path, file.sha256, file.found()) for file in files]

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        opener = FileOpener(settings)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                path, sha256, file = given[number]
                line = 1
                with tempfile.NamedTemporaryFile() as copy:
                    with opener.open(file) as stream:
                        for chunk in chunks_of(stream):
                            copy.write(chunk)
                    copy.flush()
                    parquet = pq.ParquetFile(copy.name, coerce_int96_timestamp_unit="us")
                    for part in parquet.iter_batches(_BATCH_ROWS, columns=list(kinds)):
                        count = part.num_rows
                        arrays = [converted(part.column(name), kind) for name, kind in kinds.items()]
                        origin = [pa.array([value] * count, pa.string()) for value in (path, sha256)]
                        lines = pa.array(range(line, line + count), pa.int64())
                        yield pa.RecordBatch.from_arrays([*arrays, *origin, lines], [*kinds, *dict(places)])
                        line += count

    return spark.range(0, len(given), 1, len(given)).mapInArrow(read, schema)


def converted(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """``values`` as ``kind``, which ``readable_kind`` gave for their type."""
    if pa.types.is_fixed_size_binary(values.type) and pa.types.is_string(kind):
        sixteen = values.type.byte_width == 16
        texts = (
            None if one is None else str(uuid.UUID(bytes=one)) if sixteen else one.hex() for one in values.to_pylist()
        )
        return pa.array(texts, kind)
    if isinstance(values, pa.ExtensionArray):
        return converted(values.storage, kind)
    if pa.types.is_timestamp(values.type) and pa.types.is_timestamp(kind):
        # Of a time the nanoseconds below a microsecond are cut off; the count of an instant needs no zone.
        return values.cast(pa.timestamp("us", values.type.tz), safe=False).view(pa.int64()).view(kind)
    return values.cast(kind, safe=False)
