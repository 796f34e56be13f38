"""Stock-outs: which periods are out of stock, and what becomes of what was sold in them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.forecast.demand.censoring import treated, with_marks
from jobs.forecast.demand.changes import changes_of, demand_as_of
from jobs.forecast.demand.periods import Periods
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.trials.weights import without_stock_outs

pytestmark = pytest.mark.unit

MONDAY = date(2026, 3, 2)
WEEKS = Periods("W")
CLOSED = ((1, "correct"), (2, "unknown"))
GRID = "unique_id string, ds date, y double, is_closed boolean, censored string"


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def grid_rows(name: str, values: list[tuple[float, bool]], how: str) -> list[tuple[Any, ...]]:
    return [(name, day(7 * n), y, False, how if is_out else None) for n, (y, is_out) in enumerate(values)]


def test_a_stock_out_is_corrected_by_what_was_sold_at_least_so_well_before_it(spark: SparkSession) -> None:
    sold = [(4.0, False), (6.0, False), (2.0, True), (5.0, False), (9.0, True), (6.0, True)]
    rows = [*grid_rows("A", sold, "correct"), *grid_rows("B", sold, "unknown")]
    # Nobody could buy in the closed weeks: what was counted in them takes nothing from demand.
    rows += [("C", MONDAY, 4.0, False, None), *(("C", day(7 * n), 0.0, True, how) for n, how in CLOSED)]
    found = treated(spark.createDataFrame(rows, GRID)).orderBy("unique_id", "ds").collect()
    assert [(row["is_censored"], row["units_lost"], row["y_treated"]) for row in found[12:]] == [
        (False, None, 4.0),
        (False, None, 0.0),
        (False, None, 0.0),
    ]
    found = found[:12]
    # Of 4 and 6 both are 2 or more: 5 on average. Nothing before was 9 or more. Of 4, 6 and 5 only 6 is 6 or more.
    assert [row["units_lost"] for row in found[:6]] == [None, None, 3.0, None, 0.0, 0.0]
    assert [row["y_treated"] for row in found[:6]] == [4.0, 6.0, 5.0, 5.0, 9.0, 6.0]
    assert [row["y_treated"] for row in found[6:]] == [4.0, 6.0, None, 5.0, None, None]
    assert [row["y"] for row in found[6:]] == [y for y, _ in sold]
    assert [row["is_censored"] for row in found[:6]] == [is_out for _, is_out in sold]


def test_the_corrected_mean_is_nearer_to_the_true_one(spark: SparkSession) -> None:
    chance = np.random.default_rng(7)
    demand = chance.poisson(20.0, (5, 300)).astype(float)
    stock = chance.integers(12, 40, (5, 300)).astype(float)
    rows = [
        (str(n), day(7 * t), min(demand[n, t], stock[n, t]), False, "correct" if demand[n, t] >= stock[n, t] else None)
        for n in range(5)
        for t in range(300)
    ]
    found = (
        treated(spark.createDataFrame(rows, GRID)).agg(F.avg("y").alias("sold"), F.avg("y_treated").alias("y")).first()
    )
    assert found is not None
    assert found["sold"] < 19.0
    assert abs(found["y"] - 20.0) < abs(found["sold"] - 20.0) / 3


def test_lines_and_counts_mark_periods_from_the_day_on_which_nothing_was_left(spark: SparkSession) -> None:
    parts = spark.createDataFrame(
        [("A", MONDAY, day(1), False, 1, 6.0, 0.0, 12.0, None), ("R", MONDAY, day(1), True, 1, 3.0, 0.0, 0.0, None)],
        "unique_id string, ds date, known_on date, is_series boolean, lines int, units_sold double, "
        "units_returned double, value double, void array<array<int>>",
    )
    lines = spark.createDataFrame(
        [("A", MONDAY, day(1), False, 5.0), ("A", MONDAY, day(3), False, 0.0), ("R", MONDAY, day(1), True, 0.0)],
        "unique_id string, ds date, sold_day date, is_series boolean, stock double",
    )
    counts = [("A", day(9), 0.0), ("A", day(8), 4.0), ("R", day(9), 0.0), ("OTHER", day(9), 0.0), ("A", None, 0.0)]
    stock = spark.createDataFrame(
        [
            dict.fromkeys(STOCK.schema.names)
            | {"unique_id": name, "as_of_day": on, "on_hand": units, "counted_at": datetime(2026, 3, 2, tzinfo=UTC)}
            for name, on, units in counts
        ],
        STOCK.schema,
    )

    def known(n: int, how: str = "correct") -> dict[tuple[str, int], tuple[float, str | None]]:
        changes = changes_of(with_marks(parts, lines, stock, WEEKS, how), "W")
        rows = demand_as_of(changes, day(n), WEEKS).collect()
        return {(row["unique_id"], (row["ds"] - MONDAY).days // 7): (row["y"], row["censored"]) for row in rows}

    assert known(2) == {("A", 0): (6.0, None), ("R", 0): (3.0, "correct")}
    assert known(13) == {("A", 0): (6.0, "correct"), ("A", 1): (0.0, "correct"), ("R", 0): (3.0, "correct")}
    assert known(13, "ignore") == {("A", 0): (6.0, None), ("R", 0): (3.0, None)}


def test_no_forecast_is_scored_on_a_period_out_of_stock(spark: SparkSession) -> None:
    rows = spark.createDataFrame(
        [("A", MONDAY, day(7 * n), n, 5.0, 4.0, None) for n in (1, 2)],
        "unique_id string, cutoff date, ds date, step int, y double, y_hat double, reason string",
    )
    demand = spark.createDataFrame([("A", day(7), False), ("A", day(14), True)], "unique_id string, ds date, "
                                   "is_censored boolean")  # fmt: skip
    found = sorted(tuple(row) for row in without_stock_outs(rows, demand).select(*rows.columns).collect())
    assert found == [("A", MONDAY, MONDAY, 0, None, None, "out of stock"), ("A", MONDAY, day(7), 1, 5.0, 4.0, None)]
