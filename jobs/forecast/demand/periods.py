"""Calendar periods: days, weeks, months, quarters and years, each named by its first day.

Weeks begin on Monday, on the weekday that the shop asks for, or on that of a ready-made feed: then the name of a week
is the date that the feed gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import UsageError

if TYPE_CHECKING:
    from jobs.forecast.demand.params import Frequency, Weekday

_UNITS = {"D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_STEPS = {
    "D": "INTERVAL 1 DAY",
    "W": "INTERVAL 7 DAY",
    **{freq: f"INTERVAL {months} MONTH" for freq, months in _MONTHS.items()},
}
_SEASONS = {"D": 7, "W": 52, "M": 12, "Q": 4, "Y": 1}
_HORIZONS = {"D": 28, "W": 8, "M": 12, "Q": 8, "Y": 6}
_SILENCES = {"D": 182, "W": 26, "M": 12, "Q": 6, "Y": 4}
_FEWEST = {"D": 12, "W": 12, "M": 12, "Q": 12, "Y": 6}
_OFFSETS = {"D": "D", "M": "MS", "Q": "QS", "Y": "YS"}
WEEKDAYS: Final[tuple[Weekday, ...]] = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


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
        """Periods in the natural season: a week of days, a year of the others; years have none."""
        return _SEASONS[self.freq]

    @property
    def horizon(self) -> int:
        """How many periods ahead a planner usually looks."""
        return _HORIZONS[self.freq]

    @property
    def fewest(self) -> int:
        """Periods that a series needs to be modelled."""
        return _FEWEST[self.freq]

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
        months = _MONTHS[self.freq]
        return day.replace(day=1, month=months * ((day.month - 1) // months) + 1)

    def plus(self, start: date, periods: int) -> date:
        """The period ``periods`` after (or before) the one that begins on ``start``."""
        if self.freq in {"D", "W"}:
            return start + timedelta(days=periods * (1 if self.freq == "D" else 7))
        months = start.year * 12 + start.month - 1 + periods * _MONTHS[self.freq]
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
