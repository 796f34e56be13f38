"""Rows that wait for their audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from shop_orders import TABLE, content

from common.config.lake_settings import LakeSettings
from common.lake.lake import Lake
from common.run.record.ops_tables import QUALITY

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("mode", ["cache", "files"])
def test_staged_rows_are_computed_once_and_can_be_kept(
    spark: SparkSession, settings: LakeSettings, lake: Lake, mode: str
) -> None:
    lake.settings = settings.model_copy(update={"staging": mode})
    # Another number at each computation, unless the rows are held.
    unstable = spark.range(5).selectExpr("id", "uuid() AS drawn")
    with lake.stage(TABLE, unstable) as staged:
        assert content(staged.rows) == content(staged.rows)
        kept = content(staged.rows)
        path = staged.keep()
    assert content(spark.read.parquet(path)) == kept
    with lake.stage(QUALITY, unstable) as dropped:
        gone = Path(dropped.path)
    assert not gone.exists()


@pytest.mark.parametrize("mode", ["cache", "files"])
def test_a_part_of_the_staged_rows_is_kept_without_the_rest(
    spark: SparkSession, settings: LakeSettings, lake: Lake, mode: str
) -> None:
    lake.settings = settings.model_copy(update={"staging": mode})
    with lake.stage(TABLE, spark.range(4).selectExpr("id", "'ann' AS sent")) as staged:
        path = staged.keep(staged.rows.where("id > 1").select("id"))
    kept = spark.read.parquet(path)
    assert (kept.columns, sorted(row["id"] for row in kept.collect())) == (["id"], [2, 3])
    assert not Path(staged.path).exists()


def test_a_query_on_staged_rows_reads_the_columns_that_it_asks_for(spark: SparkSession, lake: Lake) -> None:
    with lake.stage(TABLE, spark.range(5).selectExpr("id", "uuid() AS drawn", "id * 2 AS twice")) as staged:
        asked: Any = staged.rows.where("id > 2").select("twice")
        plan = asked._jdf.queryExecution().executedPlan().toString()
        assert sorted(row["twice"] for row in asked.collect()) == [6, 8]
    (scan,) = [line for line in plan.splitlines() if "InMemoryTableScan" in line]
    assert "drawn" not in scan


def test_sorted_staged_rows_may_be_joined_with_themselves(spark: SparkSession, lake: Lake) -> None:
    ordered = spark.range(4).selectExpr("id", "uuid() AS drawn").sortWithinPartitions("id")
    with lake.stage(TABLE, ordered) as staged:
        other = staged.rows.selectExpr("id", "drawn AS again")
        pairs = staged.rows.join(other, "id").collect()
    assert sorted(row["id"] for row in pairs) == [0, 1, 2, 3]
    assert all(row["drawn"] == row["again"] for row in pairs)


def test_released_rows_leave_the_cache(spark: SparkSession, lake: Lake) -> None:
    java_spark: Any = spark._jsparkSession
    # What runs stopped by a signal in this process have left: they call the JVM no more.
    spark.catalog.clearCache()
    with lake.stage(TABLE, spark.range(3).selectExpr("id", "uuid() AS drawn")) as staged:
        assert staged.rows.count() == 3
        assert not java_spark.sharedState().cacheManager().isEmpty()
    assert java_spark.sharedState().cacheManager().isEmpty()
