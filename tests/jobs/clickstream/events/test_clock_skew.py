"""Event times: reading, correcting and judging them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.clickstream.events.clock_skew import (
    TimeLimits,
    in_utc,
    is_future,
    is_impossible,
    timestamp_of,
    with_event_times,
)

pytestmark = pytest.mark.unit

LIMITS = TimeLimits(earliest=date(2000, 1, 1), latest=datetime(2026, 11, 21, 1, tzinfo=UTC))


def read(spark: SparkSession, *texts: str | None) -> list[str | None]:
    rows = spark.createDataFrame([(n, text) for n, text in enumerate(texts)], "n int, text string")
    times = rows.select("n", timestamp_of(F.col("text"), LIMITS).cast("string").alias("time")).orderBy("n")
    return [row["time"] for row in times.collect()]


def test_iso_times_are_read_with_and_without_an_offset(spark: SparkSession) -> None:
    assert read(
        spark,
        "2026-11-20T10:00:00Z",
        "2026-11-20 10:00:00",
        "2026-11-20T12:30:00.250+02:30",
        "2026-11-20T05:00:00-0500",
        "2026-11-20 10:00:00 UTC",
        "2026-11-20T11:00:00 +01",
    ) == ["2026-11-20 10:00:00", "2026-11-20 10:00:00", "2026-11-20 10:00:00.25", *["2026-11-20 10:00:00"] * 3]


def test_epoch_numbers_are_read_in_the_only_unit_that_makes_sense(spark: SparkSession) -> None:
    # 1795168800 s after 1970 is 2026-11-20 10:00:00 UTC.
    assert read(spark, "1795168800", "1795168800500", "1795168800500250", "1795168800.5") == [
        "2026-11-20 10:00:00",
        "2026-11-20 10:00:00.5",
        "2026-11-20 10:00:00.50025",
        "2026-11-20 10:00:00.5",
    ]


def test_what_is_no_time_is_null_and_raises_nothing(spark: SparkSession) -> None:
    texts = ["0", "-1", "12", "20261120", "99999999999999999", "2026", "2026-11-20", "10:00", "2026-13-45T00:00:00"]
    texts += ["now", "NaN", "1e9", ""]
    assert read(spark, *texts, None) == [None] * (len(texts) + 1)


def derived(
    spark: SparkSession, collector: str | None, created: str | None, sent: str | None
) -> tuple[str | None, str | None]:
    schema = "collector_tstamp string, dvce_created_tstamp string, dvce_sent_tstamp string"
    rows = with_event_times(spark.createDataFrame([(collector, created, sent)], schema), LIMITS)
    row = rows.select(F.col("derived_tstamp").cast("string"), "derived_tstamp_source").collect()[0]
    return row[0], row[1]


def test_a_device_clock_a_year_behind_is_corrected_by_its_own_difference(spark: SparkSession) -> None:
    # Created at 08:00 and sent at 08:05 by a clock of 2025; collected at 12:00 in 2026: it happened at 11:55.
    assert derived(spark, "2026-11-20T12:00:00Z", "2025-11-20T08:00:00Z", "2025-11-20T08:05:00Z") == (
        "2026-11-20 11:55:00",
        "skew_corrected",
    )


def test_a_device_that_sends_before_it_creates_is_not_believed(spark: SparkSession) -> None:
    assert derived(spark, "2026-11-20T12:00:00Z", "2026-11-20T09:00:00Z", "2026-11-20T08:00:00Z") == (
        "2026-11-20 12:00:00",
        "collector",
    )


def test_without_a_sending_time_the_collector_counts_and_without_a_collector_the_device(spark: SparkSession) -> None:
    assert derived(spark, "2026-11-20T12:00:00Z", "2026-11-19T12:00:00Z", None) == ("2026-11-20 12:00:00", "collector")
    assert derived(spark, None, "2026-11-19T12:00:00Z", None) == ("2026-11-19 12:00:00", "device")
    assert derived(spark, "garbage", None, "2026-11-19T12:00:00Z") == (None, None)


def test_a_time_that_the_sender_set_comes_first_and_one_that_the_feed_worked_out_second(spark: SparkSession) -> None:
    sent = [("2026-11-20T09:00:00Z", "2026-11-20T09:30:00Z"), (None, "2026-11-20T09:30:00Z"), ("garbage", None)]
    rows = spark.createDataFrame(
        [("2026-11-20T12:00:00Z", None, None, *times) for times in sent],
        "collector_tstamp string, dvce_created_tstamp string, dvce_sent_tstamp string, true_tstamp string, "
        "derived_tstamp string",
    )
    found = with_event_times(rows, LIMITS).select(F.col("derived_tstamp").cast("string"), "derived_tstamp_source")
    assert [tuple(row) for row in found.collect()] == [
        ("2026-11-20 09:00:00", "true_tstamp"),
        ("2026-11-20 09:30:00", "sent"),
        ("2026-11-20 12:00:00", "collector"),
    ]


def test_an_event_may_be_of_any_day_between_the_earliest_and_the_clock_of_the_run(spark: SparkSession) -> None:
    times = {
        "1999-12-31T23:59:59Z": (True, False),
        "2000-01-01T00:00:00Z": (False, False),
        "2026-11-21T01:00:00Z": (False, False),
        "2026-11-21T01:00:01Z": (False, True),
        "9999-12-31T00:00:00Z": (False, True),
    }
    schema = "collector_tstamp string, dvce_created_tstamp string, dvce_sent_tstamp string"
    rows = with_event_times(spark.createDataFrame([(text, None, None) for text in times], schema), LIMITS)
    found = rows.select(is_impossible(LIMITS), is_future(LIMITS)).collect()
    assert [tuple(row) for row in found] == list(times.values())


def test_a_time_without_a_zone_is_local_to_that_of_the_source(spark: SparkSession) -> None:
    texts = ["2026-07-01 10:00:00", "2026-07-01T10:00:00+00:00", "2026-07-01 10:00:00 UTC", "1795168800", None]
    rows = spark.createDataFrame([(text,) for text in texts], "text string")
    found = [row[0] for row in rows.select(in_utc(F.col("text"), "Europe/Berlin")).collect()]
    assert found == ["2026-07-01 08:00:00", *texts[1:]]
