"""The review of each series: today's order and why, what changed since the last plan, what an earlier one got wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.planning.fans import interval_words
from jobs.forecast.planning.steps import Plan, hindsight, reviews
from jobs.forecast.planning.tables import REVIEWS
from jobs.forecast.planning.wording import filled

pytestmark = pytest.mark.unit

THEN, TODAY = date(2026, 3, 1), date(2026, 3, 8)
W1, W2, W3 = date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16)


def plan(spark: SparkSession, day: date, forecasts: list[Any], orders: list[Any] | None, champion: str) -> Plan:
    columns = "unique_id string, ds date, y_hat double, q100 double, q900 double"
    rows = [(name, ds, y_hat, y_hat - 2, y_hat + 2) for name, ds, y_hat in forecasts]
    trials = spark.createDataFrame([("mug", champion, True), ("mug", "ets", False)], "unique_id string, model string, "
                                   "is_champion boolean")  # fmt: skip
    made = None
    if orders is not None:
        fields = [ORDERS.schema[name] for name in _ORDER]
        made = spark.createDataFrame(orders, ", ".join(f"{f.name} {f.dataType.simpleString()}" for f in fields))
    return Plan(day, spark.createDataFrame(rows, columns), made, trials)


_ORDER = (
    "unique_id", "order_quantity", "stock_position", "order_up_to", "lead_time_demand", "protection_demand", "policy",
)  # fmt: skip


def test_a_series_has_its_order_what_moved_since_and_what_was_missed(spark: SparkSession) -> None:
    series = spark.createDataFrame(
        [("mug", "Mug", "smooth", 300.0, 100.0), ("bag", None, "lumpy", 0.0, 40.0)],
        "unique_id string, item_name string, demand_class string, value double, units double",
    )
    before = plan(
        spark, THEN, [("mug", W1, 10.0), ("mug", W2, 12.0)], [("mug", 5.0, None, 30.0, 20.0, 30.0, "(R, S)")], "theta"
    )
    today = plan(
        spark,
        TODAY,
        [("mug", W2, 9.0), ("mug", W3, 9.0), ("bag", W2, 1.0)],
        [("mug", 20.0, 17.0, 37.0, 18.0, 27.0, "(R, S)"), ("bag", 0.0, None, 0.0, 1.0, 1.0, "(R, S)")],
        "tsb",
    )
    known = spark.createDataFrame([("mug", W1, 15.0), ("mug", W2, None)], "unique_id string, ds date, y double")
    labels = spark.createDataFrame([("bag", "new item", "young")], "unique_id string, label string, evidence string")
    rows = reviews(series, today, labels, before, hindsight(before.forecasts, known), judged_of=THEN)
    assert rows.schema.names == REVIEWS.schema.names
    found = {row["unique_id"]: row.asDict() for row in rows.collect()}
    mug, bag = found["mug"], found["bag"]
    # 300 of money for 100 units; 17 in stock, 18 to be sold until goods come; 20 units at 3.
    assert [mug[n] for n in ("unit_value", "order_reason", "order_value")] == [3.0, "runs out before goods come", 60.0]
    # The week from 9 March was to bring 12, now 9; 5 units were ordered, up to 30.
    assert [mug[n] for n in ("compared_with", "same_units", "same_units_before", "same_units_moved")] == [
        THEN,
        9,
        12,
        3,
    ]
    assert [mug[n] for n in ("order_quantity_before", "order_up_to_before")] == [5.0, 30.0]
    assert [mug[n] for n in ("main_model", "main_model_before", "expected_units")] == ["tsb", "theta", 18.0]
    # The first week: 10 expected, between 8 and 12; 15 came, 5 too few, at 3 each. The second is not known.
    assert [mug[n] for n in ("judged_of", "judged_periods", "periods_in_80")] == [THEN, 1, 0]
    assert [mug[n] for n in ("judged_forecast", "judged_demand", "units_over", "units_under", "value_missed")] == [
        10.0, 15.0, 0.0, 5.0, 15.0,
    ]  # fmt: skip
    assert (bag["order_reason"], bag["label"], bag["unit_value"]) == ("no demand", "new item", None)
    assert (bag["order_value"], bag["same_units"], bag["judged_periods"]) == (None, None, None)


def test_without_orders_and_earlier_plans_these_columns_are_empty(spark: SparkSession) -> None:
    series = spark.createDataFrame(
        [("mug", "Mug", "smooth", 0.0, 0.0)],
        "unique_id string, item_name string, demand_class string, value double, units double",
    )
    labels = spark.createDataFrame([], "unique_id string, label string, evidence string")
    (row,) = reviews(
        series, plan(spark, TODAY, [("mug", W2, 9.0)], None, "tsb"), labels, None, None, judged_of=None
    ).collect()
    known = {name for name in REVIEWS.schema.names if row[name] is not None}
    assert known == {"as_of_date", "unique_id", "item_name", "demand_class", "value", "expected_units", "main_model"}


def test_the_interval_of_a_coverage_is_that_of_the_mean_over_series() -> None:
    # 1.96 x .1 / sqrt(16) is .049; a share cannot be above 100 %.
    assert interval_words(0.8, 0.1, 16) == "75 to 85 %"
    assert interval_words(0.99, 0.1, 16) == "94 to 100 %"
    assert interval_words(0.8, 0.1, 7) == ""
    assert interval_words(None, None, 0) == ""


def test_a_column_that_says_nothing_in_any_row_is_left_out() -> None:
    rows = [("A", "", 0, None), ("B", "", None, None)]
    assert filled(("item", "name", "order", "worth"), rows) == (("item", "order"), [("A", 0), ("B", None)])
