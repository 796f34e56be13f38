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
# In these a byte of a longer character may look like a mark.
_OVERLAPPING = frozenset({"shift_jis", "cp932", "cp949", "gbk", "gb18030", "big5"})

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
    opened = set(open_lines(data, Dialect.of(source.options), encoding)) if source.format == "csv" else set()
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


def open_lines(data: bytes, dialect: Dialect, encoding: str = "utf-8") -> list[int]:
    """Places of the lines of ``data`` at whose end a quoted field is still open."""
    if not dialect.quote or dialect.quote.encode(encoding, "ignore") not in data:
        return []
    ends = line_ends(data)
    starts = np.append(0, ends[:-1] + 1)
    is_quick = dialect.is_ascii and dialect.escape == dialect.quote and encoding not in _OVERLAPPING
    doubtful = _doubtful_lines(data, starts, ends, dialect) if is_quick else np.arange(len(ends))
    return [
        int(place)
        for place in doubtful
        if dialect.ends_open(data[starts[place] : ends[place]].removesuffix(b"\r").decode(encoding, "replace"))
    ]


def _doubtful_lines(data: bytes, starts: np.ndarray, ends: np.ndarray, dialect: Dialect) -> np.ndarray:
    """Places of the lines that are worth a closer look, in order.

    Of the quotes of a line the first opens a field, the next closes it, and so on; a doubled one closes and opens. So a
    line is in order when it has an even number of them, and each that opens stands where a field can begin, or behind
    another. In all other lines a quote may stand within a field: 5" cable.
    """
    found = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(found == ord(dialect.quote))
    lines = np.searchsorted(ends, quotes)
    counts = np.bincount(lines, minlength=len(ends))
    nth = np.arange(len(quotes)) - (np.cumsum(counts) - counts)[lines]
    opening = nth % 2 == 0
    places, before = lines[opening], found[quotes[opening] - 1]
    begins = (quotes[opening] == starts[places]) | (before == ord(dialect.separator)) | (before == ord(dialect.quote))
    doubtful = counts % 2 == 1
    doubtful[places[~begins]] = True
    return np.flatnonzero(doubtful)
