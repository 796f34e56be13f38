"""What the jobs after history read: the series of one day and their demand as known then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.spark.persisted import Persisted
from jobs.forecast.demand.aggregates import summed_as_of
from jobs.forecast.demand.censoring import CENSORED, treated
from jobs.forecast.demand.changes import DEMAND_CHANGES, demand_as_of
from jobs.forecast.demand.hours import OF_PERIOD, OF_SERIES, as_periods
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.steps import on_grid
from jobs.forecast.demand.tables import SERIES

if TYPE_CHECKING:
    from common.run.context import RunContext


@dataclass(frozen=True)
class History:
    """The series of ``as_of`` (SERIES) up to the period ``last_ds``; how many series and periods of them there are.

    ``listed`` are all series of that day, also those that are left out.
    """

    as_of: date
    periods: Periods
    first_ds: date
    last_ds: date
    series: DataFrame
    series_count: int
    rows: int
    listed: DataFrame
    has_aggregates: bool = False
    has_stock_outs: bool = False

    @property
    def days(self) -> DayRange:
        """The days named by the first and last period: where their demand lies."""
        return DayRange(self.periods.day(self.first_ds), self.periods.day(self.last_ds))


def single_day(context: RunContext) -> date:
    """The run's as-of day. Raises UsageError FCT-003 for a range of days."""
    return day_of(context.days, context.job.name)


def day_of(days: DayRange, job: str) -> date:
    """The as-of day of a run of ``job``. Raises UsageError FCT-003 for a range of days."""
    if len(days) != 1:
        raise UsageError(
            "FCT-003",
            f"{job} works as of one day, not {days}.",
            remedy="Give --day, the last day of the history.",
        )
    return days.last


def no_series(as_of: date, *statuses: str) -> InputMissingError:
    """FCT-004: no series of ``as_of`` has one of ``statuses``."""
    return InputMissingError(
        "FCT-004",
        f"No series can be forecast as of {as_of}.",
        cause=f"forecast.series has none with the status {' or '.join(statuses)} for that day.",
        remedy="Run forecast.history up to that day; its report lists the reasons why series are left out.",
    )


def read_history(context: RunContext, *statuses: str, or_none: str = "") -> History:
    """History of the series with one of ``statuses``.

    Raises InputMissingError FCT-004 when there are none; with ``or_none`` only if none has that status either.
    """
    as_of = single_day(context)
    known = pooled(context.lake.read(SERIES, days=DayRange.single(as_of)))
    series = known.where(F.col("status").isin(*statuses))
    facts = (
        known.where(F.col("status").isin(*statuses, or_none))
        .agg(
            F.count_if(F.col("status").isin(*statuses)).alias("series"),
            F.count(F.lit(1)).alias("all"),
            F.coalesce(F.sum(F.when(F.col("status").isin(*statuses), F.col("periods"))), F.lit(0)).alias("rows"),
            # What is only announced has no periods yet.
            F.min(F.when(F.col("first_ds").isNotNull(), F.struct("first_ds", "first_hour"))).alias("first"),
            F.max(F.when(F.col("last_ds").isNotNull(), F.struct("last_ds", "last_hour"))).alias("last"),
            F.max("freq").alias("freq"),
            F.sum("censored_periods").alias("censored"),
            F.count("level").alias("aggregates"),
        )
        .first()
    )
    if facts is None or facts["first"] is None:
        raise no_series(as_of, *statuses)
    # Every series ends with the same period, so its weekday is that on which weeks begin.
    periods = Periods.named_by(facts["freq"], facts["last"]["last_ds"])
    first, last = (periods.at(facts[end][f"{end}_ds"], facts[end][f"{end}_hour"]) for end in ("first", "last"))
    series, listed = (as_periods(rows, periods, OF_SERIES) for rows in (series, known))
    counts = (facts["series"], facts["rows"])
    has = (facts["aggregates"] > 0, bool(facts["censored"]))
    return History(as_of, periods, first, last, series, *counts, listed, *has)


def pooled(series: DataFrame) -> DataFrame:
    """``series`` (SERIES) with the class of demand that errors are pooled by.

    Aggregates have classes of their own: what is summed over many series is smoother than any of them.
    """
    own = F.concat("demand_class", F.lit(" aggregate"))
    return series.withColumn("demand_class", F.when(F.col("level").isNull(), F.col("demand_class")).otherwise(own))


CORRECTED: Final = ("net", "later_on", "later_units")
"""Columns of ``demand_as_of`` that give a value before its corrections."""


def read_demand(
    context: RunContext, history: History, kept: Persisted, *, corrected_after: date | None = None
) -> DataFrame:
    """Demand of the series in ``history`` as known at the end of its day, from DEMAND_CHANGES; among what is ``kept``.

    ``unique_id, ds, y`` on the full grid, ``y`` null in a gap of a ready series; with ``corrected_after`` also
    CORRECTED (see ``demand_as_of``). Where there are stock-outs, ``y`` is treated for them, and there are also
    ``is_censored`` and ``sold``, what was sold. Raises InputMissingError FCT-011 for series whose changes are not
    there.
    """
    changes = context.lake.read(DEMAND_CHANGES, days=history.days)
    changes = as_periods(changes.where(F.col("freq") == history.periods.freq), history.periods, OF_PERIOD)
    whole = DayRange(history.first_ds, history.last_ds)
    if history.has_aggregates:
        changes = summed_as_of(changes, history.listed, history.as_of, whole, history.periods)
    known = demand_as_of(changes, history.as_of, history.periods, corrected_after=corrected_after)
    kinds = known.groupBy("unique_id").agg(F.max("is_series").alias("is_series"))
    births = history.series.select("unique_id", "first_ds").join(kinds, "unique_id", "left")
    births = births.withColumn("is_series", F.coalesce("is_series", F.lit(False)))
    extra: tuple[str, ...] = CORRECTED if corrected_after is not None else ()
    if history.has_stock_outs:
        grid = treated(on_grid(known, births, whole, history.periods, extra=(*extra, CENSORED)))
        grid = grid.withColumnsRenamed({"y": "sold", "y_treated": "y"})
        extra = (*extra, "is_censored", "sold")
    else:
        grid = on_grid(known, births, whole, history.periods, extra=extra)
    demand = kept.keep(grid.select("unique_id", "ds", "y", *extra))
    _check_demand(context, history, demand)
    return demand


def _check_demand(context: RunContext, history: History, demand: DataFrame) -> None:
    sold = "sold" if history.has_stock_outs else "y"
    sums = demand.groupBy("unique_id").agg(F.sum(sold).alias("now"), F.max(F.abs(sold)).alias("most"))
    found = (
        history.series.select("unique_id", "units")
        .join(sums, "unique_id", "left")
        .agg(
            F.count_if((F.col("units") != 0) & (F.coalesce("most", F.lit(0.0)) == 0)).alias("missing"),
            F.count_if(F.abs(F.col("units") - F.col("now")) > 1e-6).alias("other"),
        )
        .first()
    )
    if found is not None and found["missing"]:
        raise InputMissingError(
            "FCT-011",
            f"The demand of {found['missing']} series as of {history.as_of} is no longer known.",
            cause="forecast.demand_changes has nothing about their periods that was known by then.",
            remedy="Run forecast.history again over the days up to that day.",
        )
    if found is not None and found["other"]:
        context.log.warning(
            "the demand of %s series as of %s differs from what forecast.history saw: sales of these days came later, "
            "or it ran again with other parameters",
            found["other"],
            history.as_of,
        )
