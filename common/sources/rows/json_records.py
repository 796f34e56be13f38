"""JSON objects out of text of any layout: several on a line, spread over lines, in an array, or under one key.

The text of a record is that of its object. Text that belongs to no object becomes a row with SRC-211.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable, Iterator

from common.sources.files.brackets import brackets_of
from common.sources.files.csv_dialect import names_in
from common.sources.files.cutting import KEPT_BYTES
from common.sources.files.holders import array_of_holder, is_beside_records
from common.sources.mapping.model import Source
from common.sources.rows.batches import Row, Rows, with_fault
from common.sources.rows.json_text import JsonText

_NO_OBJECT = "SRC-211 text that belongs to no JSON object"
_UNCLOSED = "SRC-211 a JSON object that begins here is not closed"

# Between values: blanks, a byte order mark, the record separator of RFC 7464; between elements commas as well.
_BETWEEN = re.compile(rb"(?:[\s\x1e]|\xef\xbb\xbf)*")
_BETWEEN_ELEMENTS = re.compile(rb"(?:[\s,\x1e]|\xef\xbb\xbf)*")
# An opening brace follows no value in JSON: what seems to be one object is a line that was cut, and others after it.
_IMPOSSIBLE = re.compile(rb"[}\]\"0-9a-z]\s*\n\s*\{")
_BATCH_ROWS = 10_000


def json_records(chunks: Iterable[bytes], source: Source) -> Iterator[Rows]:
    """A row for each object in a text, read from its beginning, holding at most ``max_line_bytes`` of an object.

    The objects are those at the top, those in arrays at the top, and those in the array of an object of which the
    source's ``raw_schema`` names no key (``{"Records": [...]}``, ``{"count": 2, "data": [...]}``); what stands beside
    such an array is passed over. A longer object is one row (SRC-221). One that is not closed costs its first line
    (SRC-211): reading begins again after it.
    """
    waiting: list[Row] = []
    for row in _Reader(source).rows(chunks):
        waiting.append(row)
        if len(waiting) >= _BATCH_ROWS:
            yield Rows.of(waiting)
            waiting = []
    if waiting:
        yield Rows.of(waiting)


def line_records(line: bytes, number: int, source: Source) -> list[Row]:
    """The objects of one line, or one row with the whole line if it holds anything else."""
    reader = _Reader(source, number)
    rows = list(reader.rows([line]))
    wrong = [reason for _, _, reason in rows if reason in (_NO_OBJECT, _UNCLOSED)]
    if wrong or not (rows or reader.holders):
        reason = "SRC-211 a JSON object is not closed on its line" if _UNCLOSED in wrong else _NO_OBJECT
        return [(number, line.decode(source.text_encoding, "replace"), reason)]
    return rows


class _LongObject:
    """An object over the limit, of which only the beginning is kept."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.head = b""
        self.bytes = 0
        self.digest = hashlib.sha256()
        self.depth = 0
        self.inside = False

    def add(self, data: bytes) -> None:
        self.head += data[: max(0, KEPT_BYTES - len(self.head))]
        self.bytes += len(data)
        self.digest.update(data)


class _Reader:
    """Reads objects out of chunks. ``_level``: 0 at the top, 1 in an array, 2 in the array of a holder."""

    def __init__(self, source: Source, line: int = 1) -> None:
        self.holders = 0
        self._source = source
        self._limit = source.max_line_bytes
        self._columns = names_in([source.raw_schema or ""])
        self._line = line
        self._level = 0
        self._long: _LongObject | None = None

    def rows(self, chunks: Iterable[bytes]) -> Iterator[Row]:
        rest = b""
        new: list[bytes] = []
        size = 0
        for chunk in chunks:
            new.append(chunk)
            size += len(chunk)
            # The rest is looked at once more with what is new, so the one grows with the other.
            if size >= len(rest):
                rest = yield from self._read(b"".join([rest, *new]), final=False)
                new, size = [], 0
        yield from self._read(b"".join([rest, *new]), final=True)

    def _read(self, data: bytes, *, final: bool) -> Generator[Row, None, bytes]:
        """The rows of ``data``; returns what must be seen again together with what follows."""
        while True:
            if self._long:
                data = yield from self._skip(data, self._long, final)
                if self._long:
                    return data
            data = yield from self._objects(data, final)
            if not self._long:
                return data

    def _objects(self, data: bytes, final: bool) -> Generator[Row, None, bytes]:
        text = JsonText(data, self._level)
        at = place = 0
        while place < len(text.places):
            start = text.places[place]
            yield from self._between(data[at:start])
            at = start
            closing = text.close_of(place, self._level)
            if not text.opening[place]:
                if self._level == 2 and data[start] == ord("]"):
                    closing = text.close_of(place, 0)
                    if closing is None and not final and len(data) - start <= self._limit:
                        return data[start:]
                stop = yield from self._close(text, place, closing)
            elif data[start] == ord("[") and self._level == 0:
                self._level, stop = 1, start + 1
            elif closing is not None and not text.is_broken(start, text.places[closing]):
                stop = yield from self._value(text, place, closing)
            else:
                broken = final or text.is_broken(start, len(data))
                if not broken and len(data) - start <= self._limit:
                    return data[start:]
                if not broken and self._level == 0 and (array := self._array_of(data[start:])) is not None:
                    self._level, stop = 2, start + array + 1
                elif not broken and not _IMPOSSIBLE.search(data, start):
                    self._long = _LongObject(self._line)
                    return data[start:]
                else:
                    stop = data.find(b"\n", start) + 1 or len(data)
                    yield self._aside(data[start:stop].rstrip(b"\r\n"), _UNCLOSED)
                    place = text.begin_again(stop, self._level)
                    self._pass_over(data[start:stop])
                    at = stop
                    continue
            self._pass_over(data[start:stop])
            at = stop
            place = text.first_after(stop)
        return (yield from self._tail(data[at:], final))

    def _value(self, text: JsonText, place: int, closing: int) -> Generator[Row, None, int]:
        """The rows of a value that is all there; returns where reading goes on."""
        start, stop = text.places[place], text.places[closing] + 1
        value = text.data[start:stop]
        if value.startswith(b"["):
            yield self._aside(value, _NO_OBJECT)
        elif (
            self._level == 0
            and (array := self._array_of(value)) is not None
            and self._is_all(text, text.first_after(start + array), closing)
        ):
            self._level = 2
            return start + array + 1
        else:
            yield self._object(value, text.nesting(place, closing))
        return stop

    def _is_all(self, text: JsonText, array: int, closing: int) -> bool:
        """Whether what follows the array of an object is no record; of a long object that is not asked."""
        stop = text.places[closing]
        if stop - text.places[array] > self._limit:
            return True
        end = text.close_of(array, 1)
        return end is not None and is_beside_records(text.data[text.places[end] + 1 : stop], self._columns)

    def _close(self, text: JsonText, place: int, closing: int | None) -> Generator[Row, None, int]:
        """A closing bracket: the end of an array, of a holder, or of nothing."""
        start = text.places[place]
        is_array = text.data[start] == ord("]")
        if self._level == 0 or not is_array:
            yield self._aside(text.data[start : start + 1], _NO_OBJECT)
            text.lift()
            return start + 1
        if self._level == 1:
            self._level = 0
            return start + 1
        self._level = 0
        last = len(text.data) if closing is None else text.places[closing]
        left = text.data[start + 1 : last]
        if not is_beside_records(left, self._columns):
            yield self._aside(left.strip(), _NO_OBJECT)
        return min(last + 1, len(text.data))

    def _between(self, gap: bytes) -> Iterator[Row]:
        """What lies between two values."""
        blank = (_BETWEEN_ELEMENTS if self._level else _BETWEEN).match(gap)
        begin = blank.end() if blank else 0
        self._pass_over(gap[:begin])
        if begin < len(gap):
            yield self._aside(gap[begin:].rstrip(), _NO_OBJECT)
            self._pass_over(gap[begin:])

    def _tail(self, tail: bytes, final: bool) -> Generator[Row, None, bytes]:
        blank = (_BETWEEN_ELEMENTS if self._level else _BETWEEN).match(tail)
        begin = blank.end() if blank else 0
        if final or len(tail) - begin > self._limit:
            yield from self._between(tail)
            return b""
        self._pass_over(tail[:begin])
        return tail[begin:]

    def _skip(self, data: bytes, long: _LongObject, final: bool) -> Generator[Row, None, bytes]:
        """Passes over an object that is too long, to its end."""
        held = b""
        if not final and (len(data) - len(data.rstrip(b"\\"))) % 2:
            # Whether a quote follows decides what it is.
            data, held = data[:-1], data[-1:]
        found = brackets_of(data, inside=long.inside)
        ends = ((found.depths + long.depth) == 0).nonzero()[0]
        stop = int(found.places[ends[0]]) + 1 if len(ends) else len(data)
        long.add(data[:stop])
        self._pass_over(data[:stop])
        if len(ends) or final:
            words = f"SRC-221 an object of {long.bytes} bytes, over the limit of {self._limit}"
            head = long.head.decode(self._source.text_encoding, "replace")
            yield long.line, head, f"{words}; sha256 {long.digest.hexdigest()}"
            self._long = None
            return data[stop:] + held
        long.depth += int(found.depths[-1]) if len(found.depths) else 0
        long.inside = found.inside
        return held

    def _array_of(self, value: bytes) -> int | None:
        """Where the array begins in an object that only holds records."""
        array = array_of_holder(value, self._columns)
        self.holders += array is not None
        return array

    def _object(self, value: bytes, nesting: int) -> Row:
        fault = None
        if len(value) > self._limit:
            fault = f"SRC-221 an object of {len(value)} bytes, over the limit of {self._limit}"
        elif nesting > self._source.max_nesting:
            fault = f"SRC-223 nested deeper than {self._source.max_nesting}"
        return self._line, *with_fault(value, fault, self._source)

    def _aside(self, text: bytes, reason: str) -> Row:
        kept = text if len(text) <= self._limit else text[:KEPT_BYTES]
        return self._line, kept.decode(self._source.text_encoding, "replace"), reason

    def _pass_over(self, data: bytes) -> None:
        self._line += data.count(b"\n")
