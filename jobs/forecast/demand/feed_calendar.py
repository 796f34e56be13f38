"""Which calendar sales are counted by: that of the shop, or that of a feed of ready-made series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.periods import WEEKDAYS, Periods

if TYPE_CHECKING:
    from jobs.forecast.demand.params import Frequency, Weekday


_FEWEST_DATES = 4


@dataclass(frozen=True)
class Dates:
    """On how many ``dates`` anything was sold or has a value, in how many months, quarters and years these lie, on how
    many different weekdays, and the last of them.
    """

    dates: int = 0
    weekdays: int = 0
    months: int = 0
    quarters: int = 0
    years: int = 0
    last: date | None = None

    @property
    def frequency(self) -> Frequency:
        """Months, quarters or years where there is one date in each: these are sums. Otherwise weeks."""
        return next((freq for freq in ("Y", "Q", "M") if self.are_sums(freq)), "W")

    def are_sums(self, freq: str) -> bool:
        """Whether there is one date in each period of ``freq``, too many of them for chance."""
        if freq == "W":
            return self.dates >= _FEWEST_DATES and self.weekdays == 1
        periods = {"M": self.months, "Q": self.quarters, "Y": self.years}.get(freq)
        return self.dates >= _FEWEST_DATES and self.dates == periods


def dates_of(sales: DataFrame) -> DataFrame:
    """One row with the fields of ``Dates`` for ``sales`` (SALES)."""
    day = F.col("sold_day")
    units = {"months": "month", "quarters": "quarter", "years": "year"}
    return (
        sales.select(day)
        .distinct()
        .agg(
            F.count(day).alias("dates"),
            F.count_distinct(F.weekday(day)).alias("weekdays"),
            *(F.count_distinct(F.date_trunc(unit, day)).alias(name) for name, unit in units.items()),
            F.max(day).alias("last"),
        )
    )


@dataclass(frozen=True)
class Dated:
    """Sales up to a day: how many, how many of them are values of ready series, and how these are dated.

    ``weekdays`` are the first and last weekday of the values (0: Monday), None without any; ``last_value`` is the last
    date of one, or its hour where values are hourly. ``several`` is true when a series has several values in a period.
    """

    rows: int = 0
    values: int = 0
    weekdays: tuple[int, int] | None = None
    last_value: date | None = None
    several: bool = False


def dated(sales: DataFrame, periods: Periods) -> DataFrame:
    """One row with the fields of ``Dated`` for ``sales`` (SALES), counted by ``periods``."""
    is_series = F.col("is_series")
    day = F.when(is_series, F.col("sold_day"))
    # Several values of one hour differ by their minutes only.
    period, moment = (
        (F.when(is_series, periods.of_line()), F.when(is_series, F.col("sold_at")))
        if periods.freq == "H"
        else (periods.start_of(day), day)
    )
    # Lines are one group: only values of ready series are looked at one by one.
    by_period = sales.groupBy(F.when(is_series, F.col("item_id")).alias("series"), period.alias("period")).agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(is_series).alias("values"),
        F.min(moment).alias("first"),
        F.max(moment).alias("last"),
        F.max(period if periods.freq == "H" else day).alias("last_value"),
        F.min(F.weekday(day)).alias("first_weekday"),
        F.max(F.weekday(day)).alias("last_weekday"),
    )
    return by_period.agg(
        F.sum("rows").alias("rows"),
        F.sum("values").alias("values"),
        F.min("first_weekday").alias("first_weekday"),
        F.max("last_weekday").alias("last_weekday"),
        F.max("last_value").alias("last_value"),
        F.coalesce(F.max(F.col("first") < F.col("last")), F.lit(False)).alias("several"),
    )


def as_dated(row: Row) -> Dated:
    """The row of ``dated``."""
    first, last = row["first_weekday"], row["last_weekday"]
    weekdays = None if first is None else (first, last)
    return Dated(row["rows"] or 0, row["values"] or 0, weekdays, row["last_value"], row["several"])


@dataclass(frozen=True)
class Calendar:
    """The periods that demand is counted by, the first and last of a run, and what to say about them, if anything."""

    periods: Periods
    whole: DayRange
    note: str = ""


def asked_for(freq: Frequency, week_begins: Weekday | None) -> Periods:
    """The periods of sales lines: weeks begin on Monday unless ``week_begins`` says otherwise."""
    return Periods(freq, WEEKDAYS.index(week_begins) if freq == "W" and week_begins else 0)


def calendar_of(
    freq: Frequency,
    days: DayRange,
    found: Dated,
    *,
    other_rows: int = 0,
    week_begins: Weekday | None = None,
    dates: Dates | None = None,
) -> Calendar:
    """The calendar of a run over ``days``; ``other_rows`` are lines that are not among those of ``found``.

    A feed of ready series alone, one value per period, sets it: weeks are named by its weekday, and the period of its
    last value is whole. With sales lines beside them weeks begin on Monday and are whole when they are over. Lines that
    have one date in each period (``dates``) are sums of periods as well: that of the last one is whole. Where
    ``week_begins`` is given, weeks begin on that day in any case. Raises UsageError FCT-001 when no period is whole.
    """
    is_ready_feed = bool(found.values) and found.rows == found.values and not other_rows and not found.several
    weekday = found.weekdays[0] if found.weekdays and found.weekdays[0] == found.weekdays[1] else None
    periods = asked_for(freq, week_begins)
    if is_ready_feed and freq == "W" and weekday is not None and week_begins is None:
        periods = Periods(freq, weekday)
    last = found.last_value if is_ready_feed else None
    if last is None and dates is not None and dates.are_sums(freq) and not other_rows:
        last = dates.last
    last = last if last is not None and periods.day(last) >= days.first else None
    return Calendar(periods, periods.whole_in(days, last_value=last), _note(periods, found, weekday, week_begins))


def _note(periods: Periods, found: Dated, weekday: int | None, week_begins: Weekday | None) -> str:
    if periods.freq != "W" or not found.values or found.several or weekday == periods.first_weekday:
        return ""
    begins = WEEKDAYS[periods.first_weekday]
    on = "several weekdays" if weekday is None else f"a {WEEKDAYS[weekday]}"
    why = ", because week_begins says so" if week_begins else ", because weeks of sales lines begin on it"
    why = "" if weekday is None else why
    return f"Values of ready series are dated on {on}: each counts in the week from {begins} that holds its date{why}."
