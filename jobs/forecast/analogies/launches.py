"""Launches that a lake has seen: the first periods of each series that was not on sale before, as known on a day.

A series that sells in the lake's first period was born before it, nobody knows when. One that begins a little later
may only have been silent: its launch counts as seen if the silence before it was longer than any since.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.demand.periods import Periods

# A cycle that a life of a few weeks can tell from age; a year cannot be.
_CYCLES: Final = {"H": 24, "D": 7}


def cycle_of(periods: Periods) -> int:
    """Periods of the cycle whose places differ: a day of hours, a week of days, otherwise one."""
    return _CYCLES.get(periods.freq, 1)


def calendar(of: DataFrame, periods: Periods, first: date, last: date) -> DataFrame:
    """``number, ds``: the periods from ``first`` (0) to ``last``, in the session of ``of``; few enough to broadcast."""
    days = F.sequence(periods.literal(first), periods.literal(last), F.expr(periods.step_sql))
    return of.sparkSession.range(1).select(F.posexplode(days).alias("number", "ds"))


def numbered(known: DataFrame, days: DataFrame) -> DataFrame:
    """``known`` (``demand_as_of``) with the ``number`` of each period; ``y`` null where it was out of stock."""
    y = F.when(F.col("censored").isNull(), F.col("y"))
    return known.join(F.broadcast(days), "ds", "inner").select("unique_id", "number", "is_series", y.alias("y"))


def launches(known: DataFrame, *, last: int, ages: int, cycle: int) -> DataFrame:
    """``unique_id, born, lived, place, demand`` of the launches in ``known`` (``numbered``), which ends with ``last``.

    ``born`` is the number of the first period with a sale, ``lived`` how many periods there are since, ``place`` that
    of the first in the ``cycle``, ``demand`` the units of the first ``ages`` of them: null where nothing is known.
    """
    sold = known.where(F.col("y") > 0)
    series = Window.partitionBy("unique_id").orderBy("number")
    gap = F.col("number") - F.lag("number").over(series) - 1
    births = (
        sold.withColumn("_gap", gap)
        .groupBy("unique_id")
        .agg(F.min("number").alias("born"), F.coalesce(F.max("_gap"), F.lit(0)).alias("_silence"))
        .where(F.col("born") > F.col("_silence"))
    )
    negative = known.where(F.col("y") < 0).select("unique_id")
    return _lives(known.join(negative, "unique_id", "left_anti"), births, last=last, ages=ages, cycle=cycle)


def lately(known: DataFrame, *, last: int, ages: int, cycle: int) -> DataFrame:
    """The last ``ages`` periods of each series in ``known``, as ``launches``: what stands in where none was seen."""
    births = known.where(F.col("y") > 0).groupBy("unique_id").agg(F.min("number").alias("_first"))
    begin = F.greatest(F.col("_first"), F.lit(last - ages + 1))
    births = births.select("unique_id", begin.alias("born"))
    negative = known.where(F.col("y") < 0).select("unique_id")
    return _lives(known.join(negative, "unique_id", "left_anti"), births, last=last, ages=ages, cycle=cycle)


def _lives(known: DataFrame, births: DataFrame, *, last: int, ages: int, cycle: int) -> DataFrame:
    age = F.col("number") - F.col("born")
    young = known.join(births.select("unique_id", "born"), "unique_id", "inner").where((age >= 0) & (age < ages))
    found = young.groupBy("unique_id", "born").agg(
        F.max("is_series").alias("_is_series"), F.map_from_entries(F.collect_list(F.struct(age, "y"))).alias("_by_age")
    )
    lived = F.lit(last) - F.col("born") + 1
    lives = F.transform(F.sequence(F.lit(0), F.least(lived, F.lit(ages)) - 1), _demand_at)
    return found.select(
        "unique_id",
        "born",
        lived.alias("lived"),
        F.pmod(F.col("born"), F.lit(cycle)).alias("place"),
        lives.alias("demand"),
    )


def _demand_at(age: Column) -> Column:
    """A period without a row is zero demand, but of a ready series unknown."""
    is_there = F.col("_is_series") | F.array_contains(F.map_keys("_by_age"), age)
    return F.when(is_there, F.try_element_at("_by_age", age)).otherwise(F.lit(0.0))
