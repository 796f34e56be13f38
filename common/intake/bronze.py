"""Bronze rows: each record as it was sent, under its own field names, with the place it came from.

Nothing is understood here: canonical columns are made of bronze rows by the mapping of a source, as often as that
mapping changes. So a file is read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DateType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.lake.table import Table
from common.sources.mapping.fit import KEPT
from common.sources.rows.reading import NOT_THE_SCHEMA, parse_lines

if TYPE_CHECKING:
    from common.sources.mapping.model import Source

RECORD, LINE = "record", "line"

SCHEMA = StructType(
    [
        StructField(RECORD, StringType()),
        StructField(LINE, StringType()),
        StructField("read_error", StringType()),
        StructField("_file", StringType(), nullable=False),
        StructField("_line", LongType()),
        StructField("_file_sha256", StringType(), nullable=False),
        StructField("_batch_id", StringType(), nullable=False),
        StructField("ingest_date", DateType(), nullable=False),
        StructField("ingested_at", TimestampType(), nullable=False),
    ]
)
"""What every bronze table has.

``record`` is the record as JSON, by its own field names; ``line`` the text of a line that is no record, with the reason
in ``read_error``. ``_line`` counts from 1 within the content of ``_file``. ``_batch_id`` is the batch that read it.
"""

_NESTED = (StructType, ArrayType, MapType)
# Text with all the digits there are, where a time lies deeper inside a record.
_TIMES = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"}
_PARSED = "_fields"


def bronze_table(name: str, description: str) -> Table:
    """The bronze table of a feed, kept for 90 days."""
    return Table(
        name=name,
        layer="bronze",
        schema=SCHEMA,
        keys=(),
        day_column="ingest_date",
        personal_columns=(RECORD, LINE),
        retention_days=90,
        description=description,
    )


def sent_rows(raw: DataFrame, source: Source) -> DataFrame:
    """Rows of ``common.sources.rows.reading.read_raw`` with the columns of SCHEMA up to ``_file_sha256``."""
    understood = F.col("_reason").isNull()
    if source.format == "json":
        record = F.col("_raw")
    else:
        fields = [(field.name, field.dataType) for field in raw.schema if field.name not in KEPT]
        record = F.to_json(F.struct(*(_as_sent(name, kind).alias(name) for name, kind in fields)), _TIMES)
    return raw.select(
        F.when(understood, record).alias(RECORD),
        F.when(~understood, F.col("_raw")).alias(LINE),
        F.col("_reason").alias("read_error"),
        "_file",
        "_line",
        "_file_sha256",
    )


def stamped(sent: DataFrame, *, batch_id: str, ingested_at: datetime) -> DataFrame:
    """Rows of ``sent_rows`` as rows of a bronze table."""
    stamps = {"_batch_id": batch_id, "ingest_date": ingested_at.date(), "ingested_at": ingested_at}
    return sent.withColumns({name: F.lit(value) for name, value in stamps.items()}).select(*SCHEMA.names)


def raw_schema(raw: DataFrame) -> StructType:
    """The raw columns of ``raw`` and their types: what ``raw_rows`` needs to make them again."""
    return StructType([field for field in raw.schema if field.name not in KEPT])


def merged_schema(schemas: Sequence[StructType]) -> StructType:
    """All columns of some raw schemas; one whose type differs between them is text, which every record holds."""
    types: dict[str, DataType] = {}
    for schema in schemas:
        for field in schema:
            known = types.setdefault(field.name, field.dataType)
            types[field.name] = known if known == field.dataType else StringType()
    return StructType([StructField(name, kind) for name, kind in types.items()])


def raw_rows(bronze: DataFrame, source: Source, schema: StructType) -> DataFrame:
    """Rows of ``sent_rows`` as ``read_raw`` gave them: the raw columns of ``schema``, then KEPT.

    ``_raw`` is the record or the line.

    The raw columns of JSON are those of the source: its ``raw_schema`` may have been corrected since.
    """
    if source.format == "json":
        # What did not fit an earlier schema may fit this one.
        error = F.when(~F.startswith("read_error", F.lit(NOT_THE_SCHEMA)), F.col("read_error"))
        text = F.coalesce(RECORD, LINE)
        lines = bronze.select("_file", "_file_sha256", "_line", text.alias("_raw"), error.alias("_reason"))
        return parse_lines(lines, source)
    stored = StructType([StructField(one.name, _stored_type(one.dataType)) for one in schema])
    parsed = bronze.withColumn(_PARSED, F.from_json(RECORD, stored, _TIMES))
    values = [_as_read(one.name, one.dataType).alias(one.name) for one in schema]
    kept = {"_raw": F.coalesce(LINE, RECORD), "_reason": F.col("read_error")}
    return parsed.select(*values, *(kept.get(name, F.col(name)).alias(name) for name in KEPT))


def _as_sent(name: str, kind: DataType) -> Column:
    column = F.col(f"`{name}`")
    if isinstance(kind, BinaryType):
        return F.base64(column)
    return column if isinstance(kind, _NESTED) else column.cast("string")


def _stored_type(kind: DataType) -> DataType:
    return kind if isinstance(kind, _NESTED) else StringType()


def _as_read(name: str, kind: DataType) -> Column:
    field = F.col(_PARSED)[name]
    if isinstance(kind, (StringType, *_NESTED)):
        return field
    if isinstance(kind, BinaryType):
        return F.unbase64(field)
    # Written by the cast that this one undoes.
    return F.expr(f"try_cast({_PARSED}.`{name.replace('`', '``')}` AS {kind.simpleString()})")
