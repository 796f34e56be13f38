"""Numbers and lists of the planner's page in words, and sums over its groups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

Total = Callable[[str], float]
"""The sum of a column over all groups of the figures."""


def last(groups: Sequence[Any], name: str) -> date | None:
    """The latest day in a column of ``groups``; None without any."""
    return max((row[name] for row in groups if row[name] is not None), default=None)


def among(row: Any, place: str, top: int) -> bool:
    """Whether a row is among the first ``top`` of a list."""
    return row[place] is not None and row[place] <= top


def rounded(rows: Sequence[Any], name: str) -> int:
    """The sum of a column, in whole units."""
    return round(sum(row[name] or 0.0 for row in rows))


def or_nothing(value: float | None) -> int | None:
    """A whole number, or nothing."""
    return None if value is None else round(value)


def whole(value: float) -> str:
    """``12,345``."""
    return f"{value:,.0f}"


def share(value: float) -> str:
    """``12%``."""
    return f"{value:.0%}"


def listed_words(parts: Sequence[str]) -> str:
    """``a, b and c``."""
    *firsts, last = parts
    return f"{', '.join(firsts)} and {last}" if firsts else last


def filled(
    columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """A table without the columns that say nothing in any row, such as the names of series that have none."""
    kept = [place for place in range(len(columns)) if any(row[place] not in (None, "") for row in rows)]
    return tuple(columns[place] for place in kept), [tuple(row[place] for place in kept) for row in rows]
