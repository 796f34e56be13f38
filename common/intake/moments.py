"""Times and days of rows: whether a time is more than a date, which days can be believed, which rows are on them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange

# Up to this many days are listed one by one; more are given as a range.
_MOST_DAYS_NAMED = 64


def is_date_alone(moment: str, zone: str) -> Column:
    """True where ``moment`` is what the mapping makes of a date without a time of day in a source of ``zone``.

    That is the first moment that belongs to the date both by the clock of ``zone`` and by that of UTC.
    """
    midnight = F.col(moment).cast("date").cast("timestamp")
    return F.col(moment) == F.greatest(midnight, F.to_utc_timestamp(midnight, zone))


def start_of(day: date) -> datetime:
    """The first moment of a day in UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def believed_days(rows: DataFrame, moment: str, earliest_day: date, latest: datetime) -> DataFrame:
    """One row with ``first`` and ``last``: the days in UTC, as ISO text, of the moments in between; null without any.

    As text because a sentinel such as year 1 or 9999 may have a day for which Python has no date. It lies outside.
    """
    is_believed = F.col(moment).between(F.lit(start_of(earliest_day)), F.lit(latest))
    day = F.when(is_believed, F.col(moment).cast("date").cast("string"))
    return rows.agg(F.min(day).alias("first"), F.max(day).alias("last"))


def on_days(column: str, days: Sequence[str], around: int = 0) -> Column:
    """True on ``days`` (ISO form) and ``around`` them: named one by one where they are few and scattered."""
    if not days:
        return F.lit(False)
    if around or len(days) > _MOST_DAYS_NAMED:
        return within(column, days, around)
    return F.col(column).isin(*map(date.fromisoformat, days))


def within(column: str, days: Sequence[str], around: int = 0) -> Column:
    """True from the first of some days to the last, and ``around`` them."""
    whole = DayRange(date.fromisoformat(min(days)), date.fromisoformat(max(days)))
    return F.expr(whole.extended(before_days=around, after_days=around).predicate(column))
