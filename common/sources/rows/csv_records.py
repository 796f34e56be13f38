"""Records of csv files whose quoted fields may hold newlines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from common.sources.files.csv_dialect import Dialect
from common.sources.files.cutting import Block, LongLine
from common.sources.mapping.model import Source
from common.sources.rows.batches import Rows, with_fault
from common.sources.rows.blocks import block_rows, long_line, open_lines, split_lines

_UNCLOSED = "SRC-213 a quoted field that begins here is not closed"


def csv_records(pieces: Iterable[Block | LongLine], source: Source) -> Iterator[Rows]:
    """A row for each record, from the first line of a file to its last; line ends inside a field become newlines.

    A field that is not closed within ``max_line_bytes`` costs its first line (SRC-213): reading begins again after it.
    """
    return _Joiner(source).rows(pieces)


class _Joiner:
    """Joins lines to records. ``_waiting`` are the lines of a record whose quoted field is open."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._dialect = Dialect.of(source.options)
        self._line = 1
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def rows(self, pieces: Iterable[Block | LongLine]) -> Iterator[Rows]:
        for piece in pieces:
            if isinstance(piece, LongLine):
                yield from self._give_up()
                yield long_line(piece, self._line, self._source)
                self._line += 1
            else:
                yield from self._block(piece.data)
        yield from self._give_up()

    def _block(self, data: bytes) -> Iterator[Rows]:
        opened = set(open_lines(data, self._dialect, self._source.text_encoding))
        if not self._waiting and not opened:
            yield from self._whole(data)
            return
        lines = split_lines(data)
        done: list[bytes] = []
        for place, line in enumerate(lines):
            if not self._waiting and place not in opened:
                done.append(line)
                continue
            yield from self._whole(b"\n".join(done) + b"\n" if done else b"")
            done = []
            yield from self._join(line)
        yield from self._whole(b"\n".join(done) + b"\n" if done else b"")

    def _whole(self, data: bytes) -> Iterator[Rows]:
        """Lines that are records."""
        if data:
            rows = block_rows(data, self._line, self._source)
            self._line += len(rows.texts)
            yield rows

    def _join(self, line: bytes) -> Iterator[Rows]:
        if self._waiting and self._waiting_bytes + len(line) > self._source.max_line_bytes:
            yield from self._give_up()
            # The line may open a field itself.
            yield from self._block(line + b"\n")
            return
        # A line that goes on inside a field is read as if it began with the quote.
        quote = self._dialect.quote if self._waiting else ""
        self._waiting.append(line)
        self._waiting_bytes += len(line) + 1
        if not self._dialect.ends_open(quote + line.decode(self._source.text_encoding, "replace")):
            record = b"\n".join(self._waiting)
            yield Rows.of([(self._line, *with_fault(record, None, self._source))])
            self._line += len(self._waiting)
            self._waiting, self._waiting_bytes = [], 0

    def _give_up(self) -> Iterator[Rows]:
        """The record that waits is none: its first line is a row with a reason, the others are read again."""
        while self._waiting:
            first, *others = self._waiting
            self._waiting, self._waiting_bytes = [], 0
            yield Rows.of([(self._line, first.decode(self._source.text_encoding, "replace"), _UNCLOSED)])
            self._line += 1
            if others:
                yield from self._block(b"\n".join(others) + b"\n")
