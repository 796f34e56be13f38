"""Overrides of planners: which hold as of a day, and what they make of a forecast."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.intake.fates import FATE
from jobs.forecast.overrides.feed import override_rows, override_rules, prepared_overrides, settled_overrides
from jobs.forecast.overrides.steps import fitted, judged_overrides, overridden
from jobs.forecast.overrides.tables import KNOWN_OVERRIDES, OVERRIDES, OVERRIDES_FEED
from jobs.forecast.trials.tables import QUANTILES

pytestmark = pytest.mark.unit

W1, W2, W3, W9 = date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 16), date(2026, 4, 27)
AS_OF = date(2026, 3, 1)
PLACE = ("read_error", "_file", "_line", "_file_sha256", "_batch_id")
MAPPED = StructType([*OVERRIDES_FEED.fields, *(StructField(name, StringType()) for name in PLACE)])


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
    # A table that the planners' own tool writes has no made_day; the last row has one, by a clock behind UTC.
    after = datetime(2026, 3, 2, 1, tzinfo=UTC)
    rows = [*((*row, None) for row in given), ("mug", W3, None, None, 3.0, "made in time", after, AS_OF)]
    overrides = spark.createDataFrame(rows, KNOWN_OVERRIDES.schema)
    fits = fitted(judged_overrides(overrides, AS_OF), forecasts).persist()
    assert sorted((row["reason"], row["ds"], row["fate"]) for row in fits.where("ds IS NOT NULL").collect()) == [
        ("another", W1, "contradictory"),
        ("closed on Tuesday", W1, "holds"),
        ("closed on Tuesday", W2, "replaced by a later one"),
        ("leaflet", W2, "holds"),
        ("made in time", W3, "holds"),
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
        30.0,
        18.0,
        10.0,
        "made in time",
    ]
    assert {found["bag", ds]["override_reason"] for ds in (W1, W2, W3)} == {None}


def settled(
    spark: SparkSession, *changes: dict[str, Any], stored: DataFrame | None = None, zone: str = "UTC"
) -> list[Any]:
    """What becomes of a good row with each of these changes, line by line."""
    good = {
        "unique_id": "mug",
        "first_ds": datetime(2026, 3, 2, tzinfo=UTC),
        "factor": 1.5,
        "reason": "leaflet",
        "made_at": made(20),
        "_file": "f",
        "_file_sha256": "0",
        "_batch_id": "now",
    }
    rows = [good | {"_line": f"{n:02}"} | change for n, change in enumerate(changes)]
    mapped = spark.createDataFrame([{name: row.get(name) for name in MAPPED.names} for row in rows], MAPPED)
    rules = override_rules(datetime(2026, 3, 1, tzinfo=UTC), date(1970, 1, 2))
    found = settled_overrides(prepared_overrides(override_rows(mapped, ["store", "item_id"], zone), rules), stored)
    return sorted(found.collect(), key=lambda row: row["_line"])


def test_each_override_that_cannot_be_used_has_its_reason(spark: SparkSession) -> None:
    found = settled(
        spark,
        {"unique_id": " "},
        {"first_ds": None},
        {"factor": None},
        {"y_hat": 2.0},
        {"factor": -0.5},
        {"factor": None, "y_hat": float("nan")},
        {"reason": " "},
        {"made_at": None},
        {"made_at": datetime(2026, 3, 1, 1, tzinfo=UTC)},
        {"made_at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"last_ds": datetime(2026, 3, 1, tzinfo=UTC)},
        {"factor": 0.0},
    )
    assert [[reason[:7] for reason in row["reasons"]] for row in found] == [
        ["FCT-191"],
        ["FCT-192"],
        ["FCT-193"],
        ["FCT-193"],
        ["FCT-194"],
        ["FCT-194"],
        ["FCT-195"],
        ["FCT-196"],
        ["FCT-197"],
        ["FCT-198"],
        ["FCT-199"],
        [],
    ]


def test_an_override_is_known_from_its_day_by_the_clock_of_its_feed_and_once(spark: SparkSession) -> None:
    late = {"made_at": datetime(2026, 2, 20, 23, 30, tzinfo=UTC), "reason": "leaflet "}
    parts = {"unique_id": None, "item_id": "CUP", "store": "S/1"}
    first = settled(spark, late, late | {"reason": "leaflet"}, late | {"factor": 2.0}, parts, zone="Europe/Berlin")
    assert [row[FATE] for row in first] == ["new", "repeated", "new", "new"]
    assert [row["made_day"] for row in first] == [date(2026, 2, 21)] * 3 + [date(2026, 2, 20)]
    assert [(row["unique_id"], row["first_ds"], row["last_ds"]) for row in first[2:]] == [
        ("mug", W1, None),
        ("S%2F1/CUP", W1, None),
    ]
    kept = [{name: row[name] for name in OVERRIDES.schema.names} for row in first if row[FATE] == "new"]
    stored = spark.createDataFrame(kept, OVERRIDES.schema)
    again = settled(spark, late, late | {"factor": 3.0}, stored=stored, zone="Europe/Berlin")
    assert [row[FATE] for row in again] == ["repeated", "new"]
