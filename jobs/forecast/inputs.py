"""What the jobs after history read: the series of one day and their demand as of then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from jobs.forecast.periods import Periods
from jobs.forecast.tables import DEMAND, SERIES

if TYPE_CHECKING:
    from common.context import RunContext


@dataclass(frozen=True)
class History:
    """The series of ``as_of`` (SERIES), their demand (DEMAND) up to ``last_ds``, and how many of both there are."""

    as_of: date
    periods: Periods
    last_ds: date
    series: DataFrame
    demand: DataFrame
    series_count: int
    rows: int


def single_day(context: RunContext) -> date:
    """The day as of which the run works. Raises UsageError FCT-003 for a range of days."""
    if len(context.days) != 1:
        raise UsageError(
            "FCT-003",
            f"{context.job.name} works as of one day, not of {context.days}.",
            remedy="Give --day, the last day of the history.",
        )
    return context.days.last


def read_history(context: RunContext, *statuses: str) -> History:
    """History of the series with one of ``statuses``. Raises InputMissingError FCT-004 when there are none."""
    as_of = single_day(context)
    series = context.lake.read(SERIES, days=DayRange.single(as_of)).where(F.col("status").isin(*statuses))
    facts = series.agg(
        F.count(F.lit(1)).alias("series"),
        F.sum("periods").alias("rows"),
        F.max("last_ds").alias("last_ds"),
        F.max("freq").alias("freq"),
    ).first()
    if facts is None or not facts["series"]:
        raise InputMissingError(
            "FCT-004",
            f"No series can be forecast as of {as_of}.",
            cause=f"forecast.series holds none with the status {' or '.join(statuses)} for that day.",
            remedy="Run forecast.history up to that day; its report lists why series are left out.",
        )
    keys = series.select("unique_id", "first_ds", "last_ds")
    demand = context.lake.read(DEMAND).join(keys, "unique_id", "inner")
    demand = demand.where(F.col("ds").between(F.col("first_ds"), F.col("last_ds"))).drop("first_ds", "last_ds")
    periods = Periods(facts["freq"])
    return History(as_of, periods, facts["last_ds"], series, demand, facts["series"], facts["rows"])
