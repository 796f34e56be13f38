"""Raw files as rows of raw columns, each with its file, its text and the reason why it could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from common.causes import cause_of
from common.errors import ContractError, UsageError
from common.sources.files.csv_dialect import folded
from common.sources.files.inventory import FileInventory, InspectedFile
from common.sources.files.log_kinds import BALANCER
from common.sources.mapping.conversion import text_of
from common.sources.mapping.fit import KEPT
from common.sources.mapping.model import Source
from common.sources.rows import access_log, balancer_log, w3c_log
from common.sources.rows.csv_rows import csv_rows
from common.sources.rows.exact import declared, is_rounded, widened
from common.sources.rows.lines import read_lines
from common.sources.rows.parquet import read_by_arrow, spark_reader
from common.spark.few_rows import few_rows

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

NOT_THE_SCHEMA = "SRC-211 not a JSON object with the columns of the source"
"""Why a JSON record could not be parsed by the ``raw_schema`` of its source; by another one it may be."""

_CORRUPT = "_unparsed"
_FILES = "path string, key string, sha256 string"


def read_raw(spark: SparkSession, files: FileInventory, source: Source, settings: LakeSettings) -> DataFrame:
    """The good files of ``files`` as rows: raw columns, then ``_file, _file_sha256, _line, _raw, _reason``.

    ``_line`` counts from 1 within the content of the file, the header and blank lines included; for parquet it is the
    number of the row. ``_raw`` is the line as sent (null for parquet). ``_reason`` is null for a row that was parsed; a
    row that was not is kept with a reason (SRC-2xx) and null raw columns. Blank lines and csv headers are no rows. A
    line over ``max_line_bytes`` is kept as its first 1 kB, with its length and SHA-256 in the reason.
    """
    groups: dict[str, list[InspectedFile]] = {}
    for file in files.good:
        groups.setdefault(file.layout, []).append(file)
    parts = [_read_group(spark, group, layout, source, settings) for layout, group in sorted(groups.items())]
    if not parts:
        raise ContractError(
            "SRC-010", "None of the input files could be read.", cause=f"{len(files.bad)} files are bad."
        )
    return _union(parts)


def _read_group(
    spark: SparkSession, files: list[InspectedFile], layout: str, source: Source, settings: LakeSettings
) -> DataFrame:
    if not source.is_text:
        if files[0].plain:
            rows = _with_file(spark, _parquet(spark, [file.spark_path for file in files]), files)
        else:
            rows = read_by_arrow(spark, files, layout, settings)
        return rows.select("*", F.lit(None).cast("string").alias("_raw"), F.lit(None).cast("string").alias("_reason"))
    return parse_lines(read_lines(spark, files, source, settings), source, layout)


def _parquet(spark: SparkSession, paths: list[str]) -> DataFrame:
    """The columns of parquet files but for those whose names differ only in case, which no source can map."""
    try:
        return spark_reader(spark).parquet(*paths)
    except AnalysisException as error:
        if "COLUMN_ALREADY_EXISTS" not in str(error):
            raise
    # A session of its own: other threads may be using this one's settings.
    careful = spark.newSession()
    careful.conf.set("spark.sql.caseSensitive", "true")
    fields = careful.read.parquet(*paths).schema.fields
    names = [folded(field.name) for field in fields]
    single = [one for one in fields if names.count(folded(one.name)) == 1]
    return spark_reader(spark).schema(StructType(single)).parquet(*paths)


def _with_file(spark: SparkSession, rows: DataFrame, files: Sequence[InspectedFile]) -> DataFrame:
    """``rows`` with ``_file``, ``_file_sha256`` and ``_line``, by a broadcast of the list of files."""
    columns = [_column(name) for name in rows.columns]
    known = few_rows(spark, [(file.path, file.key, file.sha256) for file in files], _FILES)
    place = {"_key": _key(F.col("_metadata.file_path")), "_line": F.col("_metadata.row_index") + 1}
    keyed = rows.select("*", *(value.alias(name) for name, value in place.items()))
    joined = keyed.join(F.broadcast(known), F.col("_key") == F.col("key"), "left")
    return joined.select(*columns, F.col("path").alias("_file"), F.col("sha256").alias("_file_sha256"), "_line")


def _key(path: Column) -> Column:
    """A path as ``InspectedFile.key`` writes it: no scheme, no leading slashes, not percent-encoded."""
    plain = F.url_decode(F.replace(path, F.lit("+"), F.lit("%2B")))
    return F.regexp_replace(plain, "^[A-Za-z0-9]+:/*", "")


def parse_lines(lines: DataFrame, source: Source, header: str = "") -> DataFrame:
    """``lines`` (``_file, _file_sha256, _line, _raw, _reason``) with the raw columns of the source before them."""
    rows = lines.where((F.trim("_raw") != "") | F.col("_reason").isNotNull())
    if source.format == "access_log":
        parsed = _log_lines(rows, header)
        return parsed.select(*access_log.SCHEMA.names, *lines.columns)
    if source.format == "json":
        return _json_rows(rows, source)
    schema = None if source.has_header else _schema_of(rows, source)
    return csv_rows(rows, header, schema, source.options)


def _log_lines(rows: DataFrame, kind: str) -> DataFrame:
    if kind == BALANCER:
        return balancer_log.parse(rows)
    return w3c_log.parse(rows, kind) if kind else access_log.parse(rows)


def _schema_of(rows: DataFrame, source: Source) -> StructType:
    try:
        return rows.sparkSession.createDataFrame([], source.raw_schema or "").schema
    except (AnalysisException, ParseException) as error:
        raise UsageError(
            "SRC-003",
            f"Source {source.name}: raw_schema cannot be read.",
            cause=cause_of(error),
            remedy='Write names and types, e.g. "id string, price double"; a name with blanks needs back quotes.',
        ) from error


def _json_rows(rows: DataFrame, source: Source) -> DataFrame:
    schema = _schema_of(rows, source)
    wide = StructType([*widened(schema).fields, StructField(_CORRUPT, StringType())])
    # Where records begin is found by double quotes alone, so a value in single ones is none either.
    strict = {"allowSingleQuotes": "false", **source.options}
    options = {**strict, "columnNameOfCorruptRecord": _CORRUPT, "mode": "PERMISSIVE"}
    line = F.when(F.col("_reason").isNull(), F.col("_raw"))
    parsed = rows.withColumn("_parsed", F.from_json(line, wide, options))
    broken = F.col("_parsed").isNull() | F.col(f"_parsed.{_CORRUPT}").isNotNull() | is_rounded(F.col("_parsed"), schema)
    parsed = parsed.withColumn("_reason", F.coalesce("_reason", F.when(broken, F.lit(NOT_THE_SCHEMA))))
    return parsed.select(*declared(F.col("_parsed"), schema), *KEPT)


def _union(parts: Sequence[DataFrame]) -> DataFrame:
    """All parts, with the columns of any of them; a column whose type differs between them becomes text."""
    types: dict[str, set[str]] = {}
    for part in parts:
        for field in part.schema:
            types.setdefault(field.name, set()).add(field.dataType.simpleString())
    mixed = {name for name, found in types.items() if len(found) > 1}
    alike = [part.withColumns({name: _text(part, name) for name in mixed & set(part.columns)}) for part in parts]
    rows = reduce(lambda left, right: left.unionByName(right, allowMissingColumns=True), alike)
    return rows.select(*(_column(name) for name in rows.columns if name not in KEPT), *KEPT)


def _text(rows: DataFrame, name: str) -> Column:
    """The text of a column that means the same wherever it is read: an instant says that it is UTC."""
    return F.expr(text_of(rows.schema[name].dataType).replace("{v}", _quoted(name)))


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"


def _column(name: str) -> Column:
    """The column of that name, whatever stands in it."""
    return F.col(_quoted(name))
