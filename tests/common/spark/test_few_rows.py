"""A frame of rows that the driver holds."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import IntegerType, StructField, StructType

from common.spark.few_rows import few_rows

pytestmark = pytest.mark.unit

SCHEMA = "k bigint, v string, at timestamp, on date, x double, m decimal(10,2), tags array<string>"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ROW = (1, "a", NOON, date(2026, 11, 21), 0.5, Decimal("3.20"), ["u", "w"])


def test_values_of_every_kind_and_nulls_come_back_as_they_were(spark: SparkSession) -> None:
    found = few_rows(spark, [ROW, (None,) * 7], SCHEMA)
    rows = found.selectExpr("k", "v", "unix_micros(at)", "on", "x", "m", "tags").collect()
    assert [tuple(row) for row in rows] == [
        (1, "a", 1_795_262_400_000_000, date(2026, 11, 21), 0.5, Decimal("3.20"), ["u", "w"]),
        (None,) * 7,
    ]


def test_a_dict_is_read_by_the_names_of_the_schema_whatever_its_order(spark: SparkSession) -> None:
    found = few_rows(spark, [{"v": "a", "k": 1}, {"k": 2}], "k int, v string")
    assert [tuple(row) for row in found.collect()] == [(1, "a"), (2, None)]


def test_no_rows_are_an_empty_frame_of_the_schema(spark: SparkSession) -> None:
    found = few_rows(spark, [], "k int, v string")
    assert (found.schema.simpleString(), found.count()) == ("struct<k:int,v:string>", 0)


def test_no_python_worker_reads_them_on_spark_4_and_one_task_does_on_3(spark: SparkSession) -> None:
    found = few_rows(spark, [(number,) for number in range(5)], "k int")
    if spark.version < "4":
        assert found.rdd.getNumPartitions() == 1
    else:
        assert "LocalTableScan" in found._jdf.queryExecution().executedPlan().toString()


def test_a_value_of_another_type_is_refused(spark: SparkSession) -> None:
    with pytest.raises((ValueError, TypeError)):
        few_rows(spark, [("abc",)], "k int")


def test_a_null_where_there_may_be_none_is_refused(spark: SparkSession) -> None:
    schema = StructType([StructField("k", IntegerType(), nullable=False)])
    with pytest.raises(ValueError, match=r"(?i)null|none"):
        few_rows(spark, [(None,)], schema)
