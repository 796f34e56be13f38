"""Which series of a day have too little of their own to be modelled, and their forecasts by analogy."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.spark.persisted import Persisted
from jobs.forecast.analogies.announced import ANNOUNCED, start_of
from jobs.forecast.analogies.launches import calendar, cycle_of, lately, launches, numbered
from jobs.forecast.analogies.likeness import shared_names
from jobs.forecast.analogies.steps import ANALOGY, LAUNCHED, Terms, by_analogy
from jobs.forecast.demand.changes import DEMAND_CHANGES, demand_as_of
from jobs.forecast.demand.hours import OF_PERIOD, OF_SERIES, as_periods
from jobs.forecast.demand.inputs import History
from jobs.forecast.demand.series import (
    MODELLED,
    NEVER_SOLD,
    ONE_POINT,
    OTHER_RHYTHM,
    REPLACED,
    TOO_SHORT,
)
from jobs.forecast.demand.tables import SERIES
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from common.run.context import RunContext

NOT_SCORED = "no model could be scored"
NOTHING_SOLD = "nothing was ever sold"
# Their demand is that of others, none, or not of these periods.
_NO_LAUNCHES = (REPLACED, NEVER_SOLD, OTHER_RHYTHM)


def cold_starts(
    context: RunContext,
    history: History,
    weights: DataFrame,
    kept: Persisted,
    *,
    horizon: int,
    alike_by: Sequence[str] | None,
    fewest: int,
    most: int,
) -> DataFrame | None:
    """Forecasts by analogy of the series in ``history`` that no model has ``weights`` for; None where there are none.

    An announced series is always forecast; one with sales if its launch was seen and ``fewest`` others of its kind.
    """
    own = history.series.where(F.col("level").isNull())
    scored = weights.select("unique_id").distinct()
    short = F.col("reason").isin(ANNOUNCED, TOO_SHORT, ONE_POINT) | (F.col("status") == MODELLED)
    waiting = own.where(short).join(scored, "unique_id", "left_anti")
    waiting = waiting.select(
        "unique_id", "attributes", "starts_day", F.coalesce("reason", F.lit(NOT_SCORED)).alias("_why")
    )
    waiting = kept.keep(waiting)
    if waiting.isEmpty():
        return None
    periods = history.periods
    days = context.lake.read(SERIES, days=DayRange.single(history.as_of)).where(F.col("level").isNull())
    everything = as_periods(days, periods, OF_SERIES)
    earliest = everything.agg(F.min("first_ds").alias("first")).first()
    first = periods.named(history.first_ds if earliest is None or earliest["first"] is None else earliest["first"])
    spell = kept.keep(calendar(everything, periods, first, periods.plus(history.last_ds, horizon)))
    last = spell.count() - horizon - 1
    cycle = cycle_of(periods)
    longest = periods.fewest + 2 * horizon
    kinds = everything.where(F.col("reason").isNull() | ~F.col("reason").isin(*_NO_LAUNCHES))
    known = _known(context, history, first, spell).join(kinds.select("unique_id"), "unique_id", "left_semi")
    known = kept.keep(known)
    ages = longest + horizon
    seen = kept.keep(launches(known, last=last, ages=ages, cycle=cycle))
    like = lately(known, last=last, ages=ages, cycle=cycle) if seen.isEmpty() else seen
    analogues = like.join(kinds.select("unique_id", "attributes"), "unique_id", "inner")
    new = _announced(waiting, history, spell, last, horizon, cycle).unionByName(_begun(waiting, seen, longest))
    names = alike_by if alike_by is not None else [row["key"] for row in shared_names(everything).collect()]
    found = by_analogy(new, analogues, names, Terms(horizon, cycle, fewest, most))
    steps = spell.select((F.col("number") - last).cast("int").alias("step"), "ds").where(F.col("step") > 0)
    rows = found.join(waiting.select("unique_id", "_why"), "unique_id", "inner").select(
        "unique_id",
        "step",
        F.lit(ANALOGY).alias("model"),
        F.concat_ws("; ", "_why", "likeness").alias("fallback_reason"),
        "y_hat",
        "spread",
        *QUANTILES,
        F.lit(LAUNCHED).alias("calibrated_on"),
    )
    rows = kept.keep(rows)
    return rows.unionByName(_nothing(waiting, rows, steps)).join(F.broadcast(steps), "step", "inner")


def _known(context: RunContext, history: History, first: date, spell: DataFrame) -> DataFrame:
    periods = history.periods
    days = DayRange(periods.day(first), periods.day(history.last_ds))
    changes = context.lake.read(DEMAND_CHANGES, days=days).where(F.col("freq") == periods.freq)
    known = demand_as_of(as_periods(changes, periods, OF_PERIOD), history.as_of, periods)
    return numbered(known.where(F.col("ds") <= periods.literal(history.last_ds)), spell)


def _announced(
    waiting: DataFrame, history: History, spell: DataFrame, last: int, horizon: int, cycle: int
) -> DataFrame:
    """Those that wait for their start: as ``by_analogy`` takes them. What has begun without sales begins next."""
    begins = waiting.where(F.col("_why") == ANNOUNCED).withColumn("ds", start_of(history.periods))
    placed = begins.join(F.broadcast(spell), "ds", "left")
    later = F.col("ds") > history.periods.literal(history.last_ds)
    return placed.withColumn("waits", waits_of(later, last, horizon)).select(
        "unique_id",
        "attributes",
        F.pmod(F.lit(last + 1) + F.col("waits"), F.lit(cycle)).cast("int").alias("place"),
        "waits",
        F.array().cast("array<double>").alias("own"),
    )


def waits_of(is_later: Column, last: int, horizon: int) -> Column:
    """How many of the ``horizon`` periods after number ``last`` go by before an item begins in period ``number``.

    ``number`` is null for a period that is beyond the horizon (all go by, if it ``is_later`` than the last) or before
    the first (none).
    """
    inside = F.greatest(F.col("number") - last - 1, F.lit(0))
    beyond = F.when(is_later, horizon).otherwise(0)
    return F.when(F.col("number").isNotNull(), inside).otherwise(beyond).cast("int")


def _begun(waiting: DataFrame, seen: DataFrame, longest: int) -> DataFrame:
    """Those whose launch was seen, not longer ago than ``longest`` periods."""
    young = seen.where(F.col("lived") <= longest)
    return (
        waiting.where(F.col("_why") != ANNOUNCED)
        .join(young, "unique_id", "inner")
        .select(
            "unique_id",
            "attributes",
            F.col("place").cast("int").alias("place"),
            F.lit(0).alias("waits"),
            F.col("demand").alias("own"),
        )
    )


def _nothing(waiting: DataFrame, rows: DataFrame, steps: DataFrame) -> DataFrame:
    """Announced items of a lake in which nothing was sold that could be like them: zero."""
    lost = waiting.where(F.col("_why") == ANNOUNCED).join(rows.select("unique_id"), "unique_id", "left_anti")
    return lost.crossJoin(F.broadcast(steps.select("step"))).select(
        "unique_id",
        "step",
        F.lit("zero").alias("model"),
        F.concat_ws("; ", "_why", F.lit(NOTHING_SOLD)).alias("fallback_reason"),
        F.lit(0.0).alias("y_hat"),
        F.lit(1.0).alias("spread"),
        *(F.lit(0.0).alias(name) for name in QUANTILES),
        F.lit(NOTHING_SOLD).alias("calibrated_on"),
    )
