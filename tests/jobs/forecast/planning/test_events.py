"""Promotions and events in the periods that are forecast, and lately."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.demand.periods import Periods
from jobs.forecast.planning.events import events_of, is_event, said_of_all, said_of_series, with_events
from jobs.forecast.planning.exceptions import Look

pytestmark = pytest.mark.unit

AS_OF, LAST, HORIZON = date(2026, 3, 1), date(2026, 2, 23), 3
WEEKLY = Look(Periods("W"), 4)
BEFORE, YESTERDAY, LATER = date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 2)


def week(number: int) -> date:
    """0 is the last known week, 1 the first one that is forecast."""
    return LAST + timedelta(days=7 * number)


def test_what_is_planned_and_was_lately_is_said_as_it_was_known(spark: SparkSession) -> None:
    ahead, lagged = "known_ahead", "lagged"
    rows = [
        ("mug", "promotion", ahead, week(1), BEFORE, 0.4),
        ("mug", "promotion", ahead, week(2), YESTERDAY, 1.0),
        # Taken back before the day of the run; decided after it; beyond the horizon.
        ("mug", "promotion", ahead, week(3), BEFORE, 1.0),
        ("mug", "promotion", ahead, week(3), YESTERDAY, 0.0),
        ("cup", "promotion", ahead, week(1), LATER, 1.0),
        ("cup", "fair", ahead, week(3), BEFORE, 1.0),
        ("cup", "promotion", ahead, week(4), BEFORE, 1.0),
        ("bag", "promotion", lagged, week(0), BEFORE, 0.1),
        ("bag", "promotion", lagged, week(-2), BEFORE, 0.2),
        ("bag", "promotion", lagged, week(-4), BEFORE, 0.2),
        # Neither a promotion nor an event.
        ("bag", "visitors", lagged, week(0), BEFORE, 9.0),
        ("bag", "price", ahead, week(1), BEFORE, 9.0),
        (None, "holidays", ahead, week(1), BEFORE, 1.0),
        (None, "market", ahead, week(2), BEFORE, 1.0),
        *((None, "degrees", ahead, week(n), BEFORE, 9.0) for n in range(-8, 4)),
    ]
    regressors = spark.createDataFrame(
        rows, "unique_id string, name string, kind string, ds date, known_on date, value double"
    )
    events = events_of(regressors.where(is_event()), WEEKLY, LAST, HORIZON, AS_OF).persist()
    # Degrees are other than zero in 12 of the 23 weeks looked at: no event.
    assert [row["words"] for row in said_of_all(events, WEEKLY, HORIZON).collect()] == [
        "market in 1 of the next 3 weeks, first 2026-03-09"
    ]
    trials = spark.createDataFrame(
        [("mug", "lightgbm_x", 0.3, {"promotion": ahead}), ("cup", "lightgbm_x", 0.3, {"promotion": ahead})],
        "unique_id string, model string, weight double, regressors map<string,string>",
    )
    said = said_of_series(events, trials, WEEKLY, LAST, HORIZON)
    everybody = spark.createDataFrame([("mug",), ("cup",), ("bag",), ("lid",)], "unique_id string")
    found = {row["unique_id"]: tuple(row)[1:] for row in with_events(everybody, said).collect()}
    assert found == {
        "mug": ("promotion in 2 of the next 3 weeks, first 2026-03-02; its forecast knows of that", None, False),
        "cup": ("fair in 1 of the next 3 weeks, first 2026-03-16; its forecast does not know of that", None, False),
        "bag": (None, "promotion in 2 of the last 4 weeks, last 2026-02-23", True),
        "lid": (None, None, None),
    }
    nothing = with_events(everybody, None)
    assert nothing.columns == ["unique_id", "ahead", "lately", "is_last_promoted"]
