"""Times of every spelling become their instant, and a date stays the date that it is."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType, TimestampType

from common.sources.mapping.canonical import canonical
from common.sources.mapping.conversion import READS, TIME
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

TARGET = StructType([StructField("at", TimestampType())])
BAD = "cannot be read"


def read(
    spark: SparkSession, values: list[Any], kind: str = "string", zone: str = "Europe/Berlin", how: str = ""
) -> list[str | None]:
    """Each value mapped to a time, as text in UTC; BAD for one with a reason."""
    mapping = f"{{expr: x, {how}}}" if how else "x"
    source = Source.parse(f"format: parquet\ntime_zone: {zone}\ncolumns: {{at: {mapping}}}\n", name="tested")
    raw = spark.createDataFrame([(n, value) for n, value in enumerate(values)], f"n int, x {kind}").repartition(1)
    # As text: Python has no year 10000, and no session with another zone may move it.
    rows = canonical(raw, source, TARGET).selectExpr("cast(at as string) AS at", "_reason").collect()
    return [BAD if row["_reason"] else row["at"] for row in rows]


def check(spark: SparkSession, wanted: dict[str, str | None], **more: str) -> None:
    assert dict(zip(wanted, read(spark, list(wanted), **more), strict=True)) == wanted


def test_offsets_of_every_spelling_and_zones_by_name_are_the_same_instant(spark: SparkSession) -> None:
    ten = "2024-07-01 10:00:00"
    check(
        spark,
        dict.fromkeys(
            (
                "2024-07-01 10:00:00+00",
                "2024-07-01 10:00:00+00:00",
                "2024-07-01 12:00:00+02",
                "2024-07-01 12:00:00+2",
                "2024-07-01 12:00:00 +0200",
                "2024-07-01T12:00:00+02:00",
                "2024-07-01T10:00:00Z",
                "2024-07-01T10:00Z",
                "2024-07-01 10:00:00 UTC",
                "2024-07-01 10:00:00GMT",
                "2024-07-01 13:00:00 UTC+3",
                "2024-07-01 12:00:00",
                "2024-07-01 12:00",
                " 2024-07-01 12:00:00 ",
                "2024-07-01 12:00:00 Europe/Berlin",
                "2024-07-01 06:00:00 America/New_York",
                "20240701T120000",
                "20240701T1000Z",
            ),
            ten,
        ),
    )


def test_fractions_of_any_length_are_read_to_the_microsecond(spark: SparkSession) -> None:
    check(
        spark,
        {
            "2024-07-01 12:00:00.5": "2024-07-01 10:00:00.5",
            "2024-07-01 12:00:00,25": "2024-07-01 10:00:00.25",
            "2024-07-01T10:00:00.123456789Z": "2024-07-01 10:00:00.123456",
            "2024-07-01T12:00:00.1234567890123+02:00": "2024-07-01 10:00:00.123456",
        },
    )


def test_what_is_no_time_has_a_reason(spark: SparkSession) -> None:
    texts = (
        "10:00:00",
        "T10:00",
        "2024-02-30",
        "2024-07-01 25:00:00",
        "2024-07-01 12:00:00 CEST",
        "2024-07-01 12:00:00 BST",
        "2024-07-01 12:00:00 Mars/Olympus",
        "2024-07-01 12:00:00+99:00",
        "1719828000",
        "2024",
        "infinity",
        "01.07.2024",
    )
    check(spark, dict.fromkeys(texts, BAD))


@pytest.mark.parametrize(
    ("zone", "moment"),
    [("UTC", "00:00:00"), ("Europe/Berlin", "00:00:00"), ("America/New_York", "04:00:00"), ("Asia/Tokyo", "00:00:00")],
)
def test_a_date_is_that_date_by_the_clock_of_its_zone_and_by_that_of_utc(
    spark: SparkSession, zone: str, moment: str
) -> None:
    # In Berlin 00:00 UTC is two in the morning of the same date; in New York midnight is four in the morning UTC.
    check(spark, dict.fromkeys(("2024-07-01", "20240701", "2024-07"), f"2024-07-01 {moment}"), zone=zone)
    assert read(spark, [20240701], "int", zone) == [f"2024-07-01 {moment}"]


def test_dates_are_listed_and_times_are_not(spark: SparkSession) -> None:
    source = Source.parse("format: parquet\ncolumns: {at: x}\n", name="tested")
    raw = spark.createDataFrame([("2024-07-01",), ("2024-07-01 00:00:00",), ("soon",), (None,)], "x string")
    rows = canonical(raw.repartition(1), source, TARGET).collect()
    assert [row["_date_only"] for row in rows] == [["at"], [], [], []]


def test_numbers_are_dates_when_they_spell_one_and_never_seconds(spark: SparkSession) -> None:
    numbers = [20240506, 202405, 2024, 1719828000, 20241301, 0, -20240506]
    assert read(spark, numbers, "bigint", "UTC") == ["2024-05-06 00:00:00", *[BAD] * 6]
    assert read(spark, [20240506.0, 20240506.5, float("nan")], "double", "UTC") == ["2024-05-06 00:00:00", BAD, BAD]


def test_sentinel_years_are_kept_as_they_are_written(spark: SparkSession) -> None:
    years = ("0001-01-01 00:00:00", "1899-12-30 00:00:00", "1900-01-01 00:00:00", "9999-12-31 23:59:59")
    for zone in ("Europe/Berlin", "America/New_York"):
        check(spark, {year: year for year in years}, zone=zone)
        assert read(spark, ["0001-01-01", "9999-12-31"], "string", zone) == [
            "0001-01-01 00:00:00",
            "9999-12-31 00:00:00",
        ]
    check(spark, {"9999-12-31 23:59:59-05:00": BAD, "0001-01-01 00:00:00+05:00": BAD})


def test_an_epoch_in_another_unit_than_declared_has_a_reason(spark: SparkSession) -> None:
    ten = "2024-07-01 10:00:00"
    counts = {"s": 1719828000, "ms": 1719828000000, "us": 1719828000000000, "ns": 1719828000000000000}
    for unit, count in counts.items():
        others = [other for other in counts.values() if other != count]
        assert read(spark, [count, *others, 0], "bigint", how=f"epoch: {unit}") == [ten, BAD, BAD, BAD, BAD]
    check(spark, {"1719828000.5": "2024-07-01 10:00:00.5", "soon": BAD, "": None}, how="epoch: s")


PATTERNS = {
    "dd.MM.yyyy": {"01.07.2024": "2024-07-01 00:00:00", "1.7.2024": BAD},
    "M/d/yy h:mm a": {"7/1/24 3:05 PM": "2024-07-01 13:05:00", "7/1/24 12:30 am": "2024-06-30 22:30:00"},
    "yyyy-MM-dd HH:mm:ss.SSS": {
        "2024-07-01 12:00:00": "2024-07-01 10:00:00",
        "2024-07-01 12:00:00.123456": "2024-07-01 10:00:00.123456",
    },
    "yyyy-MM-dd'T'HH:mm:ss'Z'": {"2024-07-01T10:00:00Z": "2024-07-01 10:00:00"},
    "yyyy-MM-dd HH:mm:ssX": {
        "2024-07-01 10:00:00Z": "2024-07-01 10:00:00",
        "2024-07-01 12:00:00+02": "2024-07-01 10:00:00",
        "2024-07-01 12:00:00+0200": "2024-07-01 10:00:00",
        "2024-07-01 12:00:00+02:00": "2024-07-01 10:00:00",
    },
    "EEE, dd MMM yyyy HH:mm:ss z": {"Mon, 01 Jul 2024 10:00:00 GMT": "2024-07-01 10:00:00"},
    "yyyyMM": {"202407": "2024-07-01 00:00:00"},
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_read_what_they_say(spark: SparkSession, pattern: str) -> None:
    check(spark, PATTERNS[pattern], how=f'timestamp_format: "{pattern}"')


def test_a_text_that_a_family_types_later_is_made_plain_where_only_the_source_explains_it(spark: SparkSession) -> None:
    target = StructType([StructField("at", StringType(), metadata={READS: TIME})])
    source = Source.parse("format: parquet\ntime_zone: Europe/Berlin\ncolumns: {at: x}\n", name="tested")
    wanted = {
        "2024-07-01": "2024-07-01T00:00:00.000000Z",
        "2024-07-01 12:00:00,5": "2024-07-01T10:00:00.500000Z",
        "2024-07-01 12:00:00 Europe/Berlin": "2024-07-01T10:00:00.000000Z",
        # These are read by the family itself, and what nobody can read stays as it was sent.
        "2024-07-01 12:00:00": "2024-07-01 12:00:00",
        "1719828000000": "1719828000000",
        " soon": "soon",
        "10:00:00": "10:00:00",
    }
    raw = spark.createDataFrame([(text,) for text in wanted], "x string").repartition(1)
    rows = canonical(raw, source, target).collect()
    assert [(row["at"], row["_reason"]) for row in rows] == [(text, None) for text in wanted.values()]
