"""A piece of JSON text with its brackets, to walk from value to value."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from common.sources.files.brackets import brackets_of


class JsonText:
    """``data`` that begins outside of a string, ``level`` brackets deep.

    ``places`` and ``opening`` of each bracket. Levels count from the top of the document.
    """

    def __init__(self, data: bytes, level: int) -> None:
        self.data = data
        self._found = brackets_of(data)
        self.places: list[int] = self._found.places.tolist()
        self.opening: list[bool] = (self._found.steps > 0).tolist()
        self._open_lines: list[int] = self._found.open_lines.tolist()
        # The level of a bracket is its depth and this much.
        self._above = level
        self._closers: dict[int, list[int]] = {}

    def close_of(self, place: int, level: int) -> int | None:
        """The first bracket after the one at ``place`` that ends on ``level``; None: it is not in the data."""
        depth = level - self._above
        if depth not in self._closers:
            ends = (self._found.steps < 0) & (self._found.depths == depth)
            self._closers[depth] = np.flatnonzero(ends).tolist()
        closers = self._closers[depth]
        found = bisect_right(closers, place)
        return closers[found] if found < len(closers) else None

    def is_broken(self, start: int, stop: int) -> bool:
        """Whether a line that ends between the two bytes leaves a string open."""
        found = bisect_left(self._open_lines, start)
        return found < len(self._open_lines) and self._open_lines[found] < stop

    def nesting(self, place: int, closing: int) -> int:
        """How deep the value between two brackets is nested; itself counts as one."""
        depths = self._found.depths
        return int(depths[place : closing + 1].max() - depths[closing])

    def first_after(self, start: int) -> int:
        """The first bracket at or after the byte ``start``."""
        return bisect_left(self.places, start)

    def begin_again(self, start: int, level: int) -> int:
        """Read on from the byte ``start`` as if it were on ``level``; returns the first bracket from there."""
        place = self.first_after(start)
        self._above = level - (int(self._found.depths[place - 1]) if place else 0)
        return place

    def lift(self) -> None:
        """A closing bracket belongs to nothing: what follows is one level higher than it seems."""
        self._above += 1
