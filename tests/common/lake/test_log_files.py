"""The log read without a JVM says what Delta says."""

from __future__ import annotations

from datetime import date

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import DateType, LongType, StructField, StructType

from common.days import DayRange
from common.lake.delta.log_files import live_files, partitions, table_names
from common.lake.delta.maintain import checkpoint
from common.lake.lake import Lake
from common.lake.table import Table

pytestmark = pytest.mark.unit

SCHEMA = StructType([StructField("id", LongType(), nullable=False), StructField("day", DateType(), nullable=False)])
TABLE = Table("shop.visits", "bronze", SCHEMA, keys=("id",), day_column="day")
FIRST, SECOND = date(2026, 11, 20), date(2026, 11, 21)


def test_live_files_are_those_that_delta_reads_before_and_after_a_checkpoint(spark: SparkSession, lake: Lake) -> None:
    def rows(*values: tuple[int, date]) -> object:
        return spark.createDataFrame(list(values), SCHEMA).coalesce(1)

    def agree() -> None:
        detail = spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(TABLE)}`").first()
        found = list(live_files(lake.objects, TABLE.relative_path))
        assert (len(found), sum(file.size for file in found)) == (detail["numFiles"], detail["sizeInBytes"])

    assert table_names(lake.objects) == {}
    lake.append_once(TABLE, rows((1, FIRST), (2, SECOND)), batch_id="1")
    agree()
    checkpoint(lake, TABLE)
    agree()
    # One file of the checkpoint is removed, one added, one stays.
    lake.replace_days(TABLE, rows((3, FIRST)), days=DayRange.single(FIRST))
    agree()
    found = partitions(lake.objects, TABLE.relative_path, small_bytes=10_000_000)
    assert [(one.partition, one.files, one.small_files) for one in found] == [
        ("day=2026-11-20", 1, 1),
        ("day=2026-11-21", 1, 1),
    ]
    assert [one.small_files for one in partitions(lake.objects, TABLE.relative_path, small_bytes=1)] == [0, 0]
    assert table_names(lake.objects) == {"shop.visits": "bronze/shop/visits"}
    assert lake.version(TABLE) == 2
