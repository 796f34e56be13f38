"""One file read through once: is it whole, is it what its name says, and what do its lines look like."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain
from typing import BinaryIO

import pyarrow.parquet as pq
from pyarrow import ArrowException

from common.sources.files.brackets import JsonLines, json_lines
from common.sources.files.csv_dialect import Dialect, fault_of_header, fault_of_names, header_of, names_in
from common.sources.files.cutting import (
    RANGE_BYTES,
    BadFileError,
    Block,
    LineCutter,
    LongLine,
    as_utf8,
    chunks_of,
    gunzipped,
    longest_line_bytes,
)
from common.sources.files.holders import array_of_holder
from common.sources.files.log_kinds import FIELDS, kind_of
from common.sources.files.parquet_kinds import layout_of
from common.sources.mapping.model import Source
from common.sources.mapping.options import WIDE

# First bytes -> what they are. Longer ones first.
_MAGICS = {
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PAR1": "parquet",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\x1f\x8b": "gzip",
}
_EXTENSIONS = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".bz2": "bzip2",
    ".zip": "zip",
    ".zst": "zstd",
    ".xz": "xz",
    ".parquet": "parquet",
}
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# A footer holds the statistics of each column of each row group: beyond this the file was not made for reading.
_MAX_FOOTER_BYTES = 64 << 20


@dataclass
class Scan:
    """What one pass over a file found; the fields are those of ``InspectedFile``."""

    sha256: str = ""
    lines: int = 0
    longest_line_bytes: int = 0
    deepest_nesting: int = 0
    undecodable_lines: int = 0
    layout: str = ""
    compression: str = ""
    plain: bool = True
    spans_lines: bool = False
    range_lines: list[int] = field(default_factory=list)
    reason: str | None = None


def scan(stream: BinaryIO, name: str, size_bytes: int, source: Source, range_bytes: int = RANGE_BYTES) -> Scan:
    """Read ``stream`` once, in constant memory; a fault of the file ends as ``reason`` (SRC-1xx)."""
    found = Scan()
    digest = hashlib.sha256()
    chunks = chunks_of(stream)
    try:
        first = next(chunks, b"")
        if not first:
            raise BadFileError("SRC-101 the file is empty")
        found.compression = _check_kind(first, name, source)
        stored = _with_first(first, chunks)
        if source.format == "parquet":
            _scan_parquet(_hashed(stored, digest), size_bytes, found, source)
        else:
            if found.compression == "gzip":
                plain = gunzipped(stored)
            else:
                plain = stored if _spans_lines(source) else _counted(stored, range_bytes, found.range_lines)
            _scan_text(_hashed(plain, digest), found, source)
    except BadFileError as error:
        found.reason = str(error)
        # The rest still counts for the identity of a file that was cut short or is of another kind.
        for chunk in chunks:
            digest.update(chunk)
    found.sha256 = digest.hexdigest()
    return found


def _check_kind(first: bytes, name: str, source: Source) -> str:
    """``gzip`` or nothing. Raises BadFileError when the content is not what the name or the source says."""
    content = next((kind for magic, kind in _MAGICS.items() if first.startswith(magic)), "")
    named = next((kind for extension, kind in _EXTENSIONS.items() if name.lower().endswith(extension)), "")
    if source.format == "parquet":
        if content != "parquet":
            raise BadFileError(f"SRC-105 {content or 'text or unknown'} content where parquet was expected")
        return ""
    if content not in {"", "gzip"}:
        raise BadFileError(f"SRC-105 {content} content where {source.format} was expected")
    if content != named:
        raise BadFileError(
            f"SRC-104 wrong extension: named as {named or 'not compressed'}, but {content or 'not compressed'}"
        )
    return content


def _with_first(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _hashed(chunks: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for chunk in chunks:
        digest.update(chunk)
        yield chunk


def _spans_lines(source: Source) -> bool:
    """Whether a file must be read from its beginning: no byte tells where a line, or a record, begins."""
    return source.encoding in WIDE or (source.format == "csv" and Dialect.of(source.options).multiline)


def _counted(chunks: Iterator[bytes], range_bytes: int, first_lines: list[int]) -> Iterator[bytes]:
    """The chunks; ``first_lines`` gets the number of the first line that begins in each range, or after it."""
    first_lines.append(1)
    position = lines = 0
    for chunk in chunks:
        counted = 0
        # A newline just before the bound begins a line at the bound, which is the first of the next range.
        while (bound := len(first_lines) * range_bytes - 1) < position + len(chunk):
            lines += chunk.count(b"\n", counted, bound - position)
            counted = bound - position
            first_lines.append(lines + 2)
        lines += chunk.count(b"\n", counted)
        position += len(chunk)
        yield chunk


def _scan_text(chunks: Iterator[bytes], found: Scan, source: Source) -> None:
    cutter = LineCutter(source.max_line_bytes)
    content = started = False
    for chunk in chain(as_utf8(_refuse_utf16(chunks, source), source.encoding), [None]):
        content = content or bool(chunk)
        for piece in cutter.finish() if chunk is None else cutter.feed(chunk):
            _note(piece, found, source, first=not started)
            started = started or isinstance(piece, LongLine) or bool(piece.data.strip())
    if not content:
        raise BadFileError("SRC-101 the file is empty")
    if found.undecodable_lines > source.max_undecodable_share * found.lines:
        share = f"{found.undecodable_lines} of {found.lines} lines"
        raise BadFileError(f"SRC-107 not {source.encoding}: {share} cannot be decoded: set encoding")
    if found.spans_lines:
        found.plain = False
        found.range_lines.clear()
    if source.format == "csv" and source.has_header:
        if not found.layout:
            raise BadFileError("SRC-101 the file has blank lines only")
        fault = fault_of_header(found.layout, Dialect.of(source.options), _mapped(source))
        if fault:
            raise BadFileError(fault)


def _refuse_utf16(chunks: Iterator[bytes], source: Source) -> Iterator[bytes]:
    first = True
    for chunk in chunks:
        # Without a mark, Latin text in UTF-16 is every other byte a NUL.
        if first and source.encoding not in WIDE and (chunk[:2] in _UTF16_MARKS or chunk.count(0) * 4 > len(chunk)):
            raise BadFileError(f"SRC-106 looks like utf-16, the source says {source.encoding}: set encoding")
        if first and source.encoding != "utf-8" and chunk.startswith(codecs.BOM_UTF8):
            raise BadFileError(
                f"SRC-106 begins with the mark of utf-8, the source says {source.encoding}: set encoding"
            )
        first = first and not chunk
        yield chunk


def _note(piece: Block | LongLine, found: Scan, source: Source, *, first: bool) -> None:
    """``first``: only blank lines came before."""
    if isinstance(piece, LongLine):
        # A first line that long may be an array, or an object that holds one.
        found.spans_lines |= source.format == "json" and is_strict(source) and first
        found.lines += 1
        found.longest_line_bytes = max(found.longest_line_bytes, piece.length_bytes)
        return
    data = piece.data
    if not found.layout and source.format == "csv" and source.has_header:
        found.layout = header_of(_texts(data, source), Dialect.of(source.options))
    if source.format == "access_log":
        _note_kind(data, found, source, first=first)
    found.lines += data.count(b"\n") + (not data.endswith(b"\n"))
    found.longest_line_bytes = max(found.longest_line_bytes, longest_line_bytes(data))
    found.undecodable_lines += len(undecodable_lines(data, source.text_encoding))
    if source.format == "json":
        look = json_lines(data)
        found.plain &= not odd_lines(look, source)
        found.deepest_nesting = max(found.deepest_nesting, int(look.nesting.max()))
        if first and is_strict(source):
            is_one = array_of_holder(data.lstrip(), names_in([source.raw_schema or ""])) is not None
            opens = data.lstrip().startswith(b"[") or bool(look.opens[_first_filled(data)])
            found.spans_lines = is_one or opens


def _note_kind(data: bytes, found: Scan, source: Source, *, first: bool) -> None:
    if first:
        found.layout = kind_of(_texts(data, source))
    if found.layout.startswith(FIELDS) and FIELDS.encode() in data:
        named = {line.strip() for line in _texts(data, source) if line.startswith(FIELDS)}
        if named - {found.layout}:
            raise BadFileError("SRC-115 its #Fields change from one place to another: split it there")


def _texts(data: bytes, source: Source) -> Iterator[str]:
    return (line.removesuffix("\r") for line in data.decode(source.text_encoding, "replace").split("\n"))


def _mapped(source: Source) -> frozenset[str]:
    return names_in(source.mapped_expressions)


def is_strict(source: Source) -> bool:
    """Whether the brackets and strings of a JSON source are found by double quotes alone."""
    lenient = ("allowSingleQuotes", "allowComments")
    return not any(source.options.get(name) == "true" for name in lenient)


def odd_lines(look: JsonLines, source: Source) -> set[int]:
    """Places of the lines of JSON that are not one object, or nested too deep."""
    odd = look.nesting > source.max_nesting
    if is_strict(source):
        odd |= ~look.whole
    return {int(place) for place in odd.nonzero()[0]}


def _first_filled(data: bytes) -> int:
    """The place of the first line of ``data`` that is not blank."""
    return data[: len(data) - len(data.lstrip())].count(b"\n") if data.strip() else 0


def undecodable_lines(data: bytes, encoding: str) -> set[int]:
    """Positions of the lines of ``data`` that are not in ``encoding``."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return {position for position, line in enumerate(data.split(b"\n")) if not _decodes(line, encoding)}
    return set()


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _scan_parquet(chunks: Iterator[bytes], size_bytes: int, found: Scan, source: Source) -> None:
    tail = b""
    footer_bytes = 0
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        tail = (tail + chunk)[-_MAX_FOOTER_BYTES:] if seen > size_bytes - _MAX_FOOTER_BYTES else b""
    if len(tail) >= 12 and tail.endswith(b"PAR1"):
        footer_bytes = int.from_bytes(tail[-8:-4], "little")
    if not 0 < footer_bytes <= len(tail) - 8:
        raise BadFileError("SRC-109 the parquet footer is missing or cut short")
    try:
        metadata = pq.read_metadata(BytesIO(b"PAR1" + tail[-footer_bytes - 8 :]))
        names = metadata.schema.to_arrow_schema().names
    except (ArrowException, OSError) as error:
        raise BadFileError(f"SRC-109 the parquet footer cannot be read: {type(error).__name__}") from error
    fault = fault_of_names(names, _mapped(source))
    if fault:
        raise BadFileError(f"SRC-108 the schema has {fault}")
    found.lines = metadata.num_rows
    found.layout, found.plain = layout_of(metadata)
