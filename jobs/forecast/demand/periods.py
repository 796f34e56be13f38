"""Calendar periods: days, weeks, months and quarters, each named by its first day.

Weeks begin on Monday, or on the weekday of a ready-made feed: then the name of a week is the date that the feed gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import UsageError

Frequency = Literal["D", "W", "M", "Q"]
_UNITS = {"D": "day", "W": "week", "M": "month", "Q": "quarter"}
_STEPS = {"D": "INTERVAL 1 DAY", "W": "INTERVAL 7 DAY", "M": "INTERVAL 1 MONTH", "Q": "INTERVAL 3 MONTH"}
_SEASONS = {"D": 7, "W": 52, "M": 12, "Q": 4}
_HORIZONS = {"D": 28, "W": 8, "M": 12, "Q": 8}
_SILENCES = {"D": 91, "W": 13, "M": 12, "Q": 6}
_OFFSETS = {"D": "D", "M": "MS", "Q": "QS"}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Periods:
    """The calendar of one frequency; ``first_weekday`` (0: Monday) is the day on which weeks begin."""

    freq: Frequency
    first_weekday: int = 0

    @classmethod
    def named_by(cls, freq: Frequency, start: date) -> Periods:
        """The calendar in which a period begins on ``start``."""
        return cls(freq, start.weekday() if freq == "W" else 0)

    @property
    def words(self) -> str:
        """What a period is, for people: ``week (from Monday)``."""
        return f"week (from {WEEKDAYS[self.first_weekday]})" if self.freq == "W" else _UNITS[self.freq]

    @property
    def season_length(self) -> int:
        """Periods in the natural season: a week of days, a year of the others."""
        return _SEASONS[self.freq]

    @property
    def horizon(self) -> int:
        """How many periods ahead a planner usually looks."""
        return _HORIZONS[self.freq]

    @property
    def least_silence(self) -> int:
        """Periods without demand before anybody asks whether a series has ended."""
        return _SILENCES[self.freq]

    @property
    def offset(self) -> str:
        """The pandas name of the frequency."""
        return f"W-{WEEKDAYS[self.first_weekday][:3].upper()}" if self.freq == "W" else _OFFSETS[self.freq]

    @property
    def step_sql(self) -> str:
        """The interval from a period to the next, as Spark SQL."""
        return _STEPS[self.freq]

    def start_of(self, day: str | Column) -> Column:
        """The first day of the period of a DATE column."""
        if not self.first_weekday:
            return F.to_date(F.date_trunc(_UNITS[self.freq], day))
        column = F.col(day) if isinstance(day, str) else day
        return F.date_sub(column, F.pmod(F.weekday(column) - self.first_weekday, F.lit(7)))

    def last_day_of(self, start: str) -> Column:
        """The last day of the period that begins on a DATE column."""
        return F.date_sub(F.to_date(F.expr(f"{start} + {self.step_sql}")), 1)

    def last_day(self, start: date) -> date:
        """The last day of the period that begins on ``start``; once it ends, the whole period is known."""
        return self.plus(start, 1) - timedelta(days=1)

    def first_day(self, day: date) -> date:
        """The first day of the period that holds ``day``."""
        if self.freq == "D":
            return day
        if self.freq == "W":
            return day - timedelta(days=(day.weekday() - self.first_weekday) % 7)
        return day.replace(day=1, month=day.month if self.freq == "M" else 3 * ((day.month - 1) // 3) + 1)

    def plus(self, start: date, periods: int) -> date:
        """The period ``periods`` after (or before) the one that begins on ``start``."""
        if self.freq in {"D", "W"}:
            return start + timedelta(days=periods * (1 if self.freq == "D" else 7))
        months = start.year * 12 + start.month - 1 + periods * (1 if self.freq == "M" else 3)
        return date(months // 12, months % 12 + 1, 1)

    def whole_in(self, days: DayRange, *, last_value: date | None = None) -> DayRange:
        """First and last period entirely within ``days``. Raises UsageError FCT-001 when there is none.

        ``last_value`` is the last date of ready-made values, each the total of a period: that of it is whole, whatever
        the last of ``days``.
        """
        first = self.first_day(days.first)
        if first < days.first:
            first = self.plus(first, 1)
        last = self.first_day(days.last + timedelta(days=1))
        last = self.plus(last, -1)
        if last_value is not None:
            last = max(last, self.first_day(last_value))
        if last < first:
            raise UsageError(
                "FCT-001",
                f"There is no whole {_UNITS[self.freq]} in {days}.",
                remedy="Give a longer range of days, or a finer frequency.",
            )
        return DayRange(first, last)
