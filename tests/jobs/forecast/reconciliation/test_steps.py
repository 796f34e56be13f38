"""The step of forecast.reconcile in Spark: branches, and longer periods with weeks in two months by hand."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import JobFailedError, UsageError
from common.run.counts import Counts
from jobs.forecast.reconciliation.check import sums_are_exact
from jobs.forecast.reconciliation.longer import calendar, longer_periods
from jobs.forecast.reconciliation.params import LongerFrequency, ReconcileParams
from jobs.forecast.reconciliation.steps import coherent, nodes_of, reconciliation
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

AS_OF = date(2025, 12, 21)
DECEMBER, JANUARY = date(2025, 12, 1), date(2026, 1, 1)
# The second week has three days in December and four in January.
WEEKS = (date(2025, 12, 22), date(2025, 12, 29), date(2026, 1, 5))


def forecasts(
    spark: SparkSession, freq: str, days: tuple[date, ...], values: dict[str, tuple[float, ...]]
) -> DataFrame:
    rows = [
        (AS_OF, name, freq, day, step, y)
        for name, own in values.items()
        for step, (day, y) in enumerate(zip(days, own, strict=True), 1)
    ]
    found = spark.createDataFrame(
        rows, "as_of_date date, unique_id string, freq string, ds date, step int, y_hat double"
    )
    given = {"model": F.lit("combined"), "spread": F.lit(10.0), "calibrated_on": F.lit("step"), "hour": F.lit(0)}
    nothing = {name: F.lit(None).cast("string") for name in ("fallback_reason", "override_reason")}
    bands = {name: F.col("y_hat") * (0.5 + level) for name, level in QUANTILES.items()}
    return found.withColumns({**given, **nothing, **bands, "statistical_y_hat": F.lit(None).cast("double")})


def series_of(spark: SparkSession) -> DataFrame:
    rows = [("A", None, {"state": "N"}), ("B", None, {"state": "S"}), ("[total]", "total", {})]
    found = spark.createDataFrame(rows, "unique_id string, level string, attributes map<string,string>")
    return found.withColumns({"demand_class": F.lit("smooth"), "units": F.lit(9.0), "periods": F.lit(3)})


def backtests_of(spark: SparkSession) -> DataFrame:
    """One origin; errors of A: 2, 7 and 0 at a spread of 2."""
    rows = [
        ("A", "combined", date(2025, 11, 24), step, error, 0.0, 2.0, 2.0)
        for step, error in ((1, 2.0), (2, 7.0), (3, 0.0))
    ]
    return spark.createDataFrame(
        rows,
        "unique_id string, model string, cutoff date, step int, y double, y_hat double, spread double, scale_mae float",
    )


def test_months_are_exact_sums_of_days_of_weeks_with_bands_of_summed_errors(spark: SparkSession) -> None:
    base = forecasts(spark, "W", WEEKS, {"A": (14.0, 7.0, 21.0), "B": (1.0, 1.0, 1.0), "[total]": (16.0, 9.0, 22.0)})
    series, backtests = series_of(spark), backtests_of(spark)
    params = ReconcileParams(method="bottom_up", temporal=("M",), min_calibration=1)
    rows, sums_of = reconciliation(params, base, series, backtests, days=DayRange.single(AS_OF))
    rows = rows.cache()
    longer = sums_of(rows).cache()
    y_hat = {(row["unique_id"], row["step"]): row["y_hat"] for row in rows.collect()}
    found = {(row["unique_id"], row["ds"]): row for row in longer.collect()}
    assert len(found) == 6
    # A week in two months is divided by its days, exactly, for series and their sums alike.
    for name in ("A", "B", "[total]"):
        first, second, third = (y_hat[name, step] for step in (1, 2, 3))
        assert found[name, DECEMBER]["y_hat"] == first + second / 7 * 3
        assert found[name, JANUARY]["y_hat"] == second / 7 * 4 + third
    assert found["A", DECEMBER]["y_hat"] == pytest.approx(17, abs=1e-3)
    for month in (DECEMBER, JANUARY):
        assert found["A", month]["y_hat"] + found["B", month]["y_hat"] == found["[total]", month]["y_hat"]
    # The errors of A in units of its spread: 1 + 3.5 x 3 / 7 in December, 3.5 x 4 / 7 in January; ten units each now.
    assert found["A", DECEMBER]["q500"] == pytest.approx(17 + 25, abs=1e-3)
    assert found["A", JANUARY]["q500"] == pytest.approx(25 + 20, abs=1e-3)
    shown = [(row["freq"], row["step"], row["periods"], row["is_whole"], row["level"]) for row in found.values()]
    assert sorted(set(shown), key=str) == [
        ("M", 1, 2, False, "total"),
        ("M", 1, 2, False, None),
        ("M", 2, 2, False, "total"),
        ("M", 2, 2, False, None),
    ]

    counts = Counts()
    counts.add(rows_read=9)

    def checked(longer: DataFrame, *temporal: LongerFrequency) -> None:
        asked = ReconcileParams(temporal=temporal)
        sums_are_exact(asked, rows, longer, base, series, backtests, as_of=AS_OF, counts=counts)

    checked(longer, "M")
    is_off = (F.col("unique_id") == "B") & (F.col("ds") == DECEMBER)
    with pytest.raises(JobFailedError, match="Of the forecasts of longer periods, 1 are not") as off:
        checked(longer.withColumn("y_hat", F.when(is_off, F.lit(7.0)).otherwise(F.col("y_hat"))), "M")
    assert off.value.code == "FCT-035"
    with pytest.raises(UsageError, match="temporal asks for D, W, which") as refused:
        checked(longer, "D", "W", "M")
    assert refused.value.code == "FCT-038"


def test_the_band_of_a_new_item_over_a_month_is_the_sum_of_its_bands(spark: SparkSession) -> None:
    weeks = (date(2026, 2, 2), date(2026, 2, 9), date(2026, 2, 16), date(2026, 2, 23))
    base = forecasts(spark, "W", weeks, {"A": (100.0, 100.0, 100.0, 100.0)}).withColumn("model", F.lit("analogy"))
    params = ReconcileParams(temporal=("M",))
    rows = longer_periods(params, base.withColumn("level", F.lit(None).cast("string")), forecasts=base,
                          series=series_of(spark), backtests=backtests_of(spark))  # fmt: skip
    february = next(row for row in rows.collect() if row["ds"] == date(2026, 2, 1))
    # Of a week the quantile at .95 is 1.45 times its mean. All days of the last week but one are of February.
    assert february["y_hat"] == pytest.approx(300 + 100 * 6 / 7)
    assert february["q950"] == pytest.approx(1.45 * (300 + 100 * 6 / 7))
    assert february["calibrated_on"] == "launches of like items"


def test_branches_of_one_series_give_what_one_branch_gives(spark: SparkSession) -> None:
    base = forecasts(spark, "W", WEEKS, {"A": (14.0, 7.0, 21.0), "B": (1.0, 1.0, 1.0), "[total]": (30.0, 9.0, 22.0)})
    params = ReconcileParams(method="ols")
    found = {}
    for size in (1, 10):
        nodes = nodes_of(series_of(spark), base, backtests_of(spark), most_paths=100, series_per_branch=size)
        found[size] = sorted((row["unique_id"], row["step"], row["y_hat"]) for row in coherent(nodes, params).collect())
    assert found[1] == found[10]
    # 15 of the first week are missing below: each of the three gives way by five.
    first = {name: y_hat for name, step, y_hat in found[1] if step == 1}
    assert first == pytest.approx({"A": 19, "B": 6, "[total]": 25}, abs=1e-4)


def test_nothing_is_summed_unless_asked_for(spark: SparkSession) -> None:
    base = forecasts(spark, "W", WEEKS, {"A": (14.0, 7.0, 21.0)})
    assert longer_periods(ReconcileParams(), base, forecasts=base, series=series_of(spark), backtests=None).count() == 0


def test_days_nest_in_weeks_and_months_and_a_quarter_of_three_months_is_whole(spark: SparkSession) -> None:
    days = (date(2025, 11, 30), date(2025, 12, 1), date(2025, 12, 2))
    daily = forecasts(spark, "D", days, {"A": (1.0, 1.0, 1.0)})
    months = forecasts(spark, "M", (date(2025, 12, 1), JANUARY, date(2026, 2, 1)), {"A": (1.0, 1.0, 1.0)})
    months = months.unionByName(forecasts(spark, "M", (date(2026, 3, 1),), {"B": (1.0,)}).withColumn("step", F.lit(4)))

    def found(rows: DataFrame, *temporal: LongerFrequency) -> list[tuple[object, ...]]:
        params = ReconcileParams(temporal=temporal, week_begins="Sunday")
        columns = ("freq", "ds", "number", "periods", "is_whole")
        return [
            tuple(row) for row in calendar(params, rows).select(*columns).distinct().orderBy("freq", "ds").collect()
        ]

    assert found(daily, "W", "M") == [
        ("M", date(2025, 11, 1), 1, 1, False),
        ("M", date(2025, 12, 1), 2, 2, False),
        ("W", date(2025, 11, 30), 1, 3, False),
    ]
    assert found(months, "Q", "Y") == [
        ("Q", date(2025, 10, 1), 1, 1, False),
        ("Q", date(2026, 1, 1), 2, 3, True),
        ("Y", date(2025, 1, 1), 1, 1, False),
        ("Y", date(2026, 1, 1), 2, 3, False),
    ]
