"""Demand as it was known on a day: what was learned later is not there before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.demand.changes import changes_of, demand_as_of, y_known_on
from jobs.forecast.demand.neighbours import confirmed_frauds
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.returns import parts_of_demand
from jobs.forecast.demand.steps import may_count, with_left_out, with_series
from jobs.forecast.sales.tables import SALES
from jobs.forecast.tables import FRAUD_LABELS

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
WEEKS = Periods("W")


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def sold(n: int, quantity: float, transaction: str | None = None, **more: Any) -> dict[str, Any]:
    return {"day": n, "quantity": quantity, "transaction_id": transaction, **more}


def changes(spark: SparkSession, *sales: dict[str, Any], reports: tuple[tuple[str, int, int, bool], ...] = ()) -> Any:
    """DEMAND_CHANGES of sales of item A; reports are (transaction, its day, day of the report, whether it is fraud)."""
    rows = []
    for number, row in enumerate(sales):
        at = day(row["day"])
        base = {
            "line_id": str(number),
            "sold_day": at,
            "sold_at": datetime(at.year, at.month, at.day, 12, tzinfo=UTC),
            "item_id": "A",
            "is_series": False,
            "customer_id": "c",
            "_batch_id": "b",
        }
        known = {name: value for name, value in row.items() if name != "day"}
        rows.append({**dict.fromkeys(SALES.schema.names), **base, **known})
    lines = spark.createDataFrame(rows, SALES.schema).withColumn("booked_on", F.lit(None).cast("date"))
    labels = [
        (name, day(at), datetime.combine(day(on), datetime.min.time(), UTC), said) for name, at, on, said in reports
    ]
    frauds = confirmed_frauds(spark.createDataFrame(labels, FRAUD_LABELS.schema)) if labels else None
    whole = DayRange(day(0), day(70))
    judged = with_left_out(lines, whole, WEEKS, as_of=day(70), no_products=(), frauds=frauds)
    parts = parts_of_demand(with_series(may_count(judged), ["item_id"]), return_days=30)
    return changes_of(parts, "W").persist()


def as_of(changes: DataFrame, n: int) -> list[tuple[int, float]]:
    """(Week, y) as known on a day."""
    found = demand_as_of(changes, day(n), WEEKS).orderBy("ds").collect()
    return [((row["ds"] - MONDAY).days // 7, row["y"]) for row in found]


def test_a_return_takes_units_off_its_purchase_from_its_own_day_on(spark: SparkSession) -> None:
    found = changes(spark, sold(1, 5.0), sold(9, -2.0))
    assert as_of(found, 0) == []
    assert as_of(found, 8) == [(0, 5.0)]
    assert as_of(found, 9) == [(0, 3.0), (1, 0.0)]


def test_a_fraud_is_demand_until_its_report_and_after_its_withdrawal(spark: SparkSession) -> None:
    found = changes(spark, sold(1, 5.0, "T"), sold(2, 1.0), reports=(("T", 1, 10, True), ("T", 1, 20, False)))
    assert [as_of(found, n) for n in (9, 10, 19, 20)] == [[(0, 6.0)], [(0, 1.0)], [(0, 1.0)], [(0, 6.0)]]
    lines = {(row["known_on"] - MONDAY).days: (row["lines"], row["units_sold"]) for row in found.collect()}
    assert lines == {1: (1, 5.0), 2: (1, 1.0), 10: (-1, -5.0), 20: (1, 5.0)}


def test_a_sale_reported_before_its_day_is_never_demand(spark: SparkSession) -> None:
    found = changes(spark, sold(1, 5.0, "T"), sold(2, 1.0), reports=(("T", 1, 0, True),))
    assert as_of(found, 5) == [(0, 1.0)]


def test_a_report_takes_off_only_what_was_not_given_back_before(spark: SparkSession) -> None:
    # The return undid the latest purchase, T, which nobody knew to be a fraud; that is not decided anew on day 10.
    found = changes(spark, sold(0, 7.0), sold(1, 5.0, "T"), sold(3, -2.0), reports=(("T", 1, 10, True),))
    assert as_of(found, 3) == [(0, 10.0)]
    assert as_of(found, 10) == [(0, 7.0)]


def test_a_return_passes_over_a_purchase_that_was_known_as_fraud_on_its_day(spark: SparkSession) -> None:
    found = changes(spark, sold(0, 7.0), sold(1, 5.0, "T"), sold(9, -2.0), reports=(("T", 1, 8, True),))
    assert as_of(found, 8) == [(0, 7.0)]
    assert as_of(found, 9)[0] == (0, 5.0)


def test_a_fraudulent_return_gives_its_purchase_back(spark: SparkSession) -> None:
    found = changes(spark, sold(0, 7.0), sold(9, -2.0, "R"), reports=(("R", 9, 12, True),))
    assert as_of(found, 11)[0] == (0, 5.0)
    assert as_of(found, 12)[0] == (0, 7.0)


def test_an_id_that_comes_again_on_another_day_is_another_transaction(spark: SparkSession) -> None:
    found = changes(
        spark, sold(1, 5.0, "T"), sold(30, 4.0, "T"), sold(31, 1.0, invoice_id="T"), reports=(("T", 30, 32, True),)
    )
    assert as_of(found, 40) == [(0, 5.0), (4, 0.0)]


def test_demand_is_never_below_zero_but_for_ready_series(spark: SparkSession) -> None:
    found = changes(spark, sold(0, -3.0))
    row = demand_as_of(found, day(9), WEEKS).first()
    assert row is not None
    assert (row["y"], row["net"], row["units_returned"], row["units_floored"]) == (0.0, -3.0, 3.0, 3.0)
    series = changes(spark, sold(0, -3.0, is_series=True), sold(7, 4.0, is_series=True), sold(14, -2.0, is_series=True))
    assert as_of(series, 20) == [(0, -3.0), (1, 4.0), (2, -2.0)]


def test_what_came_after_the_end_of_its_period_is_listed_with_its_day(spark: SparkSession) -> None:
    found = changes(
        spark,
        sold(1, 9.0),
        sold(2, -1.0),  # known within the week
        sold(7, -2.0),
        sold(8, 6.0, "T"),
        sold(16, -3.0, customer_id="d"),
        reports=(("T", 8, 15, True),),
    )
    rows = demand_as_of(found, day(15), WEEKS, corrected_after=day(6)).orderBy("ds").collect()
    first = (day(0) - date(1970, 1, 1)).days
    listed = [(row["y"], [n - first for n in row["later_on"] or []], list(row["later_units"] or [])) for row in rows]
    assert listed == [(6.0, [7], [-2.0]), (0.0, [15], [-6.0])]
    late = demand_as_of(found, day(15), WEEKS, corrected_after=day(13)).orderBy("ds").collect()
    assert [row["later_on"] is None for row in late] == [True, False]


def test_an_error_is_measured_against_what_was_known_on_a_day(spark: SparkSession) -> None:
    found = changes(spark, sold(1, 9.0), sold(8, -2.0), sold(10, -3.0))
    rows = demand_as_of(found, day(20), WEEKS, corrected_after=day(6)).where(F.col("ds") == F.lit(MONDAY))
    moments = spark.createDataFrame([(day(n),) for n in (7, 8, 10)], "moment date")
    known = moments.crossJoin(rows).select("moment", y_known_on("moment").alias("y")).orderBy("moment").collect()
    assert [row["y"] for row in known] == [9.0, 7.0, 4.0]
