"""Whether the calendars reach as far as the forecasts, from every origin, as they were known at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from common.errors import UsageError
from common.report.wording import plural
from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.declared import PRICE


def ends_of_calendars(
    entries: DataFrame, series: DataFrame, periods: Periods, cutoffs: Sequence[date], horizon: int
) -> DataFrame:
    """``name``, and for each of ``cutoffs`` ``_0``, ``_0_known`` and so on: how many calendars end early, are known.

    A calendar, as known at the end of a cutoff, ends early when it ends before the horizon from there. ``entries`` as
    ``scoped`` gives them. The calendar of a name ends with its last entry for whatever series, that of prices with the
    last one of each series (unique_id in ``series``) that has any: one without keeps its last price.
    """
    needed = [_needed(periods, cutoff, horizon) for cutoff in cutoffs]
    ends_early = {
        f"_{n}": F.max(F.when(F.col("known_on") <= F.lit(known), F.col("last_day"))) < F.lit(end)
        for n, (known, end) in enumerate(needed)
    }
    early = [found.alias(name) for name, found in ends_early.items()]
    planned = entries.where(F.col("name") != PRICE).withColumn("unique_id", F.lit(None).cast("string"))
    prices = entries.where(F.col("name") == PRICE)
    of_all = prices.where("unique_id IS NULL").drop("unique_id").crossJoin(series.select("unique_id"))
    own = prices.where("unique_id IS NOT NULL").join(series.select("unique_id"), "unique_id", "left_semi")
    calendars = planned.unionByName(own).unionByName(of_all).groupBy("name", "unique_id").agg(*early)
    counts = [F.count_if(name).alias(name) for name in ends_early]
    known = [F.count(name).alias(f"{name}_known") for name in ends_early]
    return calendars.groupBy("name").agg(*counts, *known).orderBy("name")


def check_ends(found: Iterable[Row], periods: Periods, cutoffs: Sequence[date], horizon: int) -> None:
    """Raises UsageError FCT-072 when a calendar among ``found`` (rows of ``ends_of_calendars``) ends early."""
    for row in found:
        for n, cutoff in enumerate(cutoffs):
            if row[f"_{n}"] or not row[f"_{n}_known"]:
                raise _too_short(row["name"], row[f"_{n}"], cutoff, *_needed(periods, cutoff, horizon))


def _needed(periods: Periods, cutoff: date, horizon: int) -> tuple[date, date]:
    """The last day known at a cutoff, and the last one that is forecast from it."""
    return periods.last_day(cutoff), periods.last_day(periods.plus(cutoff, horizon))


def _too_short(name: str, series: int, cutoff: date, known: date, end: date) -> UsageError:
    of = f" of {plural(series, 'series')}" if name == PRICE and series else ""
    return UsageError(
        "FCT-072",
        f"The calendar of {name}{of}, as known on {known}, ends before {end}, the end of the forecast from {cutoff}.",
        cause="What is known_ahead must be there for every period that is forecast, from every origin of the backtest. "
        "Nothing says whether nothing is planned after the last entry, or the plan ends there.",
        remedy="Send an entry with the value 0 up to the day to which the plan reaches, with its own known_at; or use "
        "a shorter horizon or fewer windows, or declare the regressor as lagged.",
    )
