"""The careful reader: lines of files that Spark's own reader cannot bear, in bounded memory.

For over-long lines, bytes that are not in the encoding, deep nesting and UTF-16 or Windows text. Such a line becomes
a row with a reason and its first 1 kB; every other line is as Spark's reader would give it. A large file that is not
compressed is cut into byte ranges, each its own task.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from common.sources.files.cutting import KEPT_BYTES, Block, LineCutter, LongLine, as_utf8, chunks_of, gunzipped
from common.sources.files.inventory import InspectedFile
from common.sources.files.locations import FileOpener
from common.sources.files.nesting import deepest_nesting, nesting_of
from common.sources.files.scanning import undecodable_lines
from common.sources.mapping.model import Source

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_SCHEMA = pa.schema(
    [("_file", pa.string()), ("_file_sha256", pa.string()), ("_raw", pa.string()), ("_reason", pa.string())]
)
_DDL = "_file string, _file_sha256 string, _raw string, _reason string"
_RANGE_BYTES = 128 << 20
_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class FileRange:
    """The lines of one file that begin in ``[start, end)``; ``end`` None: to the end of the file."""

    file: InspectedFile
    start: int = 0
    end: int | None = None


def read_lines(
    spark: SparkSession,
    files: Sequence[InspectedFile],
    source: Source,
    settings: LakeSettings,
) -> DataFrame:
    """``_file, _file_sha256, _raw, _reason``, one row per line; ``_reason`` (SRC-22x) if it must not be parsed."""
    ranges = [part for file in files for part in ranges_of(file, source)]

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        opener = FileOpener(settings)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from read_range(ranges[number], source, opener)

    return spark.range(0, len(ranges), 1, len(ranges)).mapInArrow(read, _DDL)


def ranges_of(file: InspectedFile, source: Source, range_bytes: int = _RANGE_BYTES) -> list[FileRange]:
    """The ranges of a file that each make a task: one, unless it can be cut (not compressed, newlines of one byte)."""
    if file.compression or source.encoding == "utf-16" or file.bytes <= range_bytes:
        return [FileRange(file)]
    starts = range(0, file.bytes, range_bytes)
    return [FileRange(file, start, min(start + range_bytes, file.bytes)) for start in starts]


def read_range(part: FileRange, source: Source, opener: FileOpener) -> Iterator[pa.RecordBatch]:
    """The rows of one range, in batches of bounded size."""
    texts: list[str] = []
    reasons: list[str | None] = []
    size = 0
    for piece in _pieces(part, source, opener):
        for text, reason in _rows(piece, source):
            texts.append(text)
            reasons.append(reason)
            size += len(text)
            if len(texts) >= _BATCH_ROWS or size >= 4 * source.max_line_bytes:
                yield _batch(part.file, texts, reasons)
                texts, reasons, size = [], [], 0
    if texts:
        yield _batch(part.file, texts, reasons)


def _batch(file: InspectedFile, texts: list[str], reasons: list[str | None]) -> pa.RecordBatch:
    count = len(texts)
    columns = [[file.path] * count, [file.sha256] * count, texts, reasons]
    return pa.RecordBatch.from_arrays([pa.array(values, pa.string()) for values in columns], schema=_SCHEMA)


def _pieces(part: FileRange, source: Source, opener: FileOpener) -> Iterator[Block | LongLine]:
    cutter = LineCutter(source.max_line_bytes)
    for chunk in _chunks(part, source, opener):
        yield from cutter.feed(chunk)
    yield from cutter.finish()


def _chunks(part: FileRange, source: Source, opener: FileOpener) -> Iterator[bytes]:
    """The bytes of the lines that begin in the range."""
    with opener.open(part.file.found(), offset=max(0, part.start - 1)) as stream:
        chunks = chunks_of(stream)
        if part.end is None:
            yield from as_utf8(gunzipped(chunks) if part.file.compression else chunks, source.encoding)
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


def _rows(piece: Block | LongLine, source: Source) -> Iterator[tuple[str, str | None]]:
    encoding = source.text_encoding
    if isinstance(piece, LongLine):
        words = f"SRC-221 a line of {piece.length_bytes} bytes, over the limit of {source.max_line_bytes}"
        yield piece.head.decode(encoding, "replace"), f"{words}; sha256 {piece.sha256}"
        return
    bad = undecodable_lines(piece.data, encoding)
    deep = source.format == "json" and deepest_nesting(piece.data) > source.max_nesting
    for position, line in enumerate(piece.data.removesuffix(b"\n").split(b"\n")):
        content = line.removesuffix(b"\r")
        if position in bad:
            yield _kept(content, encoding), f"SRC-222 bytes that are not {source.encoding}; sha256 {_sha256(content)}"
        elif deep and nesting_of(content) > source.max_nesting:
            words = f"SRC-223 nested deeper than {source.max_nesting}"
            yield _kept(content, encoding), f"{words}; sha256 {_sha256(content)}"
        else:
            yield content.decode(encoding), None


def _kept(line: bytes, encoding: str) -> str:
    return line[:KEPT_BYTES].decode(encoding, "replace")


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
