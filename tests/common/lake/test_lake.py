"""Reads and writes of tables in a folder."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from audited import passed
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import BooleanType, DateType, LongType, StringType, StructField, StructType

from common.days import DayRange
from common.errors import ContractError, InputMissingError, JobFailedError
from common.lake.lake import Lake
from common.lake.table import Layer, Table

pytestmark = pytest.mark.unit

SCHEMA = StructType(
    [
        StructField("id", LongType(), nullable=False),
        StructField("day", DateType(), nullable=False),
        StructField("email", StringType()),
        StructField("amount", LongType()),
    ]
)
TABLE = Table("shop.orders", "bronze", SCHEMA, keys=("id",), day_column="day", personal_columns=("email",))
FIRST, SECOND = date(2026, 11, 20), date(2026, 11, 21)


def orders(spark: SparkSession, *rows: tuple[int, date, str, int]) -> DataFrame:
    return spark.createDataFrame(list(rows), SCHEMA)


def content(frame: DataFrame) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in frame.collect())


def test_a_batch_appended_twice_is_there_once(spark: SparkSession, lake: Lake) -> None:
    batch = orders(spark, (1, FIRST, "a@example.org", 10), (2, SECOND, "b@example.org", 20))
    first = lake.append_once(TABLE, batch, batch_id="feed-1")
    second = lake.append_once(TABLE, batch, batch_id="feed-1")
    assert (first.skipped, first.rows_written, first.version_before) == (False, 2, None)
    assert (second.skipped, second.rows_written) == (True, 0)
    assert second.version_before == second.version_after == first.version_after
    assert (first.bytes_written > 0, second.bytes_written) == (True, 0)
    assert content(lake.read(TABLE)) == [(1, FIRST, "a@example.org", 10), (2, SECOND, "b@example.org", 20)]


def test_replacing_a_day_leaves_the_other_days_alone(spark: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10), (2, SECOND, "b", 20)), batch_id="1")
    result = lake.replace_days(TABLE, orders(spark, (3, SECOND, "c", 30)), days=DayRange.single(SECOND))
    assert result.rows_written == 1
    assert result.bytes_written > 0
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 10), (3, SECOND, "c", 30)]
    assert content(lake.read(TABLE, days=DayRange.single(FIRST))) == [(1, FIRST, "a", 10)]


def test_an_upsert_updates_newer_rows_inserts_new_ones_and_deletes_marked_ones(spark: SparkSession, lake: Lake) -> None:
    stored = orders(spark, (1, FIRST, "a", 10), (2, FIRST, "b", 20), (3, FIRST, "c", 30))
    lake.append_once(TABLE, stored, batch_id="1")
    rows = spark.createDataFrame(
        [(1, FIRST, "a", 11, False), (2, FIRST, "b", 19, False), (3, FIRST, "c", 31, True), (4, FIRST, "d", 40, False)],
        StructType([*SCHEMA.fields, StructField("gone", BooleanType())]),
    )
    result = lake.upsert(TABLE, rows, days=DayRange.single(FIRST), newer="s.amount > t.amount", deleted="gone")
    assert (result.rows_written, result.rows_updated, result.rows_deleted) == (1, 1, 1)
    assert result.bytes_written > 0
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 11), (2, FIRST, "b", 20), (4, FIRST, "d", 40)]


def test_a_row_outside_of_the_replaced_days_is_refused(spark: SparkSession, lake: Lake) -> None:
    with pytest.raises(ContractError, match="LAK-003"):
        lake.replace_days(TABLE, orders(spark, (1, FIRST, "a", 10)), days=DayRange.single(SECOND))


def test_how_long_days_and_deleted_files_are_kept_stands_on_the_table(spark: SparkSession, lake: Lake) -> None:
    short = replace(TABLE, retention_days=90, deleted_files_retention_hours=200)
    lake.append_once(short, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    row = spark.sql(f"DESCRIBE DETAIL delta.`{lake.path(short)}`").first()
    assert row is not None
    assert row["properties"]["lakejobs.retentionDays"] == "90"
    assert row["properties"]["delta.deletedFileRetentionDuration"] == "interval 200 hours"


def test_a_missing_table_is_a_missing_input(lake: Lake) -> None:
    with pytest.raises(InputMissingError, match="LAK-004"):
        lake.read(TABLE)


@pytest.mark.parametrize("layer", ["silver", "gold"])
@pytest.mark.parametrize("write", ["append_once", "replace_days", "upsert"])
def test_rows_of_silver_and_gold_are_refused_before_their_audit_and_nothing_is_written(
    spark: SparkSession, lake: Lake, layer: Layer, write: str
) -> None:
    table, rows = replace(TABLE, layer=layer), orders(spark, (1, FIRST, "a", 10))
    more: dict[str, Any] = {"append_once": {"batch_id": "1"}, "replace_days": {"days": DayRange.single(FIRST)}}
    with pytest.raises(JobFailedError, match=r"LAK-012: Rows of shop\.orders were not audited"):
        getattr(lake, write)(table, rows, **more.get(write, {}))
    assert not lake.exists(table)
    getattr(lake, write)(passed(table, rows), **more.get(write, {}))
    assert content(lake.read(table)) == [(1, FIRST, "a", 10)]


def test_audited_rows_bring_the_flag_of_those_that_an_upsert_takes_out(spark: SparkSession, lake: Lake) -> None:
    silver = replace(TABLE, layer="silver")
    lake.append_once(passed(silver, orders(spark, (1, FIRST, "a", 10), (2, FIRST, "b", 20))), batch_id="1")
    flagged = orders(spark, (1, FIRST, "a", 10), (2, FIRST, "b", 21)).withColumn("gone", F.col("id") == 1)
    lake.upsert(replace(passed(silver, flagged), deleted="gone"))
    assert content(lake.read(silver)) == [(2, FIRST, "b", 21)]


def test_a_part_of_audited_rows_is_audited(spark: SparkSession, lake: Lake) -> None:
    gold = replace(TABLE, layer="gold")
    both = passed(gold, orders(spark, (1, FIRST, "a", 10), (2, SECOND, "b", 20)))
    lake.replace_days(both.where(f"day = DATE'{SECOND}'"), days=DayRange.single(SECOND))
    assert content(lake.read(gold)) == [(2, SECOND, "b", 20)]
