"""Inclusive ranges of calendar days: what a run owns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from common.errors import UsageError


def parse_day(text: str) -> date:
    """``YYYY-MM-DD`` as a date. Raises UsageError CLI-003 for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            "CLI-003", f"'{text}' is not a day.", remedy="Write days as YYYY-MM-DD, e.g. 2026-11-20."
        ) from error


@dataclass(frozen=True, order=True)
class DayRange:
    """The days from ``first`` to ``last``, both inclusive."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise UsageError(
                "CLI-004",
                f"The day range ends ({self.last}) before it starts ({self.first}).",
                remedy="Give --from the earlier day and --to the later one.",
            )

    @classmethod
    def single(cls, day: date) -> DayRange:
        """The range of one day."""
        return cls(day, day)

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def extended(self, *, before_days: int = 0, after_days: int = 0) -> DayRange:
        """The range widened by whole days on either side."""
        return DayRange(self.first - timedelta(days=before_days), self.last + timedelta(days=after_days))

    def predicate(self, column: str) -> str:
        """SQL text that is true for a DATE column inside the range.

        Spelt with ``>=`` and ``<=`` because Delta's ``replaceWhere`` has refused ``BETWEEN`` on a second write.
        """
        return f"`{column}` >= DATE'{self.first}' AND `{column}` <= DATE'{self.last}'"

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}..{self.last}"
