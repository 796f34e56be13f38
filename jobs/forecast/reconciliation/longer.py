"""Forecasts of longer periods: the sums of the periods within them, with quantiles of these sums.

Days nest in weeks and months, months in quarters and years; weeks do not nest in months. A week that lies in two months
is divided by its days: with three of them in the first, three sevenths. The first and the last of the longer periods
may hold only part of their days, and then say so.

Quantiles do not add up, errors do: those of the backtest are summed along each path from an origin, step by step as
the forecast is, and calibrate the sum as errors of single steps calibrate a step (jobs/forecast/trials/calibration.py).
An item that is forecast by analogy has made no errors yet, and sells well or badly in all of its periods together: the
quantiles of its sums are the sums of its quantiles (jobs/forecast/analogies/sums.py).
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.forecast.analogies.steps import ANALOGY, LAUNCHED
from jobs.forecast.demand.periods import WEEKDAYS, Periods
from jobs.forecast.forecasts.steps import calibrated_as
from jobs.forecast.reconciliation.tables import LONGER
from jobs.forecast.trials.calibration import NORMAL, POOLED_ON, at_level, sampled_of, spread_column, with_offsets
from jobs.forecast.trials.residuals import of_published
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    from jobs.forecast.reconciliation.params import LongerFrequency, ReconcileParams

LONGER_THAN: Final[dict[str, tuple[LongerFrequency, ...]]] = {
    "H": ("D", "W", "M", "Q", "Y"),
    "D": ("W", "M", "Q", "Y"),
    "W": ("M", "Q", "Y"),
    "M": ("Q", "Y"),
    "Q": ("Y",),
    "Y": (),
}
"""The frequencies whose periods are longer than those of a frequency."""

DAYS_IN_A_WEEK: Final = 7
_MONTHS: Final = {"M": 1, "Q": 3, "Y": 12}


def calendar(params: ReconcileParams, forecasts: DataFrame) -> DataFrame:
    """Which steps of ``forecasts`` (FORECASTS of a day) each of the longer periods sums, a row for each pair.

    ``freq, ds`` name the longer period and ``number`` counts it; ``step, days, of_days``: it has ``days`` of the
    ``of_days`` days of the step, of which there are ``periods`` in all, and has all its own if it ``is_whole``.
    """
    steps = forecasts.select("freq", "step", "ds").distinct()
    found = reduce(DataFrame.unionByName, [_within(steps, freq, params) for freq in params.temporal])
    whole = Window.partitionBy("freq", "ds")
    in_order = Window.partitionBy("freq").orderBy("ds")
    return found.select(
        "freq",
        "ds",
        F.dense_rank().over(in_order).alias("number"),
        "step",
        "days",
        "of_days",
        F.count(F.lit(1)).over(whole).cast("int").alias("periods"),
        (F.sum("_hours").over(whole) == F.col("_length") * 24).alias("is_whole"),
    )


def _within(steps: DataFrame, freq: LongerFrequency, params: ReconcileParams) -> DataFrame:
    longer = Periods(freq, WEEKDAYS.index(params.week_begins) if freq == "W" else 0)
    first, last, fine = F.col("ds"), _last_day(), F.col("freq")
    begin, end = longer.start_of(first), longer.start_of(last)
    before = F.datediff(end, first)
    day = F.lit(DAYS_IN_A_WEEK)
    parts = F.when(begin == end, F.array(_part(begin, F.lit(1), F.lit(1)))).otherwise(
        F.array(_part(begin, before, day), _part(end, day - before, day))
    )
    rows = steps.withColumns({"_part": F.explode(parts), "_all_days": F.datediff(last, first) + 1})
    rows = rows.withColumns({name: F.col(f"_part.{name}") for name in ("begin", "days", "of_days")})
    hours = F.when(fine == "H", F.lit(1)).otherwise(F.col("_all_days") * 24 * F.col("days") / F.col("of_days"))
    length = F.datediff(longer.last_day_of("begin"), F.col("begin")) + 1
    return rows.select(
        F.lit(freq).alias("freq"),
        F.col("begin").alias("ds"),
        "step",
        "days",
        "of_days",
        F.round(hours).cast("int").alias("_hours"),
        length.alias("_length"),
    )


def _part(begin: Column, days: Column, of_days: Column) -> Column:
    return F.struct(begin.alias("begin"), days.cast("int").alias("days"), of_days.cast("int").alias("of_days"))


def _last_day() -> Column:
    """The last day of the period ``ds`` of ``freq``."""
    last: Column = F.col("ds")
    for freq, months in _MONTHS.items():
        last = F.when(F.col("freq") == freq, F.date_sub(F.add_months("ds", months), 1)).otherwise(last)
    return F.when(F.col("freq") == "W", F.date_add("ds", DAYS_IN_A_WEEK - 1)).otherwise(last)


def within(value: str) -> Column:
    """The part of ``value`` of a step that lies in the longer period; exact, as weeks are multiples of 7 (nodes.py)."""
    return F.col(value) / F.col("of_days") * F.col("days")


def longer_periods(
    params: ReconcileParams,
    coherent: DataFrame,
    *,
    forecasts: DataFrame,
    series: DataFrame,
    backtests: DataFrame | None,
) -> DataFrame:
    """Rows of LONGER from those of RECONCILED, and the inputs of the job; none where no ``temporal`` is asked for."""
    if not params.temporal:
        nothing = {field.name: F.lit(None).cast(field.dataType) for field in LONGER.schema}
        return forecasts.where(F.lit(False)).select(*(column.alias(name) for name, column in nothing.items()))
    steps = F.broadcast(calendar(params, forecasts))
    classes = series.select("unique_id", "demand_class")
    names = list(QUANTILES)
    whole = reduce(and_, (F.col(name) == F.rint(name) for name in names), F.col("of_days") == 1)
    is_analogy = F.col("model") == ANALOGY
    band = F.when(is_analogy, F.array(*(within(name) for name in names)))
    # In the order of periods, so that the sum is the same however rows lie.
    part = F.struct("step", within("y_hat").alias("y"))
    banded = F.struct("step", band.alias("band"))
    zeros = F.array(*(F.lit(0.0) for _ in names))
    sums = (
        coherent.drop("freq", "ds")
        .join(steps, "step", "inner")
        .groupBy("as_of_date", "unique_id", "freq", "ds", "number", "is_whole", "periods")
        .agg(
            F.aggregate(F.sort_array(F.collect_list(part)), F.lit(0.0), lambda sum_, one: sum_ + one["y"]).alias(
                "y_hat"
            ),
            F.aggregate(
                F.sort_array(F.collect_list(F.when(is_analogy, banded))),
                zeros,
                lambda sums_, one: F.zip_with(sums_, one["band"], lambda sum_, more: sum_ + more),
            ).alias("_band"),
            F.first("model").alias("model"),
            F.first("level").alias("level"),
            F.max("spread").alias("spread"),
            (F.min(F.least("y_hat", names[0])) >= 0).alias("is_floored"),
            F.min(whole).alias("is_counted"),
            F.sqrt(F.sum((F.col("days") / F.col("of_days")) ** 2)).alias("_root"),
        )
        .join(classes, "unique_id", "left")
        .withColumnsRenamed({"model": "_model", "number": "step"})
        .withColumn("model", calibrated_as("_model"))
    )
    residuals = _residuals(params, steps, classes, backtests, forecasts)
    found = with_offsets(sums, residuals, list(QUANTILES.values()), fewest=params.min_calibration, by=("freq",))
    # Sums have their own errors; the normal distribution is that of one period, and periods vary for themselves.
    found = found.withColumn(
        "spread", F.when(F.col(POOLED_ON) == NORMAL, F.col("_root")).otherwise(1.0) * F.col("spread")
    )
    kinds = {"is_floored": F.col("is_floored"), "is_whole": F.col("is_counted")}
    by_analogy = F.col("_model") == ANALOGY
    quantiles = {
        name: F.when(by_analogy, F.get("_band", F.lit(place))).otherwise(at_level(place, "y_hat", "spread", **kinds))
        for place, name in enumerate(names)
    }
    label = F.when(by_analogy, LAUNCHED).otherwise(F.col(POOLED_ON))
    return found.withColumns({**quantiles, POOLED_ON: label}).select(*LONGER.schema.names)


def _residuals(
    params: ReconcileParams, steps: DataFrame, classes: DataFrame, backtests: DataFrame | None, forecasts: DataFrame
) -> DataFrame:
    """``unique_id, model, demand_class, freq, step, r``: errors summed as the longer period number ``step`` sums."""
    if backtests is None:
        nothing = {"model": F.lit(""), "demand_class": F.lit(""), "freq": F.lit(""), "r": F.lit(0.0)}
        return forecasts.where(F.lit(False)).select("unique_id", "step").withColumns(nothing)
    rows = sampled_of(of_published(backtests), classes, params.calibration_series)
    error = (F.col("y") - F.col("y_hat")) / spread_column()
    # Hourly origins are whole days apart: the day names them.
    keys = ("unique_id", "model", "cutoff", "freq", "number", "periods")
    sums = (
        rows.withColumn("_error", error)
        .join(steps.select("freq", "number", "step", "days", "of_days", "periods"), "step", "inner")
        .groupBy(*keys)
        .agg(F.round(F.sum(within("_error")), 9).alias("r"), F.count(F.lit(1)).alias("_steps"))
    )
    return (
        sums.where(F.col("_steps") == F.col("periods"))
        .join(classes, "unique_id", "inner")
        .select("unique_id", "model", "demand_class", "freq", F.col("number").alias("step"), "r")
    )
