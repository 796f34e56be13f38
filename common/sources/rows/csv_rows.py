"""Lines of csv as columns, by built-in functions only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DoubleType, FloatType, StringType, StructField, StructType

from common.sources.files.csv_dialect import HEADER_MARKS, SEPARATOR_LINE, Dialect, column_names, without_marks
from common.sources.mapping.fit import KEPT
from common.sources.mapping.numbers import PLAIN
from common.sources.rows.exact import declared, is_rounded, widened

_CORRUPT = "_unparsed"
_MOST_COLUMNS = 20_480
# As a program writes one; what is no number, and what is too large, are looked at later.
_FLOAT = rf"{PLAIN}|^(?:NaN|[+-]?Inf(?:inity)?)$"
# How long a field may be is a matter of max_line_bytes: Spark's parser would stop the job.
_OWN_OPTIONS = frozenset({"header", "multiline", "sep", "maxCharsPerColumn"})


def csv_rows(lines: DataFrame, header: str, schema: StructType | None, options: Mapping[str, str]) -> DataFrame:
    """``lines`` (``_file, _file_sha256, _line, _raw, _reason``) as the csv columns, then KEPT.

    The columns are those of ``schema``, or of ``header`` if that is None; a line like the header is no row, nor is one
    of separators and blanks only, or a comment. Empty fields beyond the last column are passed over, and columns
    without a name at the end of a header may be missing. Any other number of fields is SRC-212.
    """
    dialect = Dialect.of(options)
    if schema is None:
        schema = StructType([StructField(name, StringType()) for name in column_names(header, dialect)])
        lines = lines.where(F.col("_reason").isNotNull() | ~(_is_header(F.col("_raw"), header) | _is_for_excel()))
    rows = lines.where(F.col("_reason").isNotNull() | ~_is_empty(F.col("_raw"), dialect))
    needed = _needed(header, dialect) if header else len(schema)
    widest = max(int(options.get("maxColumns", _MOST_COLUMNS)), len(schema))
    options = {**options, "maxColumns": str(widest)}
    line = F.when(F.col("_reason").isNull() & ~_is_too_wide(F.col("_raw"), widest, dialect), F.col("_raw"))
    exact = _with_floats_as_text(widened(schema))
    parsed = rows.withColumn("_parsed", _parsed(line, exact, options))
    # Only where the number of fields is not that of the columns is the line looked at once more.
    again = F.when(_is_broken("_parsed") & line.isNotNull(), _mended(line, len(schema), needed, dialect))
    parsed = parsed.withColumn("_again", F.when(again.isNotNull(), _parsed(again, exact, options)))
    parsed = parsed.withColumn("_parsed", F.coalesce("_again", "_parsed"))
    words = F.lit(f"SRC-212 not a csv line of {len(schema)} columns")
    broken = _is_broken("_parsed") | is_rounded(F.col("_parsed"), schema) | _has_no_float("_parsed", schema)
    parsed = parsed.withColumn("_reason", F.coalesce("_reason", F.when(broken, words)))
    rows = parsed.select(*declared(F.col("_parsed"), _with_floats_as_text(schema)), *KEPT)
    floats = {one.name: _as_float(F.col(f"`{one.name}`"), one.dataType) for one in _floats(schema)}
    return rows.withColumns(floats) if floats else rows


def _with_floats_as_text(schema: StructType) -> StructType:
    """``schema`` by which floats are parsed: Spark's parser takes whatever Java does, 5d and 0x1p3 for 5 and 8."""
    texts = {one.name for one in _floats(schema)}
    return StructType(
        [StructField(one.name, StringType() if one.name in texts else one.dataType) for one in schema.fields]
    )


def _has_no_float(parsed: str, schema: StructType) -> Column:
    texts = (F.col(parsed)[one.name] for one in _floats(schema))
    return reduce(or_, (text.isNotNull() & ~text.rlike(_FLOAT) for text in texts), F.lit(False))


def _as_float(text: Column, kind: DataType) -> Column:
    return F.when(text.rlike(_FLOAT), text).cast(kind)


def _floats(schema: StructType) -> list[StructField]:
    return [one for one in schema.fields if isinstance(one.dataType, DoubleType | FloatType)]


def _is_broken(parsed: str) -> Column:
    return F.col(parsed).isNull() | F.col(f"{parsed}.{_CORRUPT}").isNotNull()


def _is_too_wide(line: Column, widest: int, dialect: Dialect) -> Column:
    """True for a line of more fields than the parser takes, which would stop the job."""
    return (F.length(line) >= widest) & (F.size(F.split(_bare(line, dialect), re.escape(dialect.separator))) > widest)


def _parsed(line: Column, schema: StructType, options: Mapping[str, str]) -> Column:
    wide = StructType([*schema.fields, StructField(_CORRUPT, StringType())])
    ddl = ", ".join(f"`{field.name.replace('`', '``')}` {field.dataType.simpleString()}" for field in wide)
    return F.from_csv(line, ddl, _spark_options(options))


def _spark_options(options: Mapping[str, str]) -> dict[str, str]:
    dialect = Dialect.of(options)
    given = {key: value for key, value in options.items() if key not in _OWN_OPTIONS}
    blanks = {"ignoreLeadingWhiteSpace": "true", "ignoreTrailingWhiteSpace": "true"} if dialect.quote else {}
    marks = {"sep": dialect.separator, "quote": dialect.quote, "escape": dialect.escape or "\0"}
    kept = {"columnNameOfCorruptRecord": _CORRUPT, "mode": "PERMISSIVE", "multiLine": "true"}
    return {**blanks, **given, **marks, **kept}


def _is_header(line: Column, header: str) -> Column:
    # Files that were joined may quote their names differently.
    return F.translate(line, HEADER_MARKS, "") == without_marks(header)


def _is_for_excel() -> Column:
    """The line above the header in which Excel notes the separator."""
    return (F.col("_line") < 10) & F.rlike("_raw", F.lit(SEPARATOR_LINE.pattern))


def _is_empty(line: Column, dialect: Dialect) -> Column:
    blank = F.trim(F.replace(line, F.lit(dialect.separator), F.lit(""))) == ""
    return blank | F.startswith(line, F.lit(dialect.comment)) if dialect.comment else blank


def _needed(header: str, dialect: Dialect) -> int:
    """How many fields a line must have: those up to the last column that has a name."""
    fields = dialect.fields(header)
    return max((place + 1 for place, name in enumerate(fields) if name), default=len(fields))


def _mended(line: Column, columns: int, needed: int, dialect: Dialect) -> Column:
    """``line`` without empty fields beyond the last column, or with those that may be missing; else null."""
    separator = re.escape(dialect.separator)
    surplus = F.size(F.split(_bare(line, dialect), separator)) - columns
    tail = F.concat(F.lit(f"(?:{separator}[ \\t]*){{"), surplus.cast("string"), F.lit("}$"))
    shorter = F.regexp_replace(line, tail, F.lit(""))
    longer = F.concat(line, F.call_function("repeat", F.lit(dialect.separator), -surplus))
    return F.when(surplus > 0, shorter).when((surplus < 0) & (surplus >= needed - columns), longer)


def _bare(line: Column, dialect: Dialect) -> Column:
    """``line`` without what stands in quotes."""
    if not dialect.quote:
        return line
    mark = re.escape(dialect.quote)
    return F.regexp_replace(line, F.lit(f"{mark}{dialect.quoted}{mark}"), F.lit(""))
