"""What keeps orders from being published: no series to order for, or a forecast that ends too soon."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.run.counts import Counts
from jobs.forecast.demand.inputs import day_of
from jobs.forecast.orders.check import forecast_is_long_enough
from jobs.forecast.orders.params import ReplenishParams

pytestmark = pytest.mark.unit

DAY = date(2026, 3, 29)


def refused(spark: SparkSession, *, series: int, steps: int) -> str | None:
    """The code of the error for an order that must last three periods."""
    counts = Counts()
    counts.add(rows_read=series)
    forecasts = spark.range(1, steps + 1).toDF("step")
    params = ReplenishParams(lead_time_periods=2, review_periods=1)
    try:
        forecast_is_long_enough(params, forecasts, forecasts, forecasts, None, None, None, as_of=DAY, counts=counts)
    except (InputMissingError, UsageError) as error:
        return error.code
    return None


def test_orders_need_series_and_a_forecast_that_reaches_as_far_as_they_must_last(spark: SparkSession) -> None:
    assert refused(spark, series=2, steps=3) is None
    assert refused(spark, series=2, steps=2) == "FCT-010"
    assert refused(spark, series=2, steps=0) == "FCT-010"
    assert refused(spark, series=0, steps=3) == "FCT-004"


def test_orders_by_coherent_forecasts_need_those_of_the_last_forecast(spark: SparkSession) -> None:
    counts = Counts()
    counts.add(rows_read=1)
    rows = [("A", date(2026, 3, 30), 1, 5.0, 5.0), ("A", date(2026, 4, 6), 2, 6.0, 6.0)]
    columns = "unique_id string, ds date, step int, y_hat double, base_y_hat double"
    later = spark.createDataFrame(rows, columns)
    params = ReplenishParams(lead_time_periods=1, forecasts="reconciled")

    def code(reconciled: DataFrame | None) -> str | None:
        try:
            forecast_is_long_enough(params, later, later, later, None, None, reconciled, as_of=DAY, counts=counts)
        except InputMissingError as error:
            return error.code
        return None

    assert code(later) is None
    assert code(None) == "FCT-036"
    assert code(later.where("step = 1")) == "FCT-036"
    assert code(later.withColumn("base_y_hat", F.lit(9.0))) == "FCT-036"


def test_orders_are_made_as_of_one_day() -> None:
    assert day_of(DayRange.single(DAY), "forecast.replenish") == DAY
    with pytest.raises(UsageError, match="works as of one day") as raised:
        day_of(DayRange(date(2026, 3, 28), DAY), "forecast.replenish")
    assert raised.value.code == "FCT-003"
