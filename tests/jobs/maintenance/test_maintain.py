"""Maintenance of a lake in a folder, through the command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import DateType, LongType, StructField, StructType

from common.config.lake_settings import LakeSettings
from common.lake.delta.log_files import partitions
from common.lake.lake import Lake
from common.lake.table import Table
from common.run.context import Services
from common.run.launch import run_job
from common.run.record.cost import keep_cost
from common.run.record.ops_tables import COSTS, RUNS
from common.spark.internals import PUBLIC_ONLY
from jobs.maintenance.maintain import JOB

pytestmark = pytest.mark.flow

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = StructType([StructField("id", LongType(), nullable=False), StructField("day", DateType(), nullable=False)])
EVENTS = Table("shop.events", "bronze", SCHEMA, keys=("id",), day_column="day")
BUSY, QUIET = date(2026, 11, 20), date(2026, 11, 21)


@pytest.fixture
def scattered(spark: SparkSession, lake: Lake) -> Lake:
    """A lake whose table has five files on one day and one on another."""
    for number in range(5):
        days = [BUSY, QUIET] if number == 0 else [BUSY]
        rows = spark.createDataFrame([(number * 10 + n, day) for n, day in enumerate(days)], SCHEMA)
        lake.append_once(EVENTS, rows, batch_id=f"feed-{number}")
    return lake


def maintain(spark: SparkSession, settings: LakeSettings, *arguments: str) -> int:
    services = Services(session=lambda _, __: spark)
    return run_job(JOB, ["--lake", settings.root, "--set", "least_small_files=3", *arguments], services=services)


def file_counts(lake: Lake) -> dict[str, int]:
    return {one.partition: one.files for one in partitions(lake.objects, EVENTS.relative_path, small_bytes=1)}


def test_compaction_merges_the_small_files_of_a_busy_day_and_keeps_every_row(
    spark: SparkSession, settings: LakeSettings, scattered: Lake
) -> None:
    before = sorted(scattered.read(EVENTS).collect())
    assert file_counts(scattered) == {"day=2026-11-20": 5, "day=2026-11-21": 1}
    assert maintain(spark, settings, "--set", "tables=[shop.events]") == 0
    # The count now comes from the checkpoint that was written, not from the commits alone.
    assert (Path(settings.root) / EVENTS.relative_path / "_delta_log/_last_checkpoint").is_file()
    assert file_counts(scattered) == {"day=2026-11-20": 1, "day=2026-11-21": 1}
    assert spark.sql(f"DESCRIBE DETAIL delta.`{scattered.path(EVENTS)}`").first()["numFiles"] == 2
    assert sorted(scattered.read(EVENTS).collect()) == before


def test_a_checkpoint_that_delta_could_not_write_is_reported_and_every_row_is_still_there(
    spark: SparkSession,
    settings: LakeSettings,
    scattered: Lake,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Publicly a checkpoint follows a commit, which would find the folder before a checkpoint is tried.
    monkeypatch.delenv(PUBLIC_ONLY, raising=False)
    log = Path(settings.root) / EVENTS.relative_path / "_delta_log"
    # A folder in the place of the file that the checkpoint would become: renaming onto it fails, for root too.
    in_the_way = log / "00000000000000000004.checkpoint.parquet"
    (in_the_way / "full").mkdir(parents=True)
    # Nothing else: deleting old days would read the log and find the folder first.
    off = [word for step in ("retention", "compact", "vacuum") for word in ("--set", f"{step}=false")]
    assert maintain(spark, settings, "--set", "tables=[shop.events]", *off) == 75
    assert "LAK-010" in capsys.readouterr().err
    shutil.rmtree(in_the_way)
    assert scattered.read(EVENTS).count() == 6


def test_each_attempt_that_ended_before_has_exactly_one_row_of_ops_runs_and_each_cost_one_of_ops_costs(
    spark: SparkSession, settings: LakeSettings, scattered: Lake
) -> None:
    cost: dict[str, Any] = {
        **dict.fromkeys(("region", "started_at", "cheapest")),
        **dict.fromkeys(("run_id", "job", "place", "service_run_id", "architecture", "prices_region"), "x"),
        "attempt": 1,
        "seconds": 60.0,
        "ended_at": "2026-11-20T03:00:00.000Z",
        "prices_as_of": "2026-11-21",
        "used": dict.fromkeys(("vcpu_hours", "memory_gb_hours", "storage_gb_hours", "instance_hours")),
        "cost": {"machines": 0.25, "fee": 0, "disk": 0.25, "total": 0.5},
    }
    assert keep_cost(scattered.objects, cost)
    flags = ("--set", "tables=[shop.events]", "--set", "compact=false", "--set", "vacuum=false")
    for _ in range(3):
        assert maintain(spark, settings, *flags) == 0
    rows = scattered.read(RUNS).select("job", "status", "attempt").collect()
    # Its own record waits for the next maintenance.
    assert [tuple(row) for row in rows] == [("maintenance.maintain", "done", 1)] * 2
    costs = scattered.read(COSTS).select("run_id", "total_usd", "vcpu_hours").collect()
    assert [tuple(row) for row in costs] == [("x", 0.5, None)]


def test_vacuum_keeps_the_files_that_versions_within_the_retention_need(
    spark: SparkSession, settings: LakeSettings, scattered: Lake
) -> None:
    version = scattered.version(EVENTS)
    assert maintain(spark, settings) == 0
    assert scattered.read(EVENTS, version=version).count() == 6


def test_vacuum_lists_few_folders_with_few_tasks(spark: SparkSession, settings: LakeSettings, scattered: Lake) -> None:
    context = spark.sparkContext
    context.setJobGroup("vacuum of two days", "")
    flags = ("--set", "tables=[shop.events]", "--set", "compact=false", "--set", "checkpoint=false")
    assert maintain(spark, settings, *flags) == 0
    context.setLocalProperty("spark.jobGroup.id", None)
    tracker = context.statusTracker()
    stages = [
        tracker.getStageInfo(stage)
        for job in tracker.getJobIdsForGroup("vacuum of two days")
        for stage in tracker.getJobInfo(job).stageIds
    ]
    assert stages
    assert max(stage.numTasks for stage in stages if stage) < 50


def test_staged_rows_are_deleted_when_they_are_old(
    spark: SparkSession, settings: LakeSettings, scattered: Lake
) -> None:
    scattered.objects.write("_staging/run-1/shop.events/part-0.parquet", b"old")
    scattered.objects.write("_staging/run-2/shop.events/part-0.parquet", b"new")
    os.utime(Path(settings.root) / "_staging/run-1/shop.events/part-0.parquet", (0, 0))
    assert maintain(spark, settings, "--set", "tables=[shop.events]") == 0
    assert [entry.path for entry in scattered.objects.list("_staging/")] == [
        "_staging/run-2/shop.events/part-0.parquet"
    ]


def test_a_table_that_another_run_holds_is_left_alone_and_the_exit_code_is_5(
    spark: SparkSession, settings: LakeSettings, scattered: Lake
) -> None:
    with scattered.lease(EVENTS):
        assert maintain(spark, settings, "--set", "tables=[shop.events]") == 5
    assert file_counts(scattered)["day=2026-11-20"] == 5


def test_an_unknown_table_is_a_missing_input(spark: SparkSession, settings: LakeSettings, scattered: Lake) -> None:
    assert maintain(spark, settings, "--set", "tables=[shop.event]") == 4


def test_the_plan_reports_small_files_without_a_session(settings: LakeSettings, scattered: Lake) -> None:
    command = [sys.executable, "-X", "importtime", "jobs/maintenance/maintain.py", "--lake", settings.root]
    command += ["--plan", "-o", "json", "--set", "least_small_files=3"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "JAVA_HOME": "/nonexistent"}
    run = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "py4j.java_gateway" not in run.stderr
    details = json.loads(run.stdout)["details"]
    row = dict(zip(details["columns"], details["rows"][0], strict=True))
    assert row["table"] == "shop.events"
    assert (row["partitions"], row["files"], row["small files"], row["partitions to compact"]) == (2, 6, 6, 1)
