from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from common.intake.moments import believed_days, is_date_alone

pytestmark = pytest.mark.unit


def test_days_that_no_calendar_of_python_has_are_not_believed(spark: SparkSession) -> None:
    times = ["0001-01-01 00:00:00", "1899-12-30 00:00:00", "2026-03-02 23:59:59", "2026-03-05 00:00:00", None,
             "9999-12-31 23:59:59"]  # fmt: skip
    rows = spark.createDataFrame([(time,) for time in times], "at string").select(
        # A zone east of UTC moves the year 1 out of every calendar.
        F.to_utc_timestamp(F.col("at").cast("timestamp"), "Europe/Berlin").alias("at")
    )
    found = believed_days(rows, "at", date(2000, 1, 1), datetime(2026, 3, 10, tzinfo=UTC)).collect()
    assert [tuple(row) for row in found] == [("2026-03-02", "2026-03-04")]
    nothing = believed_days(rows, "at", date(2027, 1, 1), datetime(2028, 1, 1, tzinfo=UTC)).collect()
    assert [tuple(row) for row in nothing] == [(None, None)]


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("UTC", "2026-07-01 00:00:00", True),
        ("UTC", "2026-07-01 00:00:01", False),
        # Midnight in UTC is two in the morning in Berlin: the same date by both.
        ("Europe/Berlin", "2026-07-01 00:00:00", True),
        ("Europe/Berlin", "2026-06-30 22:00:00", False),
        ("America/New_York", "2026-07-01 04:00:00", True),
        ("America/New_York", "2026-07-01 00:00:00", False),
    ],
)
def test_the_first_moment_of_a_date_in_utc_and_in_the_zone_is_that_date(
    spark: SparkSession, zone: str, moment: str, expected: bool
) -> None:
    rows = spark.createDataFrame([(moment,)], "at string").select(F.col("at").cast("timestamp"))
    assert [row[0] for row in rows.select(is_date_alone("at", zone)).collect()] == [expected]
