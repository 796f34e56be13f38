"""Aggregates as of a day are sums of the series that belonged to them on that day, whatever was counted later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from common.days import DayRange
from jobs.forecast.demand.aggregates import summed_as_of
from jobs.forecast.demand.changes import demand_as_of
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.series import BEYOND

pytestmark = pytest.mark.unit

WEEKS = Periods("W")
MONDAY = date(2026, 3, 2)
NEXT = MONDAY + timedelta(days=7)
SUNDAY = NEXT + timedelta(days=6)
CHANGES = (
    "unique_id string, ds date, known_on date, is_series boolean, units_sold double, freq string, lines int, "
    "units_returned double, value double, handed_on date, censored string"
)
LISTED = "unique_id string, level string, attributes map<string,string>, first_ds date, status string, reason string"


def test_a_series_whose_region_became_known_later_is_summed_where_it_was(spark: SparkSession) -> None:
    units = [("A", MONDAY, 6.0), ("A", NEXT, 1.0), ("B", MONDAY, 4.0), ("C", MONDAY, 100.0)]
    # As a run of a later day has left it, which knew that A is in the north.
    units += [("[region] North", MONDAY, 6.0), ("[region] North", NEXT, 1.0), ("[region] South", MONDAY, 4.0)]
    changes = spark.createDataFrame(
        [(name, ds, ds, False, y, "W", 1, 0.0, 0.0, None, None) for name, ds, y in units], CHANGES
    )
    listed = spark.createDataFrame(
        [
            ("A", None, {"region": "unknown"}, MONDAY, "modelled", None),
            ("B", None, {"region": "South"}, MONDAY, "modelled", None),
            ("C", None, {"region": "South"}, MONDAY, "left out", BEYOND),
            ("[region] unknown", "region", {"region": "unknown"}, MONDAY, "modelled", None),
            ("[region] South", "region", {"region": "South"}, MONDAY, "modelled", None),
        ],
        LISTED,
    )
    found = demand_as_of(summed_as_of(changes, listed, SUNDAY, DayRange(MONDAY, NEXT), WEEKS), SUNDAY, WEEKS).collect()
    assert {(row["unique_id"], row["ds"]): row["y"] for row in found if row["unique_id"].startswith("[")} == {
        ("[region] unknown", MONDAY): 6.0,
        ("[region] unknown", NEXT): 1.0,
        ("[region] South", MONDAY): 4.0,
    }


def test_a_total_is_unknown_where_a_ready_series_of_it_is(spark: SparkSession) -> None:
    units = [("A", MONDAY, 6.0), ("A", NEXT, 1.0), ("B", MONDAY, 4.0)]
    changes = spark.createDataFrame(
        [(name, ds, ds, True, y, "W", 1, 0.0, 0.0, None, None) for name, ds, y in units], CHANGES
    )
    levels = {"A": None, "B": None, "[total]": "total"}
    listed = spark.createDataFrame(
        [(name, level, {}, MONDAY, "modelled", None) for name, level in levels.items()], LISTED
    )
    found = demand_as_of(summed_as_of(changes, listed, SUNDAY, DayRange(MONDAY, NEXT), WEEKS), SUNDAY, WEEKS).collect()
    totals = {row["ds"]: row["y"] for row in found if row["unique_id"] == "[total]"}
    assert totals == {MONDAY: 10.0}
