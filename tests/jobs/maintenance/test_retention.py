"""Days out of retention: deleted where the table says so, once, and never what is not published yet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from audited import passed
from pyspark.sql import SparkSession
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from common.clock import utc_now, utc_text
from common.config.lake_settings import LakeSettings
from common.intake.batches import Batch, BatchFile, BatchLog
from common.lake.lake import Lake
from common.lake.set_aside import QUARANTINE_SCHEMA, quarantine_table
from common.lake.table import Table
from common.run.context import Services
from common.run.launch import run_job
from jobs.maintenance.maintain import JOB
from jobs.maintenance.upkeep.retention import declared_tables

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows")]

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = StructType(
    [
        StructField("id", LongType(), nullable=False),
        StructField("_batch_id", StringType(), nullable=False),
        StructField("day", DateType(), nullable=False),
    ]
)
RAW = Table("shop.orders_raw", "bronze", SCHEMA, keys=(), day_column="day", retention_days=90)
ORDERS = Table("shop.orders", "silver", SCHEMA, keys=("id",), day_column="day", retention_days=90)
QUARANTINE = quarantine_table("shop", "shop.ingest")
TODAY = utc_now().date()
# The 90th day before today is the last that is kept.
OLD, LAST_KEPT = TODAY - timedelta(days=91), TODAY - timedelta(days=90)


@pytest.fixture
def aged(spark: SparkSession, lake: Lake) -> Lake:
    """Bronze and silver with a row on three days each, and a quarantine with two rows."""
    days = [(1, "b1", OLD), (2, "b2", LAST_KEPT), (3, "b3", TODAY)]
    rows = spark.createDataFrame(days, SCHEMA)
    lake.append_once(RAW, rows, batch_id="all")
    lake.append_once(passed(ORDERS, rows), batch_id="all")
    rejected: list[tuple[Any, ...]] = [
        (
            "r",
            "shop.ingest",
            "f",
            key,
            ["SHP-1 no"],
            "{}",
            None,
            datetime(day.year, day.month, day.day, 12),
            None,
            None,
            None,
        )
        for key, day in (("old", OLD), ("kept", LAST_KEPT))
    ]
    lake.quarantine(
        spark.createDataFrame(rejected, QUARANTINE_SCHEMA), family="shop", job="shop.ingest", batch_id="rejected"
    )
    return lake


@pytest.fixture
def maintain(spark: SparkSession, settings: LakeSettings) -> Callable[..., dict[str, Any]]:
    """Runs the job without its other steps and gives the counts of its record."""

    def run(*flags: str) -> dict[str, Any]:
        off = [part for step in ("compact", "vacuum", "checkpoint") for part in ("--set", f"{step}=false")]
        services = Services(session=lambda _, __: spark)
        assert run_job(JOB, ["--lake", settings.root, *off, *flags], services=services) == 0
        records = (Path(settings.root) / "runs/maintenance/maintain").glob("*.json")
        found = max((json.loads(path.read_text()) for path in records), key=lambda one: one["started_at"])
        counts: dict[str, Any] = found["counts"]
        return counts

    return run


def ids(lake: Lake, table: Table) -> list[int]:
    return sorted(row["id"] for row in lake.read(table).collect())


def days_of(lake: Lake) -> list[str]:
    return sorted(row["row_key"] for row in lake.read(QUARANTINE).collect())


def test_old_days_of_bronze_and_quarantine_go_once_and_silver_stays(
    aged: Lake, maintain: Callable[..., dict[str, Any]]
) -> None:
    assert maintain()["rows_out_of_retention"] == 2
    assert (ids(aged, RAW), ids(aged, ORDERS), days_of(aged)) == ([2, 3], [1, 2, 3], ["kept"])
    version = aged.version(RAW)
    assert maintain()["rows_out_of_retention"] == 0
    assert aged.version(RAW) == version
    # Deleted rows are stamped with their run like every other commit.
    log = Path(aged.objects.root) / RAW.relative_path / "_delta_log" / f"{version:020d}.json"
    assert '"DELETE"' in log.read_text()
    assert "maintenance.maintain" in log.read_text()


def test_other_layers_go_when_asked_and_nothing_goes_when_it_is_off(
    aged: Lake, maintain: Callable[..., dict[str, Any]]
) -> None:
    assert maintain("--set", "retention=false")["rows_out_of_retention"] == 0
    assert ids(aged, RAW) == [1, 2, 3]
    assert maintain("--set", "retention_layers=[silver]")["rows_out_of_retention"] == 1
    assert (ids(aged, RAW), ids(aged, ORDERS)) == ([1, 2, 3], [2, 3])


def test_rows_that_are_not_published_yet_stay_and_files_that_were_taken_in_stay_known(
    spark: SparkSession, aged: Lake, maintain: Callable[..., dict[str, Any]]
) -> None:
    log = BatchLog(aged.objects, "shop.orders")
    begun_at = utc_text(utc_now() - timedelta(days=91))
    waiting, done = (
        log.save(Batch(name, (BatchFile(name[0] * 64, name, name, str(OLD)),), {}, "r", "m", begun_at))
        for name in ("1 waits", "2 is done")
    )
    log.finish(done)
    rows = [(8, waiting.batch_id, OLD), (9, done.batch_id, OLD)]
    aged.append_once(RAW, spark.createDataFrame(rows, SCHEMA), batch_id="more")
    maintain("--set", "tables=[shop.orders_raw]")
    assert ids(aged, RAW) == [2, 3, 8]
    assert ([batch.batch_id for batch in log.open()], list(log.marks(["1" * 64, "2" * 64]))) == (
        ["1 waits"],
        ["2" * 64],
    )
    log.finish(waiting)
    maintain("--set", "tables=[shop.orders_raw]")
    assert ids(aged, RAW) == [2, 3]


def test_the_plan_counts_the_days_and_touches_nothing(settings: LakeSettings, aged: Lake) -> None:
    command = [sys.executable, "jobs/maintenance/maintain.py", "--lake", settings.root, "--plan", "-o", "json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAVA_HOME": "/nonexistent"}
    run = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    details = json.loads(run.stdout)["details"]
    rows = {row[0]: dict(zip(details["columns"], row, strict=True)) for row in details["rows"]}
    beyond = {name: row["days beyond retention"] for name, row in rows.items()}
    assert beyond == {RAW.name: 1, ORDERS.name: 0, QUARANTINE.name: f"rows before {LAST_KEPT}"}
    assert ids(aged, RAW) == [1, 2, 3]


def test_clear_ids_of_every_family_are_declared_to_go_after_90_days() -> None:
    bronze = {table.name: table.retention_days for table in declared_tables().values() if table.layer == "bronze"}
    names = (
        "clickstream.event_records",
        "forecast.calendar_records",
        "forecast.item_records",
        "forecast.override_records",
        "forecast.sale_records",
        "forecast.stock_records",
        "fraud.label_records",
        "fraud.transaction_records",
    )
    assert bronze == dict.fromkeys(names, 90)
