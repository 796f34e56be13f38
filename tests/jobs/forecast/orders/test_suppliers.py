"""Orders by the terms of suppliers: lead times, packs, minimums, budgets, and goods that come too late."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from common.days import DayRange
from jobs.forecast.orders.params import ReplenishParams
from jobs.forecast.orders.steps import replenishment
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

DAY = date(2026, 3, 1)
WEEKS = [date(2026, 3, 2) + timedelta(days=7 * n) for n in range(6)]
PARAMS = ReplenishParams(lead_time_periods=1, review_periods=1, service_level=0.5, min_calibration=5)


def series(spark: SparkSession, *names: str) -> DataFrame:
    return spark.createDataFrame(
        [(name, "smooth", "W", name.lower(), 1e4, 100, None) for name in names],
        "unique_id string, demand_class string, freq string, item_name string, units double, periods int, "
        "reason string",
    )


def forecasts(spark: SparkSession, *names: str) -> DataFrame:
    return spark.createDataFrame(
        [
            (name, ds, step, "m", 10.0, 2.0, *[None] * len(QUANTILES))
            for name in names
            for step, ds in enumerate(WEEKS, start=1)
        ],
        "unique_id string, ds date, step int, model string, y_hat double, spread double, "
        + ", ".join(f"{name} double" for name in QUANTILES),
    )


def no_errors(spark: SparkSession) -> DataFrame:
    """Without any, demand over n periods is normal around 10 n: its middle is 10 n exactly."""
    return spark.createDataFrame(
        [],
        "unique_id string, model string, cutoff date, step int, y double, y_hat double, scale_mae double, "
        "spread double",
    )


def stock(spark: SparkSession, *rows: dict[str, Any]) -> DataFrame:
    moment = {"counted_at": datetime(2026, 3, 1, tzinfo=UTC), "as_of_day": DAY}
    empty = dict.fromkeys(STOCK.schema.names)
    return spark.createDataFrame([empty | moment | row for row in rows], STOCK.schema)


def ordered(spark: SparkSession, known: DataFrame, *names: str) -> dict[str, Any]:
    found = replenishment(
        PARAMS, series(spark, *names), forecasts(spark, *names), no_errors(spark), known, days=DayRange.single(DAY)
    )
    return {row["unique_id"]: row for row in found.collect()}


def test_each_series_is_ordered_by_the_terms_of_its_supplier(spark: SparkSession) -> None:
    found = ordered(
        spark,
        stock(
            spark,
            {"unique_id": "FAR", "on_hand": 7.0, "supplier": "S", "lead_time_days": 22.0, "pack_size": 6.0},
            {"unique_id": "FEW", "on_hand": 15.0, "supplier": "S", "lead_time_days": 7.0, "min_order": 12.0,
             "unit_cost": 2.5},
            {"unique_id": "OWN", "on_hand": 15.0},
        ),
        "FAR", "FEW", "OWN",
    )  # fmt: skip
    # 22 days are four weeks, and a week until the next review: 50, 43 are missing, eight packs.
    columns = ("lead_time_periods", "order_up_to", "order_quantity")
    assert {name: tuple(row[column] for column in columns) for name, row in found.items()} == {
        "FAR": (4, pytest.approx(50), 48),
        "FEW": (1, pytest.approx(20), 12),  # five are missing, twelve are the fewest
        "OWN": (1, pytest.approx(20), 5),
    }  # fmt: skip
    assert found["FAR"]["reason"] == "stock and open orders of 7 are filled up to 50 for 5 periods"
    assert [found[name]["supplier"] for name in ("FAR", "OWN")] == ["S", None]
    assert [found[name]["order_money"] for name in ("FAR", "FEW")] == [None, 30.0]


def test_goods_that_are_due_after_the_covered_time_do_not_help(spark: SparkSession) -> None:
    counted = {"unique_id": "A", "on_hand": 3.0}
    in_time, late = (
        {"unique_id": "A", "on_order": 8.0, "due_on": WEEKS[1]},
        {"unique_id": "A", "on_order": 50.0, "due_on": WEEKS[1] + timedelta(days=1)},
    )
    row = ordered(spark, stock(spark, counted, in_time, late), "A")["A"]
    assert (row["stock_position"], row["order_quantity"]) == (11, 9)
    assert row["reason"].endswith("; 50 on order come too late to help")


def test_a_budget_is_spent_where_it_prevents_the_most_shortage(spark: SparkSession) -> None:
    terms = {"supplier": "S", "lead_time_days": 7.0, "unit_cost": 2.0, "budget": 50.0, "pack_size": 1.0}
    found = ordered(
        spark,
        stock(
            spark,
            {"unique_id": "EMPTY", "on_hand": 0.0} | terms,
            {"unique_id": "HALF", "on_hand": 8.0} | terms | {"budget": 99.0, "unit_cost": 4.0},
            {"unique_id": "OTHER", "on_hand": 0.0} | terms | {"supplier": "T", "budget": None},
        ),
        "EMPTY", "HALF", "OTHER",
    )  # fmt: skip
    # The smallest budget of the supplier, 50, pays for the 20 units of the empty shelf, at 2 each, and for
    # two of the other 12, at 4 each: there a unit of money prevents half as much.
    assert {name: row["order_quantity"] for name, row in found.items()} == {"EMPTY": 20, "HALF": 2, "OTHER": 20}
    assert found["HALF"]["reason"].endswith("; 12 wanted, the budget of the supplier is spent")
    assert found["HALF"]["order_money"] == 8
