"""Files of text as records, each with the line at which it begins, in bounded memory.

A large file that is not compressed is read in ranges of bytes by several tasks, unless its records may span lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.sources.files.csv_dialect import Dialect
from common.sources.files.cutting import RANGE_BYTES, Block, LineCutter, LongLine, as_utf8, chunks_of, gunzipped
from common.sources.files.inventory import InspectedFile
from common.sources.files.locations import FileOpener, FoundFile
from common.sources.mapping.model import Source
from common.sources.rows.batches import gathered
from common.sources.rows.blocks import line_rows
from common.sources.rows.csv_records import csv_records
from common.sources.rows.json_records import json_records
from common.spark.few_rows import few_rows

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_SCHEMA = pa.schema([("_number", pa.int32()), ("_line", pa.int64()), ("_raw", pa.string()), ("_reason", pa.string())])
_DDL = "_number int, _line bigint, _raw string, _reason string"
_FILES = "number int, path string, sha256 string"
# As Spark shares files out to tasks: what a task reads at most, at least, and what opening a file costs, in bytes.
_TASK_BYTES = 128 << 20
_OPEN_BYTES = 4 << 20


@dataclass(frozen=True)
class FileRange:
    """The lines of one file that begin in ``[start, end)``; ``end`` None: to the end of the file.

    ``number`` is the place of the file in its list, ``first_line`` the number of the first line of the range;
    ``plain`` and ``spans_lines`` as of the file.
    """

    number: int
    file: FoundFile
    compressed: bool
    start: int = 0
    end: int | None = None
    first_line: int = 1
    plain: bool = False
    spans_lines: bool = False

    @property
    def bytes(self) -> int:
        """How much of the stored file it is."""
        return (self.file.bytes if self.end is None else self.end) - self.start


def read_lines(
    spark: SparkSession, files: Sequence[InspectedFile], source: Source, settings: LakeSettings
) -> DataFrame:
    """``_file, _file_sha256, _line, _raw, _reason``, one row per line, blank ones and headers included.

    ``_line`` counts from 1 within the content of the file. ``_reason`` (SRC-22x) says why a line must not be parsed.
    """
    ranges = [part for number, file in enumerate(files) for part in ranges_of(number, file)]
    tasks = shared_out(ranges, spark.sparkContext.defaultParallelism)

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        opener = FileOpener(settings)
        for batch in batches:
            for task in batch.column(0).to_pylist():
                for part in tasks[task]:
                    yield from read_range(part, source, opener)

    lines = spark.range(0, len(tasks), 1, len(tasks)).mapInArrow(read, _DDL)
    # A number per row and a join cost less than two long texts per row between Python and the JVM.
    known = few_rows(spark, [(number, file.path, file.sha256) for number, file in enumerate(files)], _FILES)
    joined = lines.join(F.broadcast(known), F.col("_number") == F.col("number"), "left")
    return joined.select(
        F.col("path").alias("_file"), F.col("sha256").alias("_file_sha256"), "_line", "_raw", "_reason"
    )


def ranges_of(number: int, file: InspectedFile, range_bytes: int = RANGE_BYTES) -> list[FileRange]:
    """The ranges of a file: one, unless the inspection counted its lines at the bounds of several."""
    starts = file.range_lines or (1,)
    found = file.found()
    if len(starts) == 1:
        return [FileRange(number, found, bool(file.compression), plain=file.plain, spans_lines=file.spans_lines)]
    bounds = [*(place * range_bytes for place in range(len(starts))), file.bytes]
    return [
        FileRange(number, found, False, start, end, first, file.plain)
        for (start, end), first in zip(pairwise(bounds), starts, strict=True)
    ]


def shared_out(ranges: Sequence[FileRange], cores: int) -> list[list[FileRange]]:
    """Ranges in the order given, as tasks: as many as there are cores if each has enough to read."""
    total = sum(part.bytes + _OPEN_BYTES for part in ranges)
    most = min(_TASK_BYTES, max(_OPEN_BYTES, total // cores))
    tasks: list[list[FileRange]] = []
    filled = 0
    for part in ranges:
        size = part.bytes + _OPEN_BYTES
        if not tasks or filled + size > most:
            tasks.append([])
            filled = 0
        tasks[-1].append(part)
        filled += size
    return tasks


def read_range(part: FileRange, source: Source, opener: FileOpener) -> Iterator[pa.RecordBatch]:
    """The rows of one range, in batches of bounded size."""
    if part.spans_lines and source.format == "json":
        found = json_records(_chunks(part, source, opener), source)
    elif source.format == "csv" and Dialect.of(source.options).multiline:
        found = csv_records(_pieces(part, source, opener), source)
    else:
        found = line_rows(_pieces(part, source, opener), part.first_line, source, part.plain)
    for rows in gathered(found):
        number = pa.repeat(pa.scalar(part.number, pa.int32()), len(rows.texts))
        yield pa.RecordBatch.from_arrays([number, rows.lines, rows.texts, rows.reasons], schema=_SCHEMA)


def _pieces(part: FileRange, source: Source, opener: FileOpener) -> Iterator[Block | LongLine]:
    cutter = LineCutter(source.max_line_bytes)
    for chunk in _chunks(part, source, opener):
        yield from cutter.feed(chunk)
    yield from cutter.finish()


def _chunks(part: FileRange, source: Source, opener: FileOpener) -> Iterator[bytes]:
    """The bytes of the lines that begin in the range."""
    with opener.open(part.file, offset=max(0, part.start - 1)) as stream:
        chunks = chunks_of(stream)
        if part.end is None:
            yield from as_utf8(gunzipped(chunks) if part.compressed else chunks, source.encoding)
        else:
            owned = _owned(chunks, part.start, part.end)
            yield from as_utf8(owned, source.encoding) if part.start == 0 else owned


def _owned(chunks: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """From the first line that begins at or after ``start`` to the end of the last that begins before ``end``.

    The stream begins at ``start - 1``: when the byte there is a newline, a line begins at ``start``.
    """
    position = max(0, start - 1)
    inside = start == 0
    for chunk in chunks:
        first = 0
        if not inside:
            newline = chunk.find(b"\n")
            if newline < 0 or position + newline + 1 >= end:
                if newline >= 0:
                    return
                position += len(chunk)
                continue
            first, inside = newline + 1, True
        # The line that holds byte end - 1 is the last one of this range.
        last = chunk.find(b"\n", max(first, end - 1 - position))
        if position + len(chunk) >= end and last >= 0:
            yield chunk[first : last + 1]
            return
        yield chunk[first:]
        position += len(chunk)
