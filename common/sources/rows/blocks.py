"""Blocks of whole lines as Arrow columns: quick where every line is in order, one by one where a line is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from common.sources.files.brackets import JsonLines, json_lines
from common.sources.files.csv_dialect import Dialect
from common.sources.files.cutting import Block, LongLine
from common.sources.files.scanning import odd_lines, undecodable_lines
from common.sources.mapping.model import Source
from common.sources.rows.batches import Row, Rows, with_fault
from common.sources.rows.json_records import line_records

_NEWLINE = ord("\n")

_UNCLOSED = "SRC-213 a quoted field is not closed on its line: set multiline: true if fields hold newlines"


def line_rows(pieces: Iterable[Block | LongLine], first_line: int, source: Source, plain: bool) -> Iterator[Rows]:
    """A row for each line of ``pieces``, blank ones included; of a JSON line one for each of its objects.

    ``plain``: the inspection found that each JSON line is one object.
    """
    line = first_line
    for piece in pieces:
        if isinstance(piece, LongLine):
            yield long_line(piece, line, source)
            line += 1
        else:
            yield block_rows(piece.data, line, source, plain)
            line += piece.data.count(b"\n") + (not piece.data.endswith(b"\n"))


def long_line(piece: LongLine, line: int, source: Source) -> Rows:
    """The row of a line over the limit: its first 1 kB, with SRC-221."""
    words = f"SRC-221 a line of {piece.length_bytes} bytes, over the limit of {source.max_line_bytes}"
    head = piece.head.decode(source.text_encoding, "replace")
    return Rows.of([(line, head, f"{words}; sha256 {piece.sha256}")])


def block_rows(data: bytes, line: int, source: Source, plain: bool = False) -> Rows:
    """The rows of the lines of ``data``, the first of which has the number ``line``."""
    encoding = source.text_encoding
    odd = undecodable_lines(data, encoding)
    look: JsonLines | None = None
    if source.format == "json" and not plain:
        look = json_lines(data)
        odd |= odd_lines(look, source)
    opened = set(open_lines(data, Dialect.of(source.options))) if source.format == "csv" else set()
    if not odd and not opened:
        texts = lines_of(data if encoding == "utf-8" else data.decode(encoding).encode())
        numbers = pa.array(np.arange(line, line + len(texts)))
        return Rows(numbers, texts, pa.nulls(len(texts), pa.string()))
    rows: list[Row] = []
    for place, content in enumerate(split_lines(data)):
        number = line + place
        if place in opened:
            rows.append((number, content.decode(encoding, "replace"), _UNCLOSED))
        elif look is None or place not in odd:
            rows.append((number, *with_fault(content, None, source)))
        elif look.nesting[place] > source.max_nesting:
            rows.append((number, *with_fault(content, f"SRC-223 nested deeper than {source.max_nesting}", source)))
        else:
            rows.extend(line_records(content, number, source))
    return Rows.of(rows)


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
