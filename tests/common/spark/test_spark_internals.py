"""What leans on private parts of Spark and Delta, and the public way behind each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import SparkSession
from shop_orders import FIRST, SECOND, TABLE, content, orders

from common.clock import utc_now
from common.lake.delta.maintain import checkpoint
from common.lake.lake import Lake
from common.spark import internals as spark_internals
from common.spark.resources import Meter
from common.spark.session import DELTA_EXTENSION

pytestmark = pytest.mark.unit


@pytest.fixture(params=["private", "public", "missing"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ways of a known Spark, the public ones, and those of a build in which the private parts have other names."""
    if request.param == "public":
        monkeypatch.setenv(spark_internals.PUBLIC_ONLY, "1")
    if request.param == "missing":
        # What Py4J makes of a class that is not there.
        monkeypatch.setattr(spark_internals, "_delta_log", _not_callable)
    return str(request.param)


def _not_callable(*_: Any) -> Any:
    raise TypeError("'JavaPackage' object is not callable")


def test_a_batch_is_appended_once(spark: SparkSession, lake: Lake, way: str) -> None:
    rows = orders(spark, (1, FIRST, "a@example.org", 5), (2, FIRST, "b@example.org", 6))
    first, second = (lake.append_once(TABLE, rows, batch_id="b-1") for _ in range(2))
    assert (first.skipped, first.rows_written) == (False, 2)
    assert (second.skipped, second.rows_written, second.version_after) == (True, 0, first.version_after)
    assert lake.read(TABLE).count() == 2


def test_a_checkpoint_of_the_latest_rows_is_written(spark: SparkSession, lake: Lake, way: str) -> None:
    lake.append_once(
        TABLE, orders(spark, (1, FIRST, "a@example.org", 5), (2, SECOND, "b@example.org", 6)), batch_id="b-1"
    )
    version = checkpoint(lake, TABLE)
    assert any(lake.objects.list(f"{TABLE.relative_path}/_delta_log/{version:020d}.checkpoint"))
    assert lake.read(TABLE).count() == 2
    properties = spark.sql(f"SHOW TBLPROPERTIES delta.`{lake.path(TABLE)}`").collect()
    assert "delta.checkpointInterval" not in {row["key"] for row in properties}


def test_a_class_is_looked_for_where_the_jvm_can_be_asked(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spark_internals.has_class(DELTA_EXTENSION) is True
    assert spark_internals.has_class("org.example.Absent") is False
    monkeypatch.setenv(spark_internals.PUBLIC_ONLY, "1")
    assert spark_internals.has_class("org.example.Absent") is None


@pytest.mark.parametrize(
    "ask", [spark_internals.jvm_is_running, lambda: "spark.app.name" in spark_internals.jvm_conf()]
)
def test_the_running_jvm_is_seen_either_way(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, ask: Callable[[], bool]
) -> None:
    assert ask()
    monkeypatch.setenv(spark_internals.PUBLIC_ONLY, "1")
    assert ask()


def test_staged_rows_are_computed_once_and_their_plan_is_one_scan_either_way(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(spark_internals.PUBLIC_ONLY, "1")
    drawn = spark.range(4).selectExpr("id", "uuid() AS drawn", "date'0001-01-01' AS day", "map('b', 1, 'a', 2) AS kept")
    with lake.stage(TABLE, drawn) as staged:
        assert content(staged.rows.select("drawn")) == content(staged.rows.select("drawn"))
        assert staged.rows.dtypes == drawn.dtypes
        day, kept = staged.rows.select("day", "kept").first() or ()
        assert (str(day), kept) == ("0001-01-01", {"b": 1, "a": 2})
        assert "uuid" not in staged.rows._jdf.queryExecution().toString()
        folder = staged.path
        assert list(lake.objects.list("_staging"))
    assert not list(lake.objects.list("_staging")), folder


def test_a_missing_private_part_is_said_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_internals, "_warned", set())
    with caplog.at_level(logging.WARNING, "lakejobs.session"):
        found = [spark_internals._or_public("do it", _not_callable, lambda: 7) for _ in range(2)]
    assert found == [7, 7]
    assert [record.getMessage() for record in caplog.records] == [
        "this Spark has no private way to do it: using the public one (TypeError)"
    ]


def test_a_run_knows_what_its_executors_and_its_driver_have_taken(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter = Meter.begin(utc_now())
    assert spark.range(1000).selectExpr("sum(id)").collect()[0][0] == 499_500
    found = meter.read(spark, utc_now())
    # In local Spark the driver is the one executor, and it was there before.
    assert found["executors"] == 1
    assert all(found[name] is not None and found[name] >= 0 for name in found if name != "executor_peak_heap_mb"), found
    assert spark_internals.driver_process()
    monkeypatch.setenv(spark_internals.PUBLIC_ONLY, "1")
    public = meter.read(spark, utc_now())
    assert (public["executors"], public["task_seconds"]) == (None, None)
    assert public["driver_cpu_seconds"] is not None
