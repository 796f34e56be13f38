"""The brackets of JSON text, found before any parser sees it: where values end, and how deep they are nested."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_QUOTE, _OPEN, _CLOSE, _NEWLINE = 1, 2, 3, 4
_KINDS = np.zeros(256, np.uint8)
for _kind, _codes in ((_QUOTE, b'"'), (_OPEN, b"{["), (_CLOSE, b"}]"), (_NEWLINE, b"\n")):
    _KINDS[list(_codes)] = _kind
_BLANKS = b" \t\r"
# An object whose first value is an array: it may hold records, as {"Records": [...]} does.
_ARRAY_FIRST = re.compile(rb'^[ \t]*\{\s*"[^"\\\n]*"\s*:\s*\[', re.MULTILINE)


@dataclass(frozen=True)
class Brackets:
    """The brackets of a text that are not within strings, in order.

    ``places`` in bytes, ``steps`` 1 (opening) or -1, ``depths`` after each. ``open_lines``: places of the newlines
    before which a string is not closed; JSON has no newline in a string, so the next line begins outside of one.
    ``inside``: the text ends within a string.
    """

    places: np.ndarray
    steps: np.ndarray
    depths: np.ndarray
    newlines: np.ndarray
    open_lines: np.ndarray
    inside: bool


def brackets_of(data: bytes, *, inside: bool = False) -> Brackets:
    """The brackets of ``data``, which begins within a string if ``inside``."""
    if b"\\" in data:
        # Of the same length, so that places stay.
        data = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    kinds = _KINDS[np.frombuffer(data, np.uint8)]
    places = np.flatnonzero(kinds)
    kinds = kinds[places]
    count = np.cumsum(kinds == _QUOTE, dtype=np.int32) + int(inside)
    newline = np.flatnonzero(kinds == _NEWLINE)
    at_newline = count[newline]
    if (at_newline & 1).any():
        # Quotes are counted from the beginning of each line.
        before = np.append(0, at_newline)
        count = count - before[np.cumsum(kinds == _NEWLINE)]
    bracket = np.flatnonzero(((kinds == _OPEN) | (kinds == _CLOSE)) & (count & 1 == 0))
    steps = np.where(kinds[bracket] == _OPEN, 1, -1)
    newlines = places[newline]
    open_lines = newlines[np.diff(at_newline, prepend=0) % 2 == 1]
    is_inside = bool(count[-1] & 1) if len(kinds) else inside
    return Brackets(places[bracket], steps, np.cumsum(steps), newlines, open_lines, is_inside)


@dataclass(frozen=True)
class JsonLines:
    """Of each line: whether it is one object and nothing else, or blank; how deep it is nested; whether it is open.

    ``opens``: more brackets are opened than closed, so that its value may go on in the next line.
    """

    whole: np.ndarray
    nesting: np.ndarray
    opens: np.ndarray


def json_lines(data: bytes) -> JsonLines:
    """A look at each line of ``data``, which is not empty."""
    found = brackets_of(data)
    ends = found.newlines if data.endswith(b"\n") else np.append(found.newlines, len(data))
    starts = np.append(0, ends[:-1] + 1)
    lines = len(ends)
    line = np.searchsorted(ends, found.places)
    before = np.append(0, found.depths)[np.searchsorted(found.places, starts)]
    after = np.append(0, found.depths)[np.searchsorted(found.places, ends)]
    depths = found.depths - before[line]
    nesting = np.zeros(lines, np.int64)
    np.maximum.at(nesting, line, depths)
    closed = np.bincount(line[(depths == 0) & (found.steps < 0)], minlength=lines)
    below = np.bincount(line[depths < 0], minlength=lines)
    is_open = np.zeros(lines, bool)
    is_open[np.searchsorted(ends, found.open_lines)] = True
    if found.inside:
        is_open[-1] = True
    balanced = (after == before) & (below == 0) & ~is_open
    codes = np.frombuffer(data, np.uint8)
    last = ends - 1
    last = np.where((last > starts) & (codes[np.maximum(last, 0)] == ord("\r")), last - 1, last)
    framed = (ends > starts) & (codes[np.minimum(starts, len(data) - 1)] == ord("{"))
    framed &= codes[np.maximum(last, 0)] == ord("}")
    whole = balanced & (closed == 1) & framed
    for match in _ARRAY_FIRST.finditer(data):
        whole[np.searchsorted(ends, match.start())] = False
    for place in np.flatnonzero(~whole):
        whole[place] = not data[starts[place] : ends[place]].strip(_BLANKS)
    return JsonLines(whole, nesting, (after > before) & ~is_open)
