"""Public holidays by the place of a series: each as far as its first sales say where it is sold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StructField, StructType

from jobs.forecast.demand.steps import with_series
from jobs.forecast.regressors.places import holidays_by_place, places_of_series
from jobs.forecast.regressors.planned import ALWAYS
from jobs.forecast.sales.tables import SALES

pytestmark = pytest.mark.unit

MONDAY, BASTILLE, LATER = date(2026, 7, 6), date(2026, 7, 13), date(2026, 7, 20)


def sold(day: int, item: str, country: str | None) -> dict[str, Any]:
    moment = datetime(2026, 3, day, 12, tzinfo=UTC)
    row = {"line_id": f"{day}-{item}-{country}", "sold_day": moment.date(), "sold_at": moment, "item_id": item}
    return row | {"quantity": 1.0, "is_series": False, "country": country}


def test_the_place_of_a_series_is_that_of_its_sales_since_the_first_one_there(spark: SparkSession) -> None:
    loose = StructType([StructField(one.name, one.dataType) for one in SALES.schema])
    rows = [sold(2, "MUG", "United Kingdom"), sold(9, "MUG", "EIRE"), sold(3, "MUG", "EIRE"), sold(4, "LAMP", None)]
    rows.append(sold(5, "CUP", "Atlantis"))
    lines = spark.createDataFrame([{name: row.get(name) for name in loose.names} for row in rows], loose)
    found = places_of_series(with_series(lines, ["item_id"]), "country", {"United Kingdom": "GB", "EIRE": "IE"})
    assert sorted(tuple(row) for row in found.collect()) == [
        ("CUP", "Atlantis", None, date(2026, 3, 5)),
        ("MUG", "EIRE", "IE", date(2026, 3, 3)),
        ("MUG", "United Kingdom", "GB", date(2026, 3, 2)),
    ]


def test_a_series_has_the_holidays_of_its_place_and_the_mean_of_several_once_it_is_sold_there(
    spark: SparkSession,
) -> None:
    places = spark.createDataFrame(
        [
            ("PAIN", "France", "FR", date(2026, 1, 2)),
            ("MUG", "United Kingdom", "GB", date(2026, 1, 2)),
            ("MUG", "France", "FR", date(2026, 2, 3)),
            ("CUP", "Atlantis", None, date(2026, 1, 2)),
        ],
        "unique_id string, value string, place string, since date",
    )
    weeks = [("FR", MONDAY, 0.0), ("FR", BASTILLE, 1.0), ("FR", LATER, 0.0)]
    weeks += [("GB", MONDAY, 0.0), ("GB", BASTILLE, 0.0), ("GB", LATER, 2.0)]
    counted = spark.createDataFrame(weeks, "place string, ds date, value double")
    found = holidays_by_place(places, counted).collect()
    assert {row["name"] for row in found} == {"holidays"}
    shown = [(row["unique_id"] or "", row["ds"], row["known_on"], row["value"]) for row in found]
    assert sorted(shown) == [
        ("", MONDAY, ALWAYS, 0.0),
        ("", BASTILLE, ALWAYS, 0.0),
        ("", LATER, ALWAYS, 0.0),
        ("MUG", BASTILLE, date(2026, 2, 3), 0.5),
        ("MUG", LATER, ALWAYS, 2.0),
        ("MUG", LATER, date(2026, 2, 3), 1.0),
        ("PAIN", BASTILLE, ALWAYS, 1.0),
    ]


def test_two_places_of_one_day_are_both_known_on_it(spark: SparkSession) -> None:
    day = date(2026, 1, 2)
    places = spark.createDataFrame(
        [("MUG", "IT", "IT", date(2025, 1, 2)), ("MUG", "FR", "FR", day), ("MUG", "GB", "GB", day)],
        "unique_id string, value string, place string, since date",
    )
    counted = spark.createDataFrame([("GB", LATER, 3.0)], "place string, ds date, value double")
    own = holidays_by_place(places, counted).where("unique_id IS NOT NULL").collect()
    assert [(row["known_on"], row["value"]) for row in own] == [(day, 1.0)]
