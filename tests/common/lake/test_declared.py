"""What a job may touch: the tables that it declares, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from audited import passed
from pyspark.sql import SparkSession
from shop_orders import FIRST, TABLE, content, orders

from common.config.lake_settings import LakeSettings
from common.days import DayRange
from common.errors import JobFailedError
from common.lake.declared import Declared
from common.lake.lake import Lake
from common.lake.set_aside import QUARANTINE_SCHEMA, quarantine_table
from common.lake.table import Table
from common.run.record.ops_tables import RUNS

pytestmark = pytest.mark.unit

READ, WRITTEN, OTHER = (replace(TABLE, name=f"shop.{name}") for name in ("read", "written", "other"))


@pytest.fixture
def declared() -> Declared:
    return Declared.of("shop.count", [READ], [WRITTEN])


@pytest.fixture
def bound(spark: SparkSession, settings: LakeSettings, declared: Declared) -> Lake:
    """The lake of a run of shop.count, which reads READ and writes WRITTEN."""
    started = datetime(2026, 11, 21, 6, tzinfo=UTC)
    return Lake(spark, settings, run_id="r", job="shop.count", code_version="t", started_at=started, declared=declared)


@pytest.mark.parametrize(
    ("table", "read", "written"),
    [
        (READ, True, False),
        (WRITTEN, False, True),
        (OTHER, False, False),
        (RUNS, True, True),
        (quarantine_table("shop", "shop.count"), True, True),
        (quarantine_table("shop", "shop.other"), False, False),
        # A ledger of a family lies among the ops tables, and belongs to its family.
        (replace(OTHER, layer="ops"), False, False),
    ],
)
def test_a_job_may_touch_what_it_declares_and_what_follows_from_that(
    declared: Declared, table: Table, read: bool, written: bool
) -> None:
    assert code_of(declared.check_read, table) == ("allowed" if read else "LAK-013")
    assert code_of(declared.check_write, table) == ("allowed" if written else "LAK-013")


def code_of(check: Callable[[Table], None], table: Table) -> str:
    try:
        check(table)
    except JobFailedError as error:
        return error.code
    return "allowed"


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("exists", {}),
        ("version", {}),
        ("read", {}),
        ("changes", {"since_version": 0}),
        ("lease", {}),
    ],
)
def test_an_undeclared_table_is_refused_before_anything_is_looked_at(
    bound: Lake, verb: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(
        JobFailedError, match=r"LAK-013: shop\.count does not declare shop\.other in its (reads|writes)"
    ):
        getattr(bound, verb)(OTHER, **arguments)
    assert bound.versions_read == {}


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("append_once", {"batch_id": "1"}),
        ("replace_days", {"days": DayRange.single(date(2026, 11, 20))}),
        ("upsert", {}),
        ("stage", {}),
    ],
)
def test_rows_of_an_undeclared_table_are_refused_before_they_are_computed(
    spark: SparkSession, lake: Lake, bound: Lake, verb: str, arguments: dict[str, Any]
) -> None:
    broken = orders(spark, (1, FIRST, "a", 10)).selectExpr("id", "day", "email", "raise_error('computed') + 0L amount")
    with pytest.raises(JobFailedError, match="LAK-013"):
        getattr(bound, verb)(OTHER, broken, **arguments)
    assert not lake.exists(OTHER)


def test_audited_rows_of_an_undeclared_table_are_refused_too(spark: SparkSession, lake: Lake, bound: Lake) -> None:
    gold = replace(OTHER, layer="gold")
    with pytest.raises(JobFailedError, match="LAK-013"):
        bound.upsert(passed(gold, orders(spark, (1, FIRST, "a", 10))))
    assert not lake.exists(gold)


def test_another_jobs_quarantine_is_refused(spark: SparkSession, bound: Lake) -> None:
    rows = spark.createDataFrame([], QUARANTINE_SCHEMA)
    with pytest.raises(JobFailedError, match=r"LAK-013: shop\.count does not declare shop\.quarantine_other"):
        bound.quarantine(rows, family="shop", job="shop.other", batch_id="1")


def test_declared_tables_are_read_and_written_as_ever(spark: SparkSession, lake: Lake, bound: Lake) -> None:
    lake.append_once(READ, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    bound.append_once(WRITTEN, bound.read(READ), batch_id="1")
    assert content(lake.read(WRITTEN)) == [(1, FIRST, "a", 10)]
