"""Calendar periods: hours, days, weeks, months, quarters and years, each named by its first day (an hour by its begin).

A period is a date, and a DATE in frames; an hour is a datetime of the shop's clock, and a TIMESTAMP_NTZ. Weeks begin on
Monday, on the weekday that the shop asks for, or on that of a ready-made feed: then the name of a week is the date that
the feed gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import UsageError

if TYPE_CHECKING:
    from jobs.forecast.demand.params import Frequency, Weekday

UNITS: Final = {"H": "hour", "D": "day", "W": "week", "M": "month", "Q": "quarter", "Y": "year"}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_STEPS = {
    "H": "INTERVAL 1 HOUR",
    "D": "INTERVAL 1 DAY",
    "W": "INTERVAL 7 DAY",
    **{freq: f"INTERVAL {months} MONTH" for freq, months in _MONTHS.items()},
}
_SEASONS = {"H": 24, "D": 7, "W": 52, "M": 12, "Q": 4, "Y": 1}
# Further seasons, where the history is long enough: a week of hours, a year of days.
_LONGER_SEASONS = {"H": (168,), "D": (365,)}
_HORIZONS = {"H": 48, "D": 28, "W": 8, "M": 12, "Q": 8, "Y": 6}
_SILENCES = {"H": 24 * 182, "D": 182, "W": 26, "M": 12, "Q": 6, "Y": 4}
_FEWEST = {"H": 48, "D": 12, "W": 12, "M": 12, "Q": 12, "Y": 6}
_OFFSETS = {"H": "h", "D": "D", "M": "MS", "Q": "QS", "Y": "YS"}
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
        return f"week (from {WEEKDAYS[self.first_weekday]})" if self.freq == "W" else UNITS[self.freq]

    @property
    def season_length(self) -> int:
        """Periods in the natural season: a day of hours, a week of days, a year of the others; years have none."""
        return _SEASONS[self.freq]

    @property
    def season_lengths(self) -> tuple[int, ...]:
        """The natural seasons, shortest first: ``season_length``, of days a year too, and of hours a week."""
        return (self.season_length, *_LONGER_SEASONS.get(self.freq, ()))

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

    @property
    def in_a_day(self) -> int:
        """Periods that begin on one day: 24 hours, otherwise one at most."""
        return 24 if self.freq == "H" else 1

    @property
    def sql_type(self) -> str:
        """The type of a column of periods, as Spark SQL."""
        return "timestamp_ntz" if self.freq == "H" else "date"

    def literal(self, period: date) -> Column:
        """A period as a column of ``sql_type``."""
        if self.freq != "H":
            return F.lit(period)
        # A naive datetime would be read by the clock of the driver.
        return F.lit(self.named(period).isoformat()).cast("timestamp_ntz")

    def named(self, moment: date) -> date:
        """A moment as the name of a period: a date, or a plain datetime for an hour."""
        if self.freq != "H":
            return moment.date() if isinstance(moment, datetime) else moment
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time())
        return datetime(moment.year, moment.month, moment.day, moment.hour)  # noqa: DTZ001 - the shop's clock

    def at(self, day: date, hour: int | None) -> date:
        """The period of a day, and an hour of it, in a table."""
        return self.plus(day, hour or 0) if self.freq == "H" else day

    def day(self, period: date) -> date:
        """The first day of a period: of an hour, its day."""
        return period.date() if isinstance(period, datetime) else period

    def of_line(self) -> Column:
        """The period of a row of SALES; a line without a time of day counts in the first hour of its day."""
        if self.freq != "H":
            return self.start_of("sold_day")
        return F.col("sold_day").cast("timestamp_ntz") + F.make_dt_interval(hours=F.coalesce("sold_hour", F.lit(0)))

    def start_of(self, day: str | Column) -> Column:
        """The first day of the period of a DATE column; not for hours."""
        if not self.first_weekday:
            return F.to_date(F.date_trunc(UNITS[self.freq], day))
        column = F.col(day) if isinstance(day, str) else day
        return F.date_sub(column, F.pmod(F.weekday(column) - self.first_weekday, F.lit(7)))

    def last_day_of(self, start: str) -> Column:
        """The last day of the period in a column of periods."""
        if self.freq == "H":
            return F.to_date(start)
        return F.date_sub(F.to_date(F.expr(f"{start} + {self.step_sql}")), 1)

    def last_day(self, start: date) -> date:
        """The last day of the period that begins on ``start``; once it ends, the whole period is known."""
        if self.freq == "H":
            return self.day(start)
        return self.plus(start, 1) - timedelta(days=1)

    def first_day(self, day: date) -> date:
        """The first period that holds ``day``, or the one that a moment is in."""
        if self.freq in {"H", "D"}:
            return self.named(day)
        if self.freq == "W":
            return day - timedelta(days=(day.weekday() - self.first_weekday) % 7)
        months = _MONTHS[self.freq]
        return day.replace(day=1, month=months * ((day.month - 1) // months) + 1)

    def plus(self, start: date, periods: int) -> date:
        """The period ``periods`` after (or before) the one that begins on ``start``."""
        if self.freq == "H":
            return self.named(start) + timedelta(hours=periods)
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
        if self.day(first) < days.first:
            first = self.plus(first, 1)
        last = self.first_day(days.last + timedelta(days=1))
        last = self.plus(last, -1)
        if last_value is not None:
            # Hours of the last day that a feed has not sent yet are not over.
            of_value = self.first_day(last_value)
            last = of_value if self.freq == "H" and self.day(of_value) == days.last else max(last, of_value)
        if last < first:
            raise UsageError(
                "FCT-001",
                f"There is no whole {UNITS[self.freq]} in {days}.",
                remedy="Give a longer range of days, or a finer frequency.",
            )
        return DayRange(first, last)
