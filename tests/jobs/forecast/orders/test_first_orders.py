"""First orders of items that are announced, or forecast as the items like them began."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from common.days import DayRange
from jobs.forecast.forecasts.tables import FORECASTS
from jobs.forecast.orders.params import ReplenishParams
from jobs.forecast.orders.steps import replenishment
from jobs.forecast.stock.tables import STOCK
from jobs.forecast.tables import BACKTESTS, SERIES
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

DAY = date(2026, 3, 1)


def test_an_announced_item_is_ordered_for_its_first_weeks_up_to_what_is_not_there_yet(spark: SparkSession) -> None:
    of_series = {"as_of_date": DAY, "freq": "W", "status": "fallback", "periods": 0, "open_periods": 0}
    of_series |= {"demand_periods": 0, "units": 0.0, "value": 0.0, "reason": "FCT-211 announced, and not sold yet"}
    names = ("counted", "listed", "new", "undated")
    series = [dict.fromkeys(SERIES.schema.names) | of_series | {"unique_id": name} for name in names]
    # On sale from the second week on: 100 a week, in 95 of 100 cases not more than 160, in half of them 90.
    bands = {name: 160.0 if level >= 0.95 else 90.0 for name, level in QUANTILES.items()}
    given = {"as_of_date": DAY, "freq": "W", "model": "analogy", "spread": 30.0, "calibrated_on": "launches"}
    forecasts = []
    for name in names:
        for step in (1, 2, 3):
            sold = {"y_hat": 100.0, **bands} if step > 1 else dict.fromkeys(("y_hat", *QUANTILES), 0.0)
            row = {"unique_id": name, "ds": DAY + timedelta(days=7 * step - 6), "step": step, **given, **sold}
            forecasts.append(dict.fromkeys(FORECASTS.schema.names) | row)
    there: dict[str, Any] = dict.fromkeys(STOCK.schema.names) | {"as_of_day": DAY}
    stock = [
        there | {"unique_id": "counted", "on_hand": 20.0, "on_order": 0.0},
        # A list of open orders for an item that nobody has counted.
        there | {"unique_id": "listed", "on_order": 50.0},
        # A row of a table that the company's own system writes: as it is today.
        there | {"unique_id": "undated", "as_of_day": None, "on_hand": 0.0, "on_order": 300.0},
    ]

    def ordered(known: list[dict[str, Any]] | None) -> dict[str, float]:
        rows = replenishment(
            ReplenishParams(lead_time_periods=2, review_periods=1, service_level=0.95),
            spark.createDataFrame(series, SERIES.schema),
            spark.createDataFrame(forecasts, FORECASTS.schema),
            spark.createDataFrame([], BACKTESTS.schema),
            None if known is None else spark.createDataFrame(known, STOCK.schema),
            days=DayRange.single(DAY),
        )
        # What is expected of it, not its history, says what is too much.
        assert {row["largest_plausible"] for row in rows.collect()} == {2_000.0}
        return {row["unique_id"]: row["order_quantity"] for row in rows.collect()}

    # An order lasts three weeks, in two of which it is on sale: 2 x 160 at a level of .95.
    assert ordered(stock) == {"counted": 300.0, "listed": 270.0, "new": 320.0, "undated": 20.0}
    # Nothing is known of the stock: what the third week sells, in which the order comes.
    assert ordered(None) == dict.fromkeys(names, 100.0)
