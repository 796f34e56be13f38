"""Canonical values without Spark: times, numbers, booleans and ids by the rules of docs/sources.md."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql.types import BooleanType, DecimalType, DoubleType, IntegerType, StringType, TimestampType

from common.sources.mapping.conversion import TIME
from common.sources.mapping.model import Source
from deploy.feeds.values import converted, is_given

pytestmark = pytest.mark.unit

MONEY = DecimalType(18, 4)


def _value(value: object, wanted: object, *, column: object = "a", **keys: object) -> object:
    source = Source.model_validate({"name": "s", "format": "csv", "columns": {"c": column}, **keys})
    return converted(value, wanted, source.columns["c"], source)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-07-01T10:00:00Z", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-07-01 12:00:00+02", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-07-01 12:00:00.5 +0200", datetime(2024, 7, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2024-07-01 10:00:00 UTC", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-07-01 12:00:00", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        ("2024-07-01 06:00:00 America/New_York", datetime(2024, 7, 1, 10, tzinfo=UTC)),
        # A date stays that date in the zone of the source and in UTC.
        ("2024-07-01", datetime(2024, 7, 1, tzinfo=UTC)),
        ("20240701", datetime(2024, 7, 1, tzinfo=UTC)),
        ("0001-01-01 00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("2024-02-30", None),
        ("10:00", None),
        ("soon", None),
    ],
)
def test_times_in_text_are_read_local_to_the_zone_of_the_source(text, moment):
    assert _value(text, TimestampType(), time_zone="Europe/Berlin") == moment


def test_a_date_begins_when_it_has_begun_in_both_zones():
    tokyo = _value("2024-07-01", TimestampType(), time_zone="Asia/Tokyo")
    new_york = _value("2024-07-01", TimestampType(), time_zone="America/New_York")
    assert tokyo == datetime(2024, 7, 1, tzinfo=UTC)
    assert new_york == datetime(2024, 7, 1, 4, tzinfo=UTC)


def test_times_by_pattern_and_by_count():
    pattern = {"expr": "a", "timestamp_format": "dd.MM.yyyy HH:mm"}
    assert _value("01.07.2024 12:00", TimestampType(), column=pattern, time_zone="Europe/Berlin") == datetime(
        2024, 7, 1, 10, tzinfo=UTC
    )
    assert _value("01.13.2024 12:00", TimestampType(), column=pattern) is None
    # Fractions of any length, or none, and every spelling of an offset are read by one pattern.
    long = {"expr": "a", "timestamp_format": "EEE d MMM yyyy HH:mm:ss.SSSXXX"}
    for text in ("Mon 1 Jul 2024 12:00:00.000000+02:00", "Mon 1 Jul 2024 12:00:00+0200", "Mon 1 Jul 2024 10:00:00.0Z"):
        assert _value(text, TimestampType(), column=long) == datetime(2024, 7, 1, 10, tzinfo=UTC)
    assert _value("1714989600000", TimestampType(), column={"expr": "a", "epoch": "ms"}) == datetime(
        2024, 5, 6, 10, tzinfo=UTC
    )
    # Milliseconds that are said to be seconds: a year that nobody lives to see.
    assert _value("1714989600000", TimestampType(), column={"expr": "a", "epoch": "s"}) is None
    assert _value(
        "2024-07-01 12:00:00", StringType(), column={"expr": "a", "timestamp_format": "yyyy-MM-dd HH:mm:ss"}
    ) == ("2024-07-01T12:00:00.000000Z")


@pytest.mark.parametrize(
    ("text", "keys", "number"),
    [
        ("12.50", {}, Decimal("12.5000")),
        (" 12.50 ", {}, Decimal("12.5000")),
        ("1e3", {}, Decimal("1000.0000")),
        ("1,234.50", {}, None),
        ("1,234.50", {"thousands": ","}, Decimal("1234.5000")),
        ("1.234,50", {"decimal": ",", "thousands": "."}, Decimal("1234.5000")),
        ("€12,00", {"decimal": ","}, Decimal("12.0000")),
        ("12,00 zł", {"decimal": ","}, Decimal("12.0000")),
        ("Rs. 1,23,456.50", {"thousands": ","}, Decimal("123456.5000")),
        ("12,00 EUR", {"decimal": ","}, Decimal("12.0000")),
        ("(12.00)", {"decimal": "."}, Decimal("-12.0000")),
        ("12.50-", {"decimal": "."}, Decimal("-12.5000")),
        ("\u221212.50", {"decimal": "."}, Decimal("-12.5000")),
        ("12,-", {"decimal": ","}, None),
        ("1 234,5", {"decimal": ",", "thousands": " "}, Decimal("1234.5000")),
        ("12,50", {"thousands": ","}, None),
        # More decimals than are kept: refused, not rounded.
        ("0.00001234", {}, None),
        ("NaN", {}, None),
        ("99999999999999999", {}, None),
    ],
)
def test_amounts_are_read_exactly_by_declared_marks_or_not_at_all(text, keys, number):
    assert _value(text, MONEY, **keys) == number


def test_numbers_of_other_types():
    assert _value(36.900000000000006, MONEY) == Decimal("36.9000")
    assert _value("3", IntegerType()) == 3
    assert _value("3.5", IntegerType()) is None
    assert _value("9007199254740993", DoubleType()) is None
    assert _value("2.5", DoubleType()) == 2.5


def test_booleans_as_people_write_them():
    assert [_value(text, BooleanType()) for text in ("1.0", "0", "T", " yes ", "No", "unknown", True)] == [
        True,
        False,
        True,
        True,
        False,
        None,
        True,
    ]


def test_words_for_no_answer_are_nothing_to_a_boolean_and_any_other_word_is_something():
    given = ("", "unknown", " Unlabelled ", "NULL", float("nan"), "fraud", "2", False)
    assert [is_given(one, BooleanType()) for one in given] == [*[False] * 5, *[True] * 3]


def test_a_time_that_the_job_reads_itself_is_left_to_it_and_others_are_made_plain():
    spelt = {
        "2024-07-01T10:00:00.5+02": "2024-07-01T10:00:00.5+02",
        "2024-07-01 10:00": "2024-07-01 10:00",
        "20240701": "2024-07-01T00:00:00.000000Z",
        "2024-07-01 12:00:00 Europe/Berlin": "2024-07-01T10:00:00.000000Z",
        "1714989600": "1714989600",
        "soon": "soon",
    }
    source = Source.model_validate({"name": "s", "format": "csv", "columns": {"c": "a"}})
    found = {text: converted(text, StringType(), source.columns["c"], source, TIME) for text in spelt}
    assert found == spelt


def test_ids_keep_their_text():
    assert _value(" 00123 ", StringType()) == "00123"
    assert _value(10.0, StringType()) == "10"
    assert _value(12345678901234567890, StringType()) == "12345678901234567890"
    assert _value(date(2024, 7, 1), StringType()) == "2024-07-01"
