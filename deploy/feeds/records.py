"""The records of raw files without Spark, each with its line and the reason why it could not be read."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from common.config.lake_settings import LakeSettings
from common.sources.files.csv_dialect import Dialect, column_names, without_marks
from common.sources.files.inventory import InspectedFile
from common.sources.files.locations import FileOpener, FoundFile
from common.sources.files.scanning import scan
from common.sources.mapping.model import Source
from common.sources.rows.lines import ranges_of, read_range
from common.sources.rows.reading import NOT_THE_SCHEMA
from deploy.feeds.log_records import LOG_COLUMNS, values_of_kind
from deploy.feeds.raw.types import OtherTypeError, RawType, json_value, of_json, of_text, raw_types


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


class FileRecords:
    """The records of one file, read as they are asked for."""

    def __init__(self, file: InspectedFile, source: Source, opener: FileOpener) -> None:
        self._inspected, self._source, self._opener = file, source, opener
        self._file = file.found()

    @property
    def origin(self) -> dict[str, str]:
        """The file of a record, as columns that expressions may read."""
        return {"_file": self._inspected.path, "_file_sha256": self._inspected.sha256}

    @cached_property
    def columns(self) -> list[str]:
        """The raw columns of the file; none of parquet that cannot be read."""
        if self._source.format == "access_log":
            return list(LOG_COLUMNS)
        if self._source.format == "parquet":
            return list(self._kinds)
        if self._source.raw_schema is not None and (self._source.format == "json" or not self._source.has_header):
            return list(self._types)
        return column_names(self._inspected.layout, Dialect.of(self._source.options))

    @cached_property
    def _types(self) -> dict[str, RawType]:
        return raw_types(self._source.raw_schema or "")

    @cached_property
    def _kinds(self) -> dict[str, Any]:
        from pyarrow import ArrowException

        from deploy.feeds.raw.parquet_rows import kinds_of

        try:
            with opened(self._file, self._opener) as stream:
                return kinds_of(stream)
        except (ArrowException, OSError):
            return {}

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
        types = [] if self._source.has_header else list(self._types.values())
        header, needed = None, len(types)
        for line, text, reason in self._lines():
            if not reason and dialect.is_passed_over(text):
                continue
            if self._source.has_header and header is None:
                header = without_marks(text)
                named = dialect.fields(text)
                needed = max((place + 1 for place, name in enumerate(named) if name), default=len(named))
            elif not reason and (without_marks(text) == header or not text.replace(dialect.separator, "").strip()):
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
        try:
            if types:
                values = [of_text(value, kind) for value, kind in zip(values, types, strict=True)]
        except OtherTypeError:
            return self._record(line, text, {}, f"SRC-212 not a csv line of {width} columns")
        return self._record(line, text, dict(zip(self.columns, values, strict=True)))

    def _json(self) -> Iterator[Record]:
        whole = RawType("struct", fields=tuple(self._types.items()))
        for line, text, reason in self._lines():
            values: Mapping[str, Any] = {}
            if not reason:
                try:
                    values = of_json(json_value(text), whole)
                except (ValueError, OtherTypeError):
                    reason = NOT_THE_SCHEMA
            yield self._record(line, text, values, reason)

    def _log(self) -> Iterator[Record]:
        for line, text, reason in self._lines():
            found = ({}, reason) if reason else values_of_kind(text, self._inspected.layout)
            if found is not None:
                yield self._record(line, text, *found)

    def _parquet(self) -> Iterator[Record]:
        from pyarrow import ArrowException

        from deploy.feeds.raw.parquet_rows import parquet_rows

        line = 0
        try:
            with opened(self._file, self._opener) as stream:
                for values in parquet_rows(stream, self._kinds):
                    line += 1
                    yield self._record(line, "", values)
        except (ArrowException, OSError):
            yield self._record(line + 1, "", {}, "SRC-109 the parquet data cannot be read from here on")


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
