"""Overrides of planners: which hold as of a day, and what they make of a forecast."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.overrides.steps import fitted, judged_overrides, overridden
from jobs.forecast.overrides.tables import OVERRIDES
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

W1, W2, W3, W9 = date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16), date(2026, 4, 27)
AS_OF = date(2026, 3, 1)


def made(day: int, hour: int = 9) -> datetime:
    return datetime(2026, 2, day, hour, tzinfo=UTC)


def test_what_was_made_by_the_day_holds_and_the_statistical_forecast_stays_beside_it(spark: SparkSession) -> None:
    names = list(QUANTILES)
    # Quantiles 1 to 9 above 10 - 5: the first is 6, the last 14.
    rows = [(name, ds, 10.0, *(float(6 + n) for n in range(9))) for name in ("mug", "bag") for ds in (W1, W2, W3)]
    columns = ", ".join(f"{name} double" for name in ("y_hat", *names))
    forecasts = spark.createDataFrame(rows, f"unique_id string, ds date, {columns}")
    given = [
        ("mug", W1, W2, 2.0, None, "closed on Tuesday", made(20)),
        ("mug", W2, None, None, 1.5, "leaflet", made(21)),
        ("mug", W3, None, 1.0, None, "too late", datetime(2026, 3, 2, 9, tzinfo=UTC)),
        ("mug", W9, None, 1.0, None, "beyond the horizon", made(20)),
        ("cup", W1, None, 1.0, None, "unknown", made(20)),
        ("bag", W1, None, 1.0, None, "one", made(20)),
        ("bag", W1, None, 2.0, None, "another", made(20)),
        ("bag", W2, None, -1.0, None, "negative", made(20)),
        ("bag", W2, None, 1.0, 2.0, "both", made(20)),
        ("bag", W2, None, None, None, "neither", made(20)),
        ("bag", W2, W1, 1.0, None, "ends before it begins", made(20)),
        ("bag", W2, None, 1.0, None, " ", made(20)),
    ]
    overrides = spark.createDataFrame(given, OVERRIDES.schema)
    fits = fitted(judged_overrides(overrides, AS_OF), forecasts).persist()
    assert sorted((row["reason"], row["ds"], row["fate"]) for row in fits.where("ds IS NOT NULL").collect()) == [
        ("another", W1, "contradictory"),
        ("closed on Tuesday", W1, "holds"),
        ("closed on Tuesday", W2, "replaced by a later one"),
        ("leaflet", W2, "holds"),
        ("one", W1, "contradictory"),
    ]
    assert {row["fate"]: row["count"] for row in fits.where("ds IS NULL").groupBy("fate").count().collect()} == {
        "made later": 1,
        "no such series or period": 2,
        "invalid": 5,
    }
    found = {(row["unique_id"], row["ds"]): row for row in overridden(forecasts, fits).collect()}
    first, second, third = (found["mug", ds] for ds in (W1, W2, W3))
    # 8 units fewer: 6 and 7 would be negative, the median goes from 9 to 1, the last from 14 to 6.
    assert [first[name] for name in ("y_hat", "q025", "q500", "q990")] == [2.0, 0.0, 1.0, 6.0]
    assert (first["statistical_y_hat"], first["override_reason"]) == (10.0, "closed on Tuesday")
    assert [second[name] for name in ("y_hat", "q025", "q990")] == [15.0, 9.0, 21.0]
    assert [third[name] for name in ("y_hat", "q025", "statistical_y_hat", "override_reason")] == [
        10.0,
        6.0,
        None,
        None,
    ]
    assert {found["bag", ds]["override_reason"] for ds in (W1, W2, W3)} == {None}
