"""Hours in the tables of the family: a DATE and the hour of the day, so that tables of days keep their columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampNTZType

from jobs.forecast.demand.periods import Periods

OF_PERIOD: Final[Mapping[str, str]] = {"ds": "hour"}
OF_TRIAL: Final[Mapping[str, str]] = {"ds": "hour", "cutoff": "cutoff_hour"}
OF_SERIES: Final[Mapping[str, str]] = {"first_ds": "first_hour", "last_ds": "last_hour"}
"""Columns of periods, and those that hold the hour of the day of each in a table."""


def as_stored(rows: DataFrame, columns: Mapping[str, str]) -> DataFrame:
    """``rows`` as a table has them: each period in ``columns`` a DATE, its hour beside it (0 but for hours)."""
    parts: dict[str, Column] = {}
    for name, hour in columns.items():
        if rows.schema[name].dataType == TimestampNTZType():
            parts |= {hour: F.hour(name), name: F.to_date(name)}
        else:
            parts[hour] = F.when(F.col(name).isNotNull(), 0)
    return rows.withColumns(parts)


def as_periods(rows: DataFrame, periods: Periods, columns: Mapping[str, str]) -> DataFrame:
    """``rows`` of a table with the periods in ``columns`` put together again; the columns of hours are gone."""
    if periods.freq == "H":
        rows = rows.withColumns({name: moment_of(name, hour) for name, hour in columns.items()})
    return rows.drop(*columns.values())


def without_hours(lines: DataFrame) -> DataFrame:
    """One row about the rows of SALES without ``sold_hour``: ``dates``, which have no time of day, and ``older``.

    An earlier release did not keep the hour of any line; a value of a ready series always has one.
    """
    has_minutes = F.pmod(F.unix_seconds("sold_at"), F.lit(900)) != 0
    is_older = F.col("is_series") | has_minutes
    return lines.where(F.col("sold_hour").isNull()).agg(
        F.count_if(is_older).alias("older"), F.count_if(~is_older).alias("dates")
    )


def moment_of(day: str, hour: str) -> Column:
    """The TIMESTAMP_NTZ of a DATE column and a column of hours, whose null is 0."""
    return F.col(day).cast("timestamp_ntz") + F.make_dt_interval(hours=F.coalesce(hour, F.lit(0)))
