"""Calendars: what becomes of each row, for whom an entry holds, and how far a plan must reach."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.errors import UsageError
from common.intake.fates import FATE
from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.horizons import check_ends, ends_of_calendars
from jobs.forecast.regressors.planned import ALWAYS, of_no_series, planned, scoped
from jobs.forecast.regressors.steps import calendar_rows, calendar_rules, prepared_calendar, settled_calendar
from jobs.forecast.regressors.tables import CALENDAR, CALENDAR_FEED

pytestmark = pytest.mark.unit

LATEST = datetime(2026, 3, 10, tzinfo=UTC)
PLACE = ("read_error", "_file", "_line", "_file_sha256", "_batch_id")
MAPPED = StructType([*CALENDAR_FEED.fields, *(StructField(name, StringType()) for name in PLACE)])
MONDAY, SUNDAY = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC)
ENTRY = {"name": "promotion", "item_id": "MUG", "starts_on": MONDAY, "ends_on": SUNDAY, "value": 1.0}
ENTRY |= {"known_at": datetime(2026, 2, 1, tzinfo=UTC), "_file": "f", "_line": "1", "_file_sha256": "0"}
WEEKS = Periods("W")
BEFORE, LATER = date(2026, 2, 1), date(2026, 3, 3)


def settled(spark: SparkSession, *rows: dict[str, Any], stored: DataFrame | None = None) -> list[Any]:
    whole = [{name: (row | {"_batch_id": "now"}).get(name) for name in MAPPED.names} for row in rows]
    lines = calendar_rows(spark.createDataFrame(whole, MAPPED))
    found = settled_calendar(prepared_calendar(lines, calendar_rules(LATEST, date(1970, 1, 2))), stored).collect()
    return sorted(found, key=lambda row: row["_line"])


def entries(spark: SparkSession, *rows: tuple[Any, ...]) -> DataFrame:
    """Name, series, product, store, first and last day, value, the day from which on it is known."""
    names = ("name", "unique_id", "item_id", "store", "first_day", "last_day", "value", "known_on")
    whole = [{name: dict(zip(names, row, strict=True)).get(name) for name in CALENDAR.schema.names} for row in rows]
    schema = StructType([StructField(one.name, one.dataType) for one in CALENDAR.schema])
    return spark.createDataFrame(whole, schema)


def test_each_row_that_plans_nothing_has_its_reason(spark: SparkSession) -> None:
    bad = [
        {"name": " "},
        {"starts_on": None, "ends_on": None},
        {"known_at": None},
        {"ends_on": datetime(2026, 3, 1, tzinfo=UTC)},
        {"known_at": datetime(2026, 4, 1, tzinfo=UTC)},
        {"value": None},
        {"value": float("inf")},
        {"known_at": datetime(1900, 1, 1, tzinfo=UTC)},
    ]
    found = settled(spark, *(ENTRY | change | {"_line": str(n)} for n, change in enumerate(bad)))
    assert [[reason[:7] for reason in row["reasons"]] for row in found] == [
        ["FCT-161"],
        ["FCT-162"],
        ["FCT-163"],
        ["FCT-164"],
        ["FCT-165"],
        ["FCT-166"],
        ["FCT-166"],
        ["FCT-167"],
    ]


def test_the_same_entry_counts_once_and_another_decision_is_another_entry(spark: SparkSession) -> None:
    rows = [
        ENTRY,
        ENTRY | {"_line": "2"},
        ENTRY | {"_line": "3", "value": 0.0, "known_at": datetime(2026, 2, 20, tzinfo=UTC)},
        ENTRY | {"_line": "4", "starts_on": None, "ends_on": None, "ds": MONDAY},
        ENTRY | {"_line": "5", "ends_on": None},
    ]
    found = settled(spark, *rows)
    assert [row[FATE] for row in found] == ["new", "repeated", "new", "new", "new"]
    days = [(row["first_day"].day, row["last_day"] and row["last_day"].day, str(row["known_on"])) for row in found]
    assert days == [(2, 8, "2026-02-01"), (2, 8, "2026-02-01"), (2, 8, "2026-02-20"), (2, None, "2026-02-01"),
                    (2, 2, "2026-02-01")]  # fmt: skip
    kept = [{name: row[name] for name in CALENDAR.schema.names} for row in found if row[FATE] == "new"]
    stored = spark.createDataFrame(kept, CALENDAR.schema)
    assert [row[FATE] for row in settled(spark, *rows, stored=stored)] == ["repeated"] * 5


def test_an_entry_holds_for_its_series_its_product_its_store_or_for_all(spark: SparkSession) -> None:
    items = spark.createDataFrame(
        [("S1/MUG", "MUG", "S1"), ("S2/MUG", "MUG", "S2"), ("S1/LAMP", "LAMP", "S1")],
        "unique_id string, item_id string, store string",
    )
    week = (date(2026, 3, 2), date(2026, 3, 8))
    rows = [
        ("promotion", None, None, None, date(2026, 3, 2), date(2026, 3, 29), 0.0, BEFORE),
        ("promotion", None, "MUG", None, *week, 1.0, BEFORE),
        ("promotion", None, None, "S1", *week, 0.5, BEFORE),
        ("promotion", "S1/MUG", None, None, *week, 0.7, LATER),
        # A value of a period holds for all of it, whatever day of it is named.
        ("event", None, None, None, date(2026, 3, 11), None, 2.0, BEFORE),
    ]
    found = planned(scoped(entries(spark, *rows), items, WEEKS), [date(2026, 3, 2), date(2026, 3, 9)], WEEKS)
    shown = sorted(tuple(row) for row in found.collect() if row["known_on"] != ALWAYS and row["unique_id"])
    first, second = date(2026, 3, 2), date(2026, 3, 9)
    # Of an entry for the product and one for the store, both as special and as old, the smaller value holds.
    assert shown == [
        ("S1/LAMP", "promotion", first, BEFORE, 0.5),
        ("S1/MUG", "promotion", first, BEFORE, 0.5),
        ("S1/MUG", "promotion", first, LATER, 0.7),
        ("S2/MUG", "promotion", first, BEFORE, 1.0),
    ]
    # What is written in another way than in the sales, or is sold in the other store only, holds for nobody.
    strangers = [("s1/mug", None, None), (None, "mug", None), (None, None, "S3"), (None, "LAMP", "S2")]
    others = [("promotion", *scope, *week, 1.0, BEFORE) for scope in strangers]
    lost = of_no_series(entries(spark, *rows, *others), items, items.select("unique_id"))
    assert {(row["unique_id"], row["item_id"], row["store"]) for row in lost.collect()} == set(strangers)
    for_all = sorted(tuple(row)[1:] for row in found.collect() if row["unique_id"] is None)
    assert for_all == [
        ("event", second, ALWAYS, 0.0),
        ("event", second, BEFORE, 2.0),
        ("promotion", first, ALWAYS, 0.0),
        ("promotion", first, BEFORE, 0.0),
        ("promotion", second, ALWAYS, 0.0),
        ("promotion", second, BEFORE, 0.0),
    ]


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        # From 1 March two weeks are forecast, up to the 15th; from 22 February up to 8 March.
        ([("promotion", None, 15, 1)], None),
        ([("promotion", None, 14, 1)], "The calendar of promotion, as known on 2026-03-01, ends before 2026-03-15"),
        # Announced on Monday the 23rd of February: unknown at the earlier origin.
        ([("promotion", None, 15, 23)], "The calendar of promotion, as known on 2026-02-22, ends before 2026-03-08"),
        ([("price", "A", 15, 1), ("price", "B", 14, 1)], "The calendar of price of 1 series, as known on 2026-03-01"),
        ([("price", "A", 15, 1)], None),
        ([("price", None, 15, 1), ("price", "B", 14, 1)], None),
        ([("price", "A", 15, 23)], "The calendar of price, as known on 2026-02-22"),
    ],
)
def test_a_plan_must_reach_as_far_as_the_forecast_from_every_origin(
    spark: SparkSession, rows: list[tuple[str, str | None, int, int]], refused: str | None
) -> None:
    calendar = [
        (name, series, None, None, date(2026, 2, 1), date(2026, 3, last), 1.0, date(2026, 2, known))
        for name, series, last, known in rows
    ]
    series = spark.createDataFrame([("A",), ("B",)], "unique_id string")
    given = scoped(entries(spark, *calendar), None, WEEKS)
    cutoffs = (date(2026, 2, 23), date(2026, 2, 16))
    ends = ends_of_calendars(given, series, WEEKS, cutoffs, 2).collect()
    if refused is None:
        check_ends(ends, WEEKS, cutoffs, 2)
        return
    with pytest.raises(UsageError, match=refused) as error:
        check_ends(ends, WEEKS, cutoffs, 2)
    assert error.value.code == "FCT-072"
