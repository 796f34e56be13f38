"""How deep a JSON line is nested, before any parser sees it."""

from __future__ import annotations

import re

import numpy as np

_NEWLINE = 0x0A
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def deepest_nesting(block: bytes) -> int:
    """An upper bound of the nesting of the lines of ``block``, quick: brackets inside quoted text count as well."""
    codes = np.frombuffer(block, np.uint8)
    opening = (codes == ord("{")) | (codes == ord("["))
    closing = (codes == ord("}")) | (codes == ord("]"))
    depth = np.cumsum(opening.astype(np.int8) - closing.astype(np.int8), dtype=np.int64)
    starts = np.append(0, np.flatnonzero(codes[:-1] == _NEWLINE) + 1)
    before = np.where(starts > 0, depth[starts - 1], 0)
    return int(max(0, (np.maximum.reduceat(depth, starts) - before).max()))


def nesting_of(line: bytes) -> int:
    """The nesting of one line, text in quotes left out."""
    return deepest_nesting(_TEXT.sub(b"", line) or b" ")
