"""The records of raw files without Spark, each with its line and the reason why it could not be read."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC
from typing import Any

import sqlglot

from common.config.lake_settings import LakeSettings
from common.sources.files.csv_dialect import Dialect, column_names
from common.sources.files.inventory import InspectedFile
from common.sources.files.locations import FileOpener, FoundFile
from common.sources.files.scanning import scan
from common.sources.mapping.model import Source
from common.sources.rows.lines import ranges_of, read_range
from common.sources.rows.reading import NOT_THE_SCHEMA
from deploy.feeds.casts import BadValueError, cast
from deploy.feeds.log_records import LOG_COLUMNS, log_values


def opened(file: FoundFile, opener: FileOpener) -> io.BufferedIOBase:
    """The unpacked content of a file as a stream."""
    stream = opener.open(file)
    if file.name.lower().endswith((".gz", ".gzip")):
        return gzip.GzipFile(fileobj=stream)
    return stream  # type: ignore[return-value] # a BinaryIO reads like one


@dataclass(frozen=True)
class Record:
    """One record: where it begins, its text as sent, its raw columns, and a reason (SRC-2xx) if it has none."""

    file: str
    line: int
    text: str
    values: Mapping[str, Any]
    reason: str = ""


@dataclass(frozen=True)
class RawType:
    """The type of a raw column of ``raw_schema``: a plain one by its SQL name, a list of one, or fields."""

    name: str
    item: RawType | None = None
    fields: tuple[tuple[str, RawType], ...] = ()


class FileRecords:
    """The records of one file, read as they are asked for; ``columns`` are the raw columns once reading has begun."""

    def __init__(self, file: InspectedFile, source: Source, opener: FileOpener) -> None:
        self._inspected, self._source, self._opener = file, source, opener
        self._file = file.found()
        self.columns: list[str] = []

    def __iter__(self) -> Iterator[Record]:
        readers = {"csv": self._csv, "json": self._json, "parquet": self._parquet, "access_log": self._log}
        yield from readers[self._source.format]()

    def _lines(self) -> Iterator[tuple[int, str, str]]:
        """Line, text and reason of each line that is not blank, as the jobs read them."""
        for part in ranges_of(0, self._inspected):
            for batch in read_range(part, self._source, self._opener):
                rows = batch.to_pydict()
                for line, text, reason in zip(rows["_line"], rows["_raw"], rows["_reason"], strict=True):
                    if text.strip() or reason:
                        yield line, text, reason or ""

    def _record(self, line: int, text: str, values: Mapping[str, Any], reason: str = "") -> Record:
        return Record(self._file.name, line, text, values, reason)

    def _csv(self) -> Iterator[Record]:
        dialect = Dialect.of(self._source.options)
        types: list[RawType] = []
        header, needed = "", 0
        if not self._source.has_header:
            schema = raw_types(self._source.raw_schema or "")
            self.columns, types, needed = list(schema), list(schema.values()), len(schema)
        for line, text, reason in self._lines():
            if not reason and dialect.is_passed_over(text):
                continue
            if self._source.has_header and not self.columns:
                self.columns, header = column_names(text, dialect), text.rstrip(" ")
                named = dialect.fields(text)
                needed = max((place + 1 for place, name in enumerate(named) if name), default=len(named))
            elif not reason and (text.rstrip(" ") == header or not text.replace(dialect.separator, "").strip()):
                continue
            elif reason:
                yield self._record(line, text, {}, reason)
            else:
                yield self._csv_record(line, text, _fields(text, dialect), types, needed)

    def _csv_record(self, line: int, text: str, fields: list[str], types: Sequence[RawType], needed: int) -> Record:
        width = len(self.columns)
        if len(fields) > width and not any(fields[width:]):
            fields = fields[:width]
        if needed <= len(fields) < width:
            fields = [*fields, *[""] * (width - len(fields))]
        if len(fields) != width:
            return self._record(line, text, {}, f"SRC-212 not a csv line of {width} columns")
        nothing = ("", self._source.options.get("nullValue", ""))
        values: list[Any] = [None if field in nothing else field for field in fields]
        if types:
            values = [typed(value, kind) for value, kind in zip(values, types, strict=True)]
        return self._record(line, text, dict(zip(self.columns, values, strict=True)))

    def _json(self) -> Iterator[Record]:
        schema = raw_types(self._source.raw_schema or "")
        self.columns = list(schema)
        for line, text, reason in self._lines():
            value: Any = None
            if not reason:
                try:
                    value = json.loads(text, parse_float=str, parse_int=str)
                except ValueError:
                    reason = NOT_THE_SCHEMA
            if not isinstance(value, dict):
                yield self._record(line, text, {}, reason or NOT_THE_SCHEMA)
                continue
            yield self._record(line, text, {name: typed(value.get(name), kind) for name, kind in schema.items()})

    def _log(self) -> Iterator[Record]:
        self.columns = list(LOG_COLUMNS)
        for line, text, reason in self._lines():
            values, fault = ({}, reason) if reason else log_values(text)
            yield self._record(line, text, values, fault)

    def _parquet(self) -> Iterator[Record]:
        from pyarrow import ArrowException

        line = 0
        try:
            for line, values in self._parquet_rows():
                yield self._record(line, "", values)
        except (ArrowException, OSError):
            yield self._record(line + 1, "", {}, "SRC-109 the parquet data cannot be read from here on")

    def _parquet_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        from pyarrow import parquet

        line = 0
        with opened(self._file, self._opener) as stream, parquet.ParquetFile(stream) as file:
            self.columns = file.schema_arrow.names
            for batch in file.iter_batches(batch_size=1_000):
                columns = [_python_values(column) for column in batch.columns]
                for row in zip(*columns, strict=True):
                    line += 1
                    yield line, dict(zip(self.columns, row, strict=True))


def _python_values(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        # Nanoseconds have no Python type, and years beyond 9999 have none at all.
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
        try:
            values = column.to_pylist()
        except (ValueError, OverflowError):
            return [None] * len(column)
        return [value.astimezone(UTC) if value is not None and value.tzinfo else value for value in values]
    values = column.to_pylist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in values]


def raw_types(ddl: str) -> dict[str, RawType]:
    """The raw columns of a ``raw_schema`` and their types."""
    tree = sqlglot.parse_one(f"CREATE TABLE t ({ddl})", dialect="spark")
    return {column.name: _raw_type(column.args["kind"]) for column in tree.this.expressions}


def _raw_type(kind: Any) -> RawType:
    name = kind.this.value.lower()
    if name == "array":
        return RawType("array", item=_raw_type(kind.expressions[0]))
    if name == "struct":
        return RawType("struct", fields=tuple((one.name, _raw_type(one.args["kind"])) for one in kind.expressions))
    return RawType({"text": "string", "varchar": "string"}.get(name, kind.sql("spark").lower()))


def typed(value: Any, kind: RawType) -> Any:
    """A raw value as the type that the source declares; None where it is not of that type."""
    if value is None:
        return None
    if kind.name == "array" and kind.item is not None:
        return [typed(one, kind.item) for one in value] if isinstance(value, list) else None
    if kind.name == "struct":
        return {name: typed(value.get(name), one) for name, one in kind.fields} if isinstance(value, dict) else None
    if kind.name == "string":
        if isinstance(value, str):
            return value
        return ("true" if value else "false") if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)
    try:
        return cast(value, kind.name)
    except BadValueError:
        return None


def _fields(line: str, dialect: Dialect) -> list[str]:
    """The fields of a line; none of one that no csv reader takes, such as one with a lone carriage return."""
    try:
        return dialect.fields(line)
    except csv.Error:
        return []


def inspected(file: FoundFile, source: Source, opener: FileOpener, settings: LakeSettings) -> InspectedFile:
    """One file read through once, as the ingests do before they read anything."""
    with opener.open(file) as stream:
        found = asdict(scan(stream, file.path, file.bytes, source))
    found["range_lines"] = tuple(found["range_lines"])
    path = file.full_path(settings)
    return InspectedFile(path=path, bytes=file.bytes, modified=file.modified, source_file=file, **found)
