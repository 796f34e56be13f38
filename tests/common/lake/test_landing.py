from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from common.config.lake_settings import LakeSettings
from common.days import DayRange
from common.lake.landing import write_landing

pytestmark = pytest.mark.unit

DAYS = DayRange(date(2026, 3, 1), date(2026, 3, 3))


def rows(spark: SparkSession, *numbers: tuple[int, int]) -> DataFrame:
    return spark.createDataFrame([(date(2026, 3, day), n) for day, n in numbers], "day date, n int")


def write(frame: DataFrame, settings: LakeSettings, rows_per_file: int = 2) -> int:
    return write_landing(
        frame, settings, "landing/x", days=DAYS, day_column="day", order=("n",), rows_per_file=rows_per_file
    )


def files(settings: LakeSettings) -> dict[str, str]:
    folder = Path(settings.root) / "landing" / "x"
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


def test_each_day_has_files_of_its_own_with_at_most_so_many_rows(spark: SparkSession, settings: LakeSettings) -> None:
    assert write(rows(spark, (1, 1), (1, 2), (1, 3), (2, 4)), settings) == 4
    assert list(files(settings)) == ["2026-03-01-0000.parquet", "2026-03-01-0001.parquet", "2026-03-02-0000.parquet"]
    read = spark.read.parquet(f"{settings.root}/landing/x/2026-03-01-0000.parquet")
    assert sorted(row["n"] for row in read.collect()) == [1, 2]


def test_the_same_rows_in_another_order_give_the_same_bytes(spark: SparkSession, settings: LakeSettings) -> None:
    write(rows(spark, (1, 1), (1, 2), (2, 3)), settings)
    before = files(settings)
    write(rows(spark, (2, 3), (1, 2), (1, 1)).repartition(2), settings)
    assert files(settings) == before


def test_files_that_are_no_longer_filled_go_and_other_days_stay(spark: SparkSession, settings: LakeSettings) -> None:
    write_landing(
        rows(spark, (9, 1)),
        settings,
        "landing/x",
        days=DayRange.single(date(2026, 3, 9)),
        day_column="day",
        order=("n",),
    )
    write(rows(spark, (1, 1), (1, 2), (1, 3), (2, 4)), settings)
    write(rows(spark, (1, 1)), settings)
    assert list(files(settings)) == ["2026-03-01-0000.parquet", "2026-03-09-0000.parquet"]
