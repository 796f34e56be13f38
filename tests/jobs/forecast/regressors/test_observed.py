"""What sales lines and events say of a period, and that nobody knows it before the period is over."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructField, StructType

from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.steps import with_series
from jobs.forecast.regressors.observed import of_lines, viewed
from jobs.forecast.regressors.planned import ALWAYS, before_the_plan
from jobs.forecast.regressors.tables import CALENDAR
from jobs.forecast.sales.tables import SALES
from jobs.forecast.tables import CLICKSTREAM_EVENTS

pytestmark = pytest.mark.unit

WEEKS = Periods("W")
MONDAY, NEXT = date(2026, 3, 2), date(2026, 3, 9)
SUNDAY, NEXT_SUNDAY = date(2026, 3, 8), date(2026, 3, 15)
VALUES = "unique_id string, name string, ds date, known_on date, value double"


def frame(spark: SparkSession, schema: StructType, *rows: dict[str, Any]) -> DataFrame:
    loose = StructType([StructField(one.name, one.dataType) for one in schema])
    return spark.createDataFrame([{name: row.get(name) for name in schema.names} for row in rows], loose)


def sold(day: int, quantity: float, price: str, *, series: bool = False, **more: Any) -> dict[str, Any]:
    moment = datetime(2026, 3, day, 12, tzinfo=UTC)
    row = {"line_id": f"{day}-{quantity}", "sold_day": moment.date(), "sold_at": moment, "item_id": "MUG"}
    return row | {"quantity": quantity, "unit_price": Decimal(price), "is_series": series} | more


def rows_of(found: DataFrame) -> list[tuple[Any, ...]]:
    return sorted(
        tuple(row[name] for name in ("unique_id", "name", "ds", "known_on", "value")) for row in found.collect()
    )


def test_a_period_has_the_price_of_its_units_and_the_share_of_its_promotions(spark: SparkSession) -> None:
    lines = frame(
        spark,
        SALES.schema,
        sold(2, 3.0, "2.00", promotion=True, stock=9.0, extra_numbers={"temperature": 10.0}),
        sold(4, 1.0, "4.00", promotion=False, stock=7.0, extra_numbers={"temperature": 14.0}),
        # A return, and a gift, say nothing of the price; the gift is a line that was not promoted.
        sold(5, -2.0, "9.00", promotion=True),
        sold(6, 5.0, "0.00"),
        sold(9, 0.0, "3.00", series=True),
    )
    named = with_series(lines, ["item_id"]).withColumn("ds", WEEKS.of_line())
    found = of_lines(named, ["price", "promotion", "stock", "temperature"], WEEKS)
    assert rows_of(found) == [
        ("MUG", "price", MONDAY, SUNDAY, 2.5),
        ("MUG", "price", NEXT, NEXT_SUNDAY, 3.0),
        ("MUG", "promotion", MONDAY, SUNDAY, 0.333333333),
        ("MUG", "stock", MONDAY, SUNDAY, 7.0),
        ("MUG", "temperature", MONDAY, SUNDAY, 12.0),
    ]


def test_people_who_saw_a_product_are_counted_and_bots_are_not(spark: SparkSession) -> None:
    def event(number: int, day: int, **more: Any) -> dict[str, Any]:
        whole = {"event_id": str(number), "event_name": "view_item", "event_date": date(2026, 3, day), "is_bot": False}
        return whole | {"item_id": "MUG"} | more

    events = frame(
        spark,
        CLICKSTREAM_EVENTS.schema,
        event(1, 2),
        event(2, 3, item_id=None, items=[{"item_id": "MUG"}, {"item_id": "LAMP"}, {"item_id": "MUG"}]),
        event(3, 4, is_bot=True),
        event(4, 5, event_name="purchase"),
        event(5, 10, item_id=None),
    )
    items = spark.createDataFrame([("S1/MUG", "MUG"), ("S2/MUG", "MUG")], "unique_id string, item_id string")
    found = viewed(events, items, [date(2026, 2, 23), MONDAY, NEXT, date(2026, 3, 16)], WEEKS)
    shown = [(row["unique_id"] or "all", row["ds"].day, row["known_on"].day, row["value"]) for row in found.collect()]
    # Nothing is known before the first event, or after the week of the last.
    assert sorted(shown) == [
        ("S1/MUG", 2, 8, 2.0),
        ("S2/MUG", 2, 8, 2.0),
        ("all", 2, 8, 0.0),
        ("all", 9, 15, 0.0),
    ]


def test_before_the_plan_begins_the_sales_say_what_was(spark: SparkSession) -> None:
    third = date(2026, 3, 16)
    seen = spark.createDataFrame(
        [
            ("MUG", "promotion", MONDAY, SUNDAY, 0.4),
            ("MUG", "promotion", NEXT, NEXT_SUNDAY, 0.6),
            ("MUG", "price", NEXT, NEXT_SUNDAY, 2.9),
            ("LAMP", "price", NEXT, NEXT_SUNDAY, 8.0),
        ],
        VALUES,
    )
    entry = {"name": "promotion", "first_day": NEXT, "last_day": date(2026, 3, 22), "value": 1.0, "known_on": MONDAY}
    entries = frame(spark, CALENDAR.schema, entry, entry | {"name": "price", "unique_id": "MUG"})
    planned = spark.createDataFrame(
        [
            (None, "promotion", NEXT, ALWAYS, 0.0),
            (None, "promotion", third, MONDAY, 1.0),
            ("MUG", "price", NEXT, MONDAY, 3.0),
        ],
        VALUES,
    )
    found = before_the_plan(planned, seen, entries)
    own = sorted(tuple(row) for row in found.collect() if row["unique_id"])
    assert own == [
        ("LAMP", "price", NEXT, NEXT_SUNDAY, 8.0),
        ("MUG", "price", NEXT, MONDAY, 3.0),
        ("MUG", "promotion", MONDAY, SUNDAY, 0.4),
    ]
    assert found.where("unique_id IS NULL").count() == 2
