"""Blocks of whole lines as Arrow columns: quick where every line is in order, one by one where a line is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from common.sources.files.csv_dialect import Dialect
from common.sources.files.cutting import KEPT_BYTES, Block, LongLine
from common.sources.files.nesting import deepest_nesting, nesting_of
from common.sources.files.scanning import undecodable_lines
from common.sources.mapping.model import Source

_NEWLINE = ord("\n")
_BATCH_BYTES = 1 << 20

_UNCLOSED = "SRC-213 a quoted field is not closed on its line: set multiline: true if fields hold newlines"


@dataclass(frozen=True)
class Rows:
    """Some records: the line at which each begins, its text, and why it must not be parsed (null: it may)."""

    lines: pa.Int64Array
    texts: pa.StringArray
    reasons: pa.StringArray

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str | None]]) -> Rows:
        """Rows one by one: line, text, reason."""
        lines, texts, reasons = zip(*rows, strict=True)
        return cls(pa.array(lines, pa.int64()), pa.array(texts, pa.string()), pa.array(reasons, pa.string()))


def gathered(rows: Iterable[Rows]) -> Iterator[Rows]:
    """The same rows, in batches that are worth the way to the JVM."""
    waiting: list[Rows] = []
    size = 0
    for part in rows:
        waiting.append(part)
        size += part.texts.nbytes + 100 * len(part.texts)
        if size >= _BATCH_BYTES:
            yield _joined(waiting)
            waiting, size = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    return Rows(
        pa.concat_arrays([part.lines for part in parts]),
        pa.concat_arrays([part.texts for part in parts]),
        pa.concat_arrays([part.reasons for part in parts]),
    )


def line_rows(pieces: Iterable[Block | LongLine], first_line: int, source: Source) -> Iterator[Rows]:
    """A row for each line of ``pieces``, blank ones included."""
    line = first_line
    for piece in pieces:
        rows = long_line(piece, line, source) if isinstance(piece, LongLine) else block_rows(piece.data, line, source)
        yield rows
        line += len(rows.texts)


def long_line(piece: LongLine, line: int, source: Source) -> Rows:
    """The row of a line over the limit: its first 1 kB, with SRC-221."""
    words = f"SRC-221 a line of {piece.length_bytes} bytes, over the limit of {source.max_line_bytes}"
    head = piece.head.decode(source.text_encoding, "replace")
    return Rows.of([(line, head, f"{words}; sha256 {piece.sha256}")])


def block_rows(data: bytes, line: int, source: Source) -> Rows:
    """The rows of the lines of ``data``, the first of which has the number ``line``."""
    encoding = source.text_encoding
    faults = dict.fromkeys(undecodable_lines(data, encoding), f"SRC-222 bytes that are not {source.encoding}")
    lines: list[bytes] = []
    if source.format == "json" and deepest_nesting(data) > source.max_nesting:
        lines = split_lines(data)
        words = f"SRC-223 nested deeper than {source.max_nesting}"
        deep = {place: words for place, content in enumerate(lines) if nesting_of(content) > source.max_nesting}
        faults = {**deep, **faults}
    if source.format == "csv":
        unclosed = dict.fromkeys(open_lines(data, Dialect.of(source.options)), _UNCLOSED)
        faults = {**unclosed, **faults}
    if not faults:
        texts = lines_of(data if encoding == "utf-8" else data.decode(encoding).encode())
        numbers = pa.array(np.arange(line, line + len(texts)))
        return Rows(numbers, texts, pa.nulls(len(texts), pa.string()))
    return Rows.of(
        (line + place, *with_fault(content, faults.get(place), encoding))
        for place, content in enumerate(lines or split_lines(data))
    )


def with_fault(content: bytes, fault: str | None, encoding: str) -> tuple[str, str | None]:
    """The text of a line and its reason; of a line that must not be parsed the first 1 kB, with the SHA-256 of it."""
    if fault is None:
        return content.decode(encoding), None
    if fault == _UNCLOSED:
        return content.decode(encoding, "replace"), fault
    return content[:KEPT_BYTES].decode(encoding, "replace"), f"{fault}; sha256 {hashlib.sha256(content).hexdigest()}"


def split_lines(data: bytes) -> list[bytes]:
    r"""The lines of ``data`` without ``\n`` or ``\r\n``; a last line needs no newline."""
    return [line.removesuffix(b"\r") for line in data.removesuffix(b"\n").split(b"\n")]


def lines_of(data: bytes) -> pa.StringArray:
    """The lines of ``data`` (UTF-8) as ``split_lines`` cuts them."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    ends = line_ends(data)
    # Offsets into the text without its newlines.
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends - np.arange(len(ends))
    return pa.StringArray.from_buffers(len(ends), pa.py_buffer(offsets), pa.py_buffer(data.replace(b"\n", b"")))


def line_ends(data: bytes) -> np.ndarray:
    """Where the lines of ``data`` end: the places of its newlines, and its length if the last line has none."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    return ends if data.endswith(b"\n") else np.append(ends, len(data))


def open_lines(data: bytes, dialect: Dialect) -> list[int]:
    """Places of the lines of ``data`` at whose end a quoted field is still open."""
    if not dialect.quote or dialect.quote.encode() not in data:
        return []
    marks = np.frombuffer(data, np.uint8) == ord(dialect.quote)
    ends = line_ends(data)
    starts = np.append(0, ends[:-1] + 1)
    # A quoted field that is closed has an even number of quotes: only the other lines are worth a closer look.
    counts = np.append(0, np.cumsum(marks))
    odd = np.flatnonzero((counts[ends] - counts[starts]) % 2)
    if dialect.escape != dialect.quote:
        odd = np.flatnonzero(counts[ends] > counts[starts])
    return [int(place) for place in odd if dialect.ends_open(data[starts[place] : ends[place]].removesuffix(b"\r"))]
