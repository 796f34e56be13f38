"""Bytes cut into lines with bounded memory: the same cutter serves the inspection and the reader."""

from __future__ import annotations

import codecs
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from common.sources.mapping.options import WIDE

CHUNK_BYTES = 1 << 20
KEPT_BYTES = 1024
RANGE_BYTES = 32 << 20
"""A large plain file is read in ranges of so many bytes; the inspection counts its lines at their bounds."""
_NEWLINE = 0x0A
_GZIP_MAGIC = b"\x1f\x8b"


class BadFileError(Exception):
    """A file that cannot be read; the text is the reason that is kept: ``"<code> <words>"``."""


@dataclass(frozen=True)
class Block:
    """Whole lines, each within the limit: ``data`` ends with a newline, except at the end of the file."""

    data: bytes


@dataclass(frozen=True)
class LongLine:
    """A line over the limit: its first bytes, its length and the SHA-256 of all of it."""

    head: bytes
    length_bytes: int
    sha256: str


def chunks_of(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of ``stream`` in pieces of at most ``CHUNK_BYTES``."""
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


def gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a gzip stream of one or more members, in pieces of at most ``CHUNK_BYTES``.

    Raises BadFileError SRC-102 (the stream ends too soon), SRC-103 (it is corrupt).
    """
    inflater = zlib.decompressobj(wbits=31)
    started = False
    try:
        for chunk in chunks:
            data = chunk
            while data:
                if inflater.eof:
                    # Padding after the last member is allowed (RFC 1952 readers skip zeros).
                    data = data.lstrip(b"\0")
                    if not data:
                        break
                    inflater = zlib.decompressobj(wbits=31)
                started = True
                yield inflater.decompress(data, CHUNK_BYTES)
                while inflater.unconsumed_tail:
                    yield inflater.decompress(inflater.unconsumed_tail, CHUNK_BYTES)
                data = inflater.unused_data
    except zlib.error as error:
        raise BadFileError("SRC-103 corrupt gzip: it cannot be unpacked") from error
    if not started or not inflater.eof:
        raise BadFileError("SRC-102 truncated gzip: the stream ends before its trailer")


def as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """UTF-16 and UTF-32 as UTF-8; every other encoding as it is, for its newlines are single bytes.

    A byte order mark is left out.
    Raises BadFileError SRC-107 when these cannot be decoded.
    """
    first = True
    if encoding in WIDE:
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            for chunk in chunks:
                text = decoder.decode(chunk)
                # The decoder of utf-16-le keeps the mark, that of utf-16 does not.
                yield (text.removeprefix("\ufeff") if first else text).encode()
                first = first and not text
            yield decoder.decode(b"", final=True).encode()
        except UnicodeError as error:
            reason = error.reason if isinstance(error, UnicodeDecodeError) else "cannot be decoded"
            raise BadFileError(f"SRC-107 not {encoding}: {reason}") from error
        return
    for chunk in chunks:
        if first and encoding == "utf-8":
            first = False
            yield chunk.removeprefix(codecs.BOM_UTF8)
        else:
            yield chunk


class LineCutter:
    """Cuts pieces of bytes into blocks of whole lines and over-long lines; holds at most ``limit_bytes`` of a line."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._carry = b""
        self._head = b""
        self._length = 0
        self._digest = hashlib.sha256()

    def feed(self, chunk: bytes) -> Iterator[Block | LongLine]:
        """What ``chunk`` completes, in order."""
        if self._length:
            newline = chunk.find(b"\n")
            if newline < 0:
                self._swallow(chunk)
                return
            self._swallow(chunk[:newline])
            yield self._long_line()
            chunk = chunk[newline + 1 :]
        end = chunk.rfind(b"\n") + 1
        if end:
            yield from self._cut(self._carry + chunk[:end])
            self._carry = chunk[end:]
        else:
            self._carry += chunk
        if len(self._carry) > self._limit + 1:
            self._swallow(self._carry)
            self._carry = b""

    def finish(self) -> Iterator[Block | LongLine]:
        """The last line, when it has no newline."""
        if self._length:
            yield self._long_line()
        elif self._carry:
            yield from self._cut(self._carry)
            self._carry = b""

    def _cut(self, data: bytes) -> Iterator[Block | LongLine]:
        if longest_line_bytes(data) <= self._limit:
            yield Block(data)
            return
        good: list[bytes] = []
        for line in _lines(data):
            if len(line.removesuffix(b"\n")) <= self._limit:
                good.append(line)
                continue
            if good:
                yield Block(b"".join(good))
                good = []
            self._swallow(line.removesuffix(b"\n"))
            yield self._long_line()
        if good:
            yield Block(b"".join(good))

    def _swallow(self, data: bytes) -> None:
        if len(self._head) < KEPT_BYTES:
            self._head += data[: KEPT_BYTES - len(self._head)]
        self._length += len(data)
        self._digest.update(data)

    def _long_line(self) -> LongLine:
        line = LongLine(self._head, self._length, self._digest.hexdigest())
        self._head, self._length, self._digest = b"", 0, hashlib.sha256()
        return line


def _lines(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [*(part + b"\n" for part in parts[:-1]), *([parts[-1]] if parts[-1] else [])]


def line_lengths_bytes(data: bytes) -> np.ndarray:
    """Length of each line of ``data`` without its newline, a carriage return before it included."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == _NEWLINE)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    return np.diff(ends, prepend=-1) - 1


def longest_line_bytes(data: bytes) -> int:
    """Length of the longest line of ``data``, which is not empty."""
    return int(line_lengths_bytes(data).max())
