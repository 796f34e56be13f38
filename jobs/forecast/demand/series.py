"""Classifies each series: its demand class, and whether it can be modelled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.demand.hours import OF_SERIES, as_stored
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.tables import SERIES

if TYPE_CHECKING:
    from jobs.forecast.demand.params import HistoryParams

MODELLED, FALLBACK, LEFT_OUT = "modelled", "fallback", "left out"
TOO_SHORT = "FCT-201 too few periods of history"
ONE_POINT = "FCT-202 a single period of history"
ALL_ZEROS = "FCT-203 no demand at all"
ENDED = "FCT-204 no demand for longer than its rhythm allows: ended"
BEYOND = "FCT-205 not among the most valuable series asked for"
NEGATIVE = "FCT-206 no value above zero"
NOT_BEGUN = "FCT-207 its first period is not over"
NEVER_SOLD = "FCT-208 given back and never sold"
OTHER_RHYTHM = "FCT-219 its values are of longer periods"
NO_VALUES = "FCT-209 no value of it has come for long"
REPLACED = "FCT-210 replaced by another series, which has its history"

# Syntetos, Boylan and Croston (2005), On the categorization of demand patterns, J. Oper. Res. Soc. 56.
ADI_LIMIT = 1.32
CV2_LIMIT = 0.49

_FEWEST_FOR_RHYTHM = 4


def profiles(grid: DataFrame) -> DataFrame:
    """One row a series of ``grid`` (columns of DEMAND): how long it is, its ADI and squared CV, its class, its rhythm.

    ADI is the number of open periods for each period with demand; CV2 the squared coefficient of variation (sample
    standard deviation) of demand where there is any. Closed periods count for neither; periods of which nothing is
    known (``y`` is null) count for nothing, ``periods`` included. A series of zeros is of the class that it comes
    nearest to: intermittent.

    ``demand_rhythm`` (structs as of ``is_over``) counts open periods and demand, ``value_rhythm`` all periods and those
    of which a value is known.
    """
    is_known = F.col("y").isNotNull()
    is_open = is_known & ~F.col("is_closed")
    has_demand = is_open & (F.col("y") > 0)
    size = F.when(has_demand, F.col("y"))
    series = Window.partitionBy("unique_id").orderBy("ds")
    numbered = grid.withColumns(
        {
            "_open": F.sum(is_open.cast("int")).over(series.rowsBetween(Window.unboundedPreceding, 0)),
            "_all": F.row_number().over(series),
        }
    )
    demand_at, value_at = F.when(has_demand, F.col("_open")), F.when(is_known, F.col("_all"))
    before = series.rowsBetween(Window.unboundedPreceding, -1)
    numbered = numbered.withColumns(
        {"_demand_before": F.max(demand_at).over(before), "_value_before": F.max(value_at).over(before)}
    )
    found = numbered.groupBy("unique_id", "freq").agg(
        F.min("ds").alias("first_ds"),
        F.max("ds").alias("last_ds"),
        F.max(F.when(has_demand, F.col("ds"))).alias("last_sale_ds"),
        F.count_if(is_known).alias("periods"),
        F.count_if(is_open).alias("open_periods"),
        F.count_if(has_demand).alias("demand_periods"),
        F.coalesce(F.sum("y"), F.lit(0.0)).alias("units"),
        F.avg(size).alias("_mean"),
        F.stddev_samp(size).alias("_sd"),
        _rhythm(demand_at, "_demand_before", "_open").alias("demand_rhythm"),
        _rhythm(value_at, "_value_before", "_all").alias("value_rhythm"),
    )
    adi = F.when(F.col("demand_periods") > 0, F.col("open_periods") / F.col("demand_periods"))
    cv2 = F.when(F.col("demand_periods") > 0, F.pow(F.coalesce(F.col("_sd"), F.lit(0.0)) / F.col("_mean"), 2.0))
    is_zero = (F.col("demand_periods") == 0) & (F.col("periods") > 0) & (F.col("units") == 0)
    described = found.withColumns({"adi": adi, "cv2": cv2})
    class_ = F.when(is_zero, "intermittent").otherwise(demand_class(F.col("adi"), F.col("cv2")))
    return described.withColumn("demand_class", class_).drop("_mean", "_sd")


def _rhythm(place: Column, before: str, number: str) -> Column:
    return F.struct(
        F.count(place).alias("times"),
        (F.max(place) - F.min(place) + 1).alias("span"),
        F.max(place - F.col(before) - 1).alias("longest"),
        F.min(place - F.col(before) - 1).alias("shortest"),
        (F.max(number) - F.max(place)).alias("silence"),
    )


def demand_class(adi: Column, cv2: Column) -> Column:
    """``smooth``, ``erratic``, ``intermittent`` or ``lumpy``; null without any demand."""
    return (
        F.when((adi < ADI_LIMIT) & (cv2 < CV2_LIMIT), "smooth")
        .when(adi < ADI_LIMIT, "erratic")
        .when(cv2 < CV2_LIMIT, "intermittent")
        .when(adi.isNotNull(), "lumpy")
    )


def is_over(rhythm: str, *, least: int, chance: float) -> Column:
    """Whether what has this ``rhythm`` has ended, so that nothing of it is to be expected any more.

    ``rhythm`` is the name of a struct: how many ``times`` it came within the ``span`` of periods from the first to the
    last time, the ``longest`` number of periods without it in between (null: it came once), and the ``silence``, the
    number of periods since.

    It has ended when the silence is at least ``least`` and longer than any before, and (1 - p) ** silence < ``chance``
    with p = (times - 1) / (span + 1). That is Croston's model (1972, Forecasting and stock control for intermittent
    demands, Operational Research Quarterly 23): what comes in each period with the probability p has geometric
    intervals. The first time only begins the span, and two periods without are added to it, so that few times do not
    make a rhythm: after a single one p is 0 and nothing has ended, after two it takes about five times their interval.
    """
    times, span, silence = (F.col(f"{rhythm}.{name}") for name in ("times", "span", "silence"))
    p = (times - 1) / (span + 1)
    is_longest = silence > F.coalesce(F.col(f"{rhythm}.longest"), F.lit(0))
    return F.coalesce((silence >= least) & is_longest & (F.pow(1 - p, silence) < chance), F.lit(False))


def is_of_longer_periods(rhythm: str) -> Column:
    """Whether values with this ``rhythm`` (see ``profiles``) are those of longer periods, such as months among weeks.

    Never two of them in a row, and about equally far apart: on average at most half as far again as the nearest two.
    A series that leaves out its zeros has no such rhythm.
    """
    times, span, shortest = (F.col(f"{rhythm}.{name}") for name in ("times", "span", "shortest"))
    between = (span - times) / (times - 1)
    is_even = (times >= _FEWEST_FOR_RHYTHM) & (shortest >= 1) & (between <= 1.5 * shortest)
    return F.coalesce(is_even, F.lit(False))


def judged_series(
    profile: DataFrame,
    facts: DataFrame,
    *,
    as_of: date,
    min_periods: int,
    ended_after_periods: int,
    ended_chance: float,
    max_series: int,
) -> DataFrame:
    """``profile`` with ``status`` and ``reason``, as columns of SERIES.

    ``facts`` has ``unique_id, item_name, value``, maybe ``level`` and ``attributes``. With ``max_series`` above zero
    only the most valuable series (by value, then units, then name) are forecast. Series that are too short, a single
    point, or without any value above zero are forecast by a fallback; those whose demand or whose values have ended
    (``is_over``), whose values are of longer periods, and those beyond ``max_series`` are left out. Aggregates, which
    have a ``level``, do not count for ``max_series``.
    """
    rows = profile.join(facts, "unique_id", "left").withColumn("value", F.coalesce("value", F.lit(0.0)))
    for name in ("level", "attributes", "censored_periods"):
        if name not in rows.columns:
            rows = rows.withColumn(name, F.lit(None).cast(SERIES.schema[name].dataType))
    ended, gone = (
        is_over(rhythm, least=ended_after_periods, chance=ended_chance) for rhythm in ("demand_rhythm", "value_rhythm")
    )
    judged = {
        "_has_ended": ended,
        "_is_gone": gone | (F.col("periods") == 0),
        "_is_longer": is_of_longer_periods("value_rhythm"),
    }
    rows = rows.withColumns(judged)
    if max_series:
        chosen = (
            rows.where(F.col("level").isNull() & ~F.col("_has_ended") & ~F.col("_is_gone") & ~F.col("_is_longer"))
            .orderBy(F.col("value").desc(), F.col("units").desc(), F.col("unique_id"))
            .limit(max_series)
            .select("unique_id", F.lit(True).alias("_is_chosen"))
        )
        rows = rows.join(chosen, "unique_id", "left")
    else:
        rows = rows.withColumn("_is_chosen", F.lit(True))
    reason = (
        F.when(F.col("_is_longer"), OTHER_RHYTHM)
        .when(F.col("_is_gone"), NO_VALUES)
        .when(F.col("_has_ended"), ENDED)
        .when(F.col("_is_chosen").isNull() & F.col("level").isNull(), BEYOND)
        .when((F.col("demand_periods") == 0) & (F.col("units") < 0), NEGATIVE)
        .when(F.col("demand_periods") == 0, ALL_ZEROS)
        .when(F.col("periods") == 1, ONE_POINT)
        .when(F.col("periods") < min_periods, TOO_SHORT)
    )
    status = (
        F.when(F.col("reason").isNull(), MODELLED)
        .when(F.col("reason").isin(OTHER_RHYTHM, NO_VALUES, ENDED, BEYOND), LEFT_OUT)
        .otherwise(FALLBACK)
    )
    described = rows.withColumn("reason", reason).withColumn("status", status).withColumn("as_of_date", F.lit(as_of))
    described = as_stored(described, OF_SERIES).withColumn("last_sale_ds", F.to_date("last_sale_ds"))
    described = described.withColumns(
        {"replaced_by": F.lit(None).cast("string"), "starts_day": F.lit(None).cast("date")}
    )
    return described.select(*SERIES.schema.names)


@dataclass(frozen=True)
class Rules:
    """How the series of a run are judged: the arguments of ``judged_series``, and the calendar."""

    periods: Periods
    as_of: date
    min_periods: int
    ended_after_periods: int
    ended_chance: float
    max_series: int

    @classmethod
    def of(cls, params: HistoryParams, periods: Periods, as_of: date) -> Rules:
        """The rules that ``params`` set, with the usual ones of the frequency where they set none."""
        fewest, silence = params.min_periods or periods.fewest, params.ended_after_periods or periods.least_silence
        return cls(periods, as_of, fewest, silence, params.ended_chance, params.max_series)

    def judged(self, profile: DataFrame, facts: DataFrame) -> DataFrame:
        """``judged_series`` by these rules."""
        return judged_series(
            profile,
            facts,
            as_of=self.as_of,
            min_periods=self.min_periods,
            ended_after_periods=self.ended_after_periods,
            ended_chance=self.ended_chance,
            max_series=self.max_series,
        )


def not_begun(births: DataFrame, last_ds: date, periods: Periods, *, as_of: date) -> DataFrame:
    """The series of ``births`` (unique_id, first_ds) that begin after ``last_ds``, as columns of SERIES."""
    return _without_demand(births.where(F.col("first_ds") > periods.literal(last_ds)), NOT_BEGUN, periods, as_of)


def never_sold(counted: DataFrame, births: DataFrame, periods: Periods, *, as_of: date) -> DataFrame:
    """The series of the lines ``counted`` that are not among ``births``, as columns of SERIES."""
    names = counted.select("unique_id").distinct().join(births.select("unique_id"), "unique_id", "left_anti")
    return _without_demand(names, NEVER_SOLD, periods, as_of)


def replaced(old: DataFrame, periods: Periods, *, as_of: date) -> DataFrame:
    """The series ``old`` (unique_id, replaced_by), whose demand belongs to others, as columns of SERIES."""
    return _without_demand(old, REPLACED, periods, as_of)


def _without_demand(names: DataFrame, reason: str, periods: Periods, as_of: date) -> DataFrame:
    known = {
        "as_of_date": F.lit(as_of),
        "freq": F.lit(periods.freq),
        "status": F.lit(LEFT_OUT),
        "reason": F.lit(reason),
    }
    zero = dict.fromkeys(("periods", "open_periods", "demand_periods", "units", "value"), F.lit(0))
    given: dict[str, Column] = {**known, **zero}
    given |= {name: F.col(name) for name in ("unique_id", "replaced_by") if name in names.columns}
    return names.select(
        *(given.get(item.name, F.lit(None)).cast(item.dataType).alias(item.name) for item in SERIES.schema)
    )
