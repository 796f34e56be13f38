"""What was known at each review of the replayed periods: forecasts of what came, and errors made before.

Orders of a period follow the last origin before it, whose forecasts age until the next origin: a review ``age`` periods
after its origin looks at the steps from ``age`` + 1 on. Where these end before the time that an order must last, the
season before stands for them, or their mean where the horizon holds no season. The earliest origin is not replayed:
nothing was known of errors then. It only calibrates the others, where the plain mean of all models stands for
``combined``, whose shares nobody knew yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.spark.few_rows import few_rows
from jobs.forecast.demand.periods import Periods
from jobs.forecast.orders.levels import ORDERS_UP_TO, OUTCOMES, REORDER_POINTS
from jobs.forecast.orders.policy import Policy
from jobs.forecast.trials.calibration import spread_column
from jobs.forecast.trials.weights import COMBINED, as_known, equally_combined


@dataclass(frozen=True)
class Timeline:
    """The origins of the backtest (the earliest first), its horizon and season; and the periods that are replayed."""

    cutoffs: tuple[date, ...]
    horizon: int
    season: int
    periods: Periods

    @property
    def replayed(self) -> tuple[date, ...]:
        """The origins by which is ordered: all but the earliest."""
        return self.cutoffs[1:]

    def moments(self) -> list[tuple[date, int, int, int]]:
        """(origin, age, number of the period within its block, block) of each period: blocks have gaps between them."""
        found: list[tuple[date, int, int, int]] = []
        number = block = 0
        for origin, following in zip(self.replayed, (*self.replayed[1:], None), strict=True):
            is_followed = False
            for age in range(self.horizon):
                if following is not None and self.periods.plus(origin, age) >= following:
                    is_followed = True
                    break
                found.append((origin, age, number, block))
                number += 1
            if following is not None and not is_followed and self.periods.plus(origin, self.horizon) < following:
                number, block = 0, block + 1
        return found

    @property
    def longest_block(self) -> int:
        """Periods in a row."""
        return max(number + 1 for _, _, number, _ in self.moments())

    @property
    def ages(self) -> int:
        """How many ages a forecast reaches."""
        return 1 + max(age for _, age, _, _ in self.moments())

    def step_of(self, age: int, length: int) -> int:
        """The first step of the errors that calibrate a sum of ``length`` periods: the last ones within the horizon."""
        return max(1, min(age, self.horizon - length) + 1)

    def year_share(self) -> float:
        """A period as a part of a year."""
        first = self.cutoffs[0]
        return (self.periods.plus(first, 12) - first).total_seconds() / (12 * 86_400 * 365.25)


def forecasts_at(
    backtests: DataFrame, methods: Sequence[str], timeline: Timeline, *, longest: int, stand_in: str
) -> DataFrame:
    """One row for each series, replayed period and method: what the method forecast of what came then.

    ``unique_id, method, model, cutoff, age, number, block, y, spread, path``: ``path`` are the forecasts of the steps
    from the origin on, ``longest`` beyond the horizon; ``model`` is that of ``stand_in`` (or combined) where the method
    could not forecast the series. A series takes part from each origin with combined forecasts.
    """
    steps = F.map_from_entries(F.collect_list(F.struct("step", "y_hat")))
    truth = F.map_from_entries(F.collect_list(F.struct("step", "y")))
    replayed = backtests.where(F.col("cutoff").isin(*map(timeline.periods.literal, timeline.replayed)))
    rows = replayed.groupBy("unique_id", "cutoff", "model").agg(
        steps.alias("_steps"),
        truth.alias("_y"),
        F.avg("y_hat").alias("_mean"),
        F.first(F.coalesce(spread_column(), F.lit(1.0))).alias("spread"),
    )
    paths = rows.withColumn("path", _extended(timeline, longest))
    one = F.struct("model", F.struct("model", "path", "spread").alias("made"))
    by_model = paths.groupBy("unique_id", "cutoff").agg(
        F.map_from_entries(F.collect_list(one)).alias("_made"),
        F.first(F.when(F.col("model") == COMBINED, F.col("_y")), ignorenulls=True).alias("_y"),
    )
    asked = by_model.where(F.col("_y").isNotNull())
    asked = asked.withColumn("method", F.explode(F.array(*(F.lit(name) for name in methods))))
    made = F.coalesce(
        *(F.try_element_at("_made", name) for name in (F.col("method"), F.lit(stand_in), F.lit(COMBINED)))
    )
    moments = few_rows(
        backtests.sparkSession,
        timeline.moments(),
        f"cutoff {timeline.periods.sql_type}, age int, number int, block int",
    )
    found = asked.withColumn("_made", made).join(F.broadcast(moments), "cutoff", "inner")
    return found.select(
        "unique_id",
        "method",
        "_made.model",
        "cutoff",
        "age",
        "number",
        "block",
        F.try_element_at("_y", F.col("age") + 1).alias("y"),
        "_made.spread",
        "_made.path",
    )


def counted_series(backtests: DataFrame, facts: DataFrame, timeline: Timeline, *, review_periods: int) -> DataFrame:
    """``unique_id`` of the series of which a replay must count something, by what there is to be replayed alone.

    ``facts`` (unique_id, lead_time_periods) are the series whose lead time can be replayed. A series takes part in a
    block from its first origin with combined forecasts on, and counts once goods ordered then have come and
    ``review_periods`` reviews have passed, in periods of known demand.
    """
    moments = few_rows(
        backtests.sparkSession,
        timeline.moments(),
        f"cutoff {timeline.periods.sql_type}, age int, number int, block int",
    )
    made = backtests.where(F.col("model") == COMBINED)
    origins = made.select("unique_id", "cutoff").distinct().join(F.broadcast(moments), "cutoff", "inner")
    begins = origins.groupBy("unique_id", "block").agg(F.min("number").alias("_begins"))
    known = made.where(F.col("y").isNotNull()).select("unique_id", "cutoff", (F.col("step") - 1).alias("age"))
    ends = (
        known.join(F.broadcast(moments), ["cutoff", "age"], "inner")
        .groupBy("unique_id", "block")
        .agg(F.max("number").alias("_last"))
    )
    spans = begins.join(ends, ["unique_id", "block"], "inner")
    whole = spans.join(facts.select("unique_id", "lead_time_periods"), "unique_id", "inner")
    first = F.col("_begins") + F.col("lead_time_periods") + F.lit(max(review_periods - 1, 0))
    return whole.where(F.col("_last") >= first).select("unique_id").distinct()


def _extended(timeline: Timeline, longest: int) -> Column:
    """Forecasts of the horizon and beyond; a step without one (of a period nobody knows) is that of the mean."""
    horizon, season = timeline.horizon, timeline.season

    def forecast(step: Column) -> Column:
        back = F.lit(horizon - season + 1) + F.pmod(step - (horizon + 1), F.lit(season))
        beyond = back if season <= horizon else F.lit(None).cast("int")
        source = F.when(step <= horizon, step).otherwise(beyond)
        return F.coalesce(F.try_element_at("_steps", source), F.col("_mean"))

    return F.transform(F.sequence(F.lit(1), F.lit(horizon + longest)), forecast)


def with_demand_ahead(rows: DataFrame, policy: Policy, timeline: Timeline) -> DataFrame:
    """``rows`` of ``forecasts_at`` (with lead_time_periods) with what ``with_levels`` of the orders asks for."""
    lead = F.col("lead_time_periods")
    length = lead + policy.review_periods if policy.is_periodic else lead

    def ahead(periods: Column) -> Column:
        return F.aggregate(F.slice("path", F.col("age") + 1, periods), F.lit(0.0), lambda total, units: total + units)

    step = F.greatest(F.lit(1), F.least(F.col("age"), F.lit(timeline.horizon) - length) + 1)
    return rows.withColumns(
        {
            "length": length.cast("int"),
            "step": step.cast("int"),
            "covered_demand": ahead(length),
            "review_demand": ahead(F.lit(policy.review_periods)),
        }
    ).drop("path")


def moved_levels(rows: DataFrame, fresh: DataFrame) -> DataFrame:
    """``rows`` (see ``with_demand_ahead``) with the levels of ``fresh``, those of age 0 of each series, method, origin.

    Levels and outcomes of a later age differ by as much as the demand that they cover, and are never below zero.
    """
    keys = ("unique_id", "method", "cutoff")
    names = (REORDER_POINTS, ORDERS_UP_TO, OUTCOMES)
    known = fresh.select(*keys, *names, F.col("covered_demand").alias("_covered"))
    moved = rows.join(known, list(keys), "inner")
    more = F.col("covered_demand") - F.col("_covered")
    return moved.withColumns(
        {name: F.transform(name, lambda units: F.greatest(units + more, F.lit(0.0))) for name in names}
    ).drop("_covered")


def paths_of(timeline: Timeline, policies: Iterable[Policy], lead_times: Iterable[int]) -> list[tuple[int, int]]:
    """(first step, length) of all sums of errors that the reviews ask for."""
    found: set[tuple[int, int]] = set()
    leads = sorted(set(lead_times))
    for policy in policies:
        for lead in leads:
            length = lead + (policy.review_periods if policy.is_periodic else 0)
            steps = {timeline.step_of(age, length) for age in range(timeline.ages)}
            found |= {(step, length) for step in steps}
            if policy.is_costed:
                found |= {(step, policy.review_periods) for step in steps}
    return sorted(found)


def known_errors(
    backtests: DataFrame,
    corrections: DataFrame,
    classes: DataFrame,
    timeline: Timeline,
    paths: Sequence[tuple[int, int]],
) -> DataFrame:
    """Errors summed along ``paths`` as they were known at each replayed origin, named ``cutoff``; see ``with_levels``.

    Only the periods up to that origin count, with demand as it was known at its end. ``corrections`` as for
    ``as_known``; ``classes`` is unique_id, demand_class.
    """
    wanted = ("unique_id", "model", "cutoff", "ds", "step", "y", "y_hat", "scale_mae", "scale_mse", "spread")
    rows = backtests.select(*wanted)
    is_earliest, is_combined = (
        F.col("cutoff") == timeline.periods.literal(timeline.cutoffs[0]),
        F.col("model") == COMBINED,
    )
    first = rows.where(is_earliest & ~is_combined)
    rows = rows.where(~(is_earliest & is_combined)).unionByName(equally_combined(first).select(*wanted))
    uses = [
        (cutoff, origin, timeline.periods.last_day(origin))
        for origin in timeline.replayed
        for cutoff in timeline.cutoffs
        if cutoff < origin
    ]
    known = as_known(rows, corrections, uses).where(F.col("ds") <= F.col("use"))
    error = F.struct("step", ((F.col("y") - F.col("y_hat")) / spread_column()).alias("e"))
    of_path = known.groupBy("unique_id", "model", "cutoff", "use").agg(
        F.map_from_entries(F.collect_list(error)).alias("_errors")
    )
    asked = few_rows(backtests.sparkSession, list(paths), "step int, length int")
    steps = F.sequence(F.col("step"), F.col("step") + F.col("length") - 1)
    # A period that is not over yet, or of which nothing is known, makes the whole sum null.
    total = F.aggregate(steps, F.lit(0.0), lambda sum_, step: sum_ + F.try_element_at("_errors", step))
    sums = of_path.crossJoin(F.broadcast(asked)).select(
        "unique_id", "model", F.col("use").alias("cutoff"), "step", "length", total.alias("r")
    )
    return sums.where(F.col("r").isNotNull()).join(classes, "unique_id", "inner")
