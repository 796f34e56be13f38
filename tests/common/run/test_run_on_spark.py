"""A whole run on Spark and Delta: tables, lease, record, row of ops.runs, report, errors and signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from open_lineage import faults_of
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.types import DateType, LongType, StructField, StructType

from common.config.lake_settings import LakeSettings
from common.config.params import Params
from common.job.declaration import Job
from common.lake.lake import Lake
from common.lake.table import Table
from common.quality.audit import AuditResult
from common.run.context import RunContext, Services
from common.run.gate import pass_gate
from common.run.launch import run_job
from common.run.record.ops_tables import QUALITY, RUNS
from common.run.record.outbox import fill_ops
from common.spark.internals import PUBLIC_ONLY
from common.spark.jobs import active_stages, cancel_jobs

pytestmark = pytest.mark.flow

VISITS = Table(
    "toy.visits",
    "gold",
    StructType([StructField("visit_id", LongType(), nullable=False), StructField("day", DateType(), nullable=False)]),
    keys=("visit_id",),
    day_column="day",
)
ORDERS = Table("toy.orders", "bronze", StructType([StructField("order_id", LongType(), nullable=False)]), keys=())
JOB = Job("toy.count", "Counts.", Params, "toy_on_spark:run", writes=("toy_on_spark:VISITS",))


@pytest.fixture
def services(spark: SparkSession) -> Services:
    return Services(session=lambda settings, name: spark)


@pytest.fixture
def run(settings: LakeSettings, services: Services, capsys: pytest.CaptureFixture[str]) -> Any:
    def call(body: Any, *flags: str) -> dict[str, Any]:
        sys.modules["toy_on_spark"] = SimpleNamespace(run=body, VISITS=VISITS)  # type: ignore[assignment]
        arguments = ["--lake", settings.root, "--day", "2026-11-20", "-o", "json", *flags]
        code = run_job(JOB, arguments, services=services)
        record: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert record["exit_code"] == code
        return record

    return call


def publish(context: RunContext) -> None:
    rows = context.spark.range(3).select(sf.col("id").alias("visit_id"), sf.lit(date(2026, 11, 20)).alias("day"))
    with context.lake.stage(VISITS, rows) as staged:
        result = context.lake.replace_days(pass_gate(context, staged), days=context.days)
    context.counts.add(rows_read=3, rows_written=result.rows_written)
    context.report.headline("visits", "3")


def lineage_of(lake: Lake, record: dict[str, Any], moment: str) -> dict[str, Any]:
    folder = Path(lake.settings.root) / "runs" / "lineage" / "toy" / "count"
    found: dict[str, Any] = json.loads((folder / f"{record['run_id']}-1-{moment}.json").read_text())
    return found


def ops_rows(lake: Lake) -> list[Row]:
    fill_ops(lake)
    return lake.read(RUNS).orderBy("started_at").collect()


def test_a_run_publishes_records_and_reports_and_its_rerun_leaves_the_same_rows(run: Any, lake: Lake) -> None:
    first, second = run(publish), run(publish, "--set", "lake.lineage.files=true")
    assert [(one["status"], one["counts"]["rows_written"]) for one in (first, second)] == [("done", 3), ("done", 3)]
    assert sorted(row.visit_id for row in lake.read(VISITS).collect()) == [0, 1, 2]
    assert second["outputs"][0]["version_after"] > first["outputs"][0]["version_after"]
    assert first["spark_version"]
    assert first["delta_version"]
    report = (Path(lake.settings.root) / first["report"]).read_text()
    assert "visits" in report
    assert first["run_id"] in (Path(lake.settings.root) / "reports" / "index.html").read_text()
    assert [(row.run_id, row.attempt, row.rows_written) for row in ops_rows(lake)] == [
        (first["run_id"], 1, 3),
        (second["run_id"], 1, 3),
    ]
    start, end = (lineage_of(lake, second, moment) for moment in ("start", "end"))
    assert (faults_of(start), faults_of(end), end["eventType"]) == ([], [], "COMPLETE")
    (output,) = end["outputs"]
    assert output["facets"]["version"]["datasetVersion"] == str(second["outputs"][0]["version_after"])
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 3
    assert output["outputFacets"]["outputStatistics"]["size"] > 0
    assert end["run"]["facets"]["processing_engine"]["version"] == second["spark_version"]


def test_a_failed_run_has_its_row_too_and_leaves_the_table_as_it_was(run: Any, lake: Lake) -> None:
    run(publish)

    def body(context: RunContext) -> None:
        context.spark.read.parquet("/no/such/folder")

    failed = run(body)
    assert (failed["exit_code"], failed["error"]["code"]) == (4, "SPK-004")
    assert [(row.status, row.exit_code, row.error_code) for row in ops_rows(lake)] == [
        ("done", 0, None),
        ("failed", 4, "SPK-004"),
    ]
    assert lake.read(VISITS).count() == 3


@pytest.mark.parametrize("verb", ["exists", "version", "read"])
def test_a_table_that_the_job_does_not_declare_is_not_even_looked_at(run: Any, lake: Lake, verb: str) -> None:
    lake.append_once(ORDERS, lake.spark.range(1).toDF("order_id"), batch_id="1")

    def body(context: RunContext) -> None:
        getattr(context.lake, verb)(ORDERS)

    refused = run(body)
    assert (refused["exit_code"], refused["error"]["code"], refused["inputs"]) == (1, "LAK-013", {})
    assert refused["error"]["message"] == "toy.count does not declare toy.orders in its reads."


def test_a_table_that_the_job_does_not_declare_is_not_written(run: Any, lake: Lake) -> None:
    def body(context: RunContext) -> None:
        context.lake.append_once(ORDERS, context.spark.range(1).toDF("order_id"), batch_id="1")

    refused = run(body)
    assert (refused["exit_code"], refused["error"]["code"], refused["outputs"]) == (1, "LAK-013", [])
    assert refused["error"]["message"] == "toy.count does not declare toy.orders in its writes."
    assert not lake.exists(ORDERS)


def test_what_a_job_only_writes_it_may_not_read(run: Any) -> None:
    refused = run(lambda context: context.lake.exists(VISITS))
    assert refused["error"]["message"] == "toy.count does not declare toy.visits in its reads."


def test_a_second_run_leaves_with_exit_5_while_the_table_is_leased(
    run: Any, settings: LakeSettings, lake: Lake
) -> None:
    with lake.lease(VISITS):
        refused = run(publish)
    assert (refused["exit_code"], refused["status"]) == (5, "failed")
    assert run(publish)["exit_code"] == 0


def test_an_attempt_that_is_recorded_twice_has_one_row(run: Any, lake: Lake) -> None:
    for _ in range(2):
        run(publish, "--run-id", "night", "--attempt", "1")
    assert [(row.run_id, row.attempt) for row in ops_rows(lake)] == [("night", 1)]


def test_what_audits_found_is_stored_for_each_attempt_of_a_run_also_when_it_failed(run: Any, lake: Lake) -> None:
    outcome = {"expectation": "expect_x", "column": "day", "severity": "error", "success": True, "observed": "0 of 3"}
    outcome |= {"detail": None, "kwargs": {"column": "day"}, "why": ""}
    broken = {**outcome, "success": False, "observed": "2 of 3"}

    def body(context: RunContext) -> None:
        context.audits.append(AuditResult("toy.visits", [outcome]))
        context.audits.append(AuditResult("toy.visits", [outcome, broken]))
        context.audits[-1].raise_if_failed()

    for attempt in ("1", "1", "2"):
        assert run(body, "--run-id", "night", "--attempt", attempt)["exit_code"] == 3
    fill_ops(lake)
    stored = lake.read(QUALITY).orderBy("attempt", "position").collect()
    assert [(row.run_id, row.attempt, row.position, row.table, row.success, row.observed) for row in stored] == [
        ("night", attempt, position, "toy.visits", success, observed)
        for attempt in (1, 2)
        for position, success, observed in ((1, True, "0 of 3"), (2, True, "0 of 3"), (3, False, "2 of 3"))
    ]


def test_errors_of_the_engine_are_one_sentence_without_the_values(run: Any) -> None:
    def cast(context: RunContext) -> None:
        context.spark.sql("SELECT CAST('ann@example.org' AS INT) AS x").collect()

    def divide(context: RunContext) -> None:
        context.spark.sql("SELECT 1 / id FROM range(0, 2)").collect()

    def worker(context: RunContext) -> None:
        def broken(batches: Any) -> Any:
            raise ValueError("bad batch")

        context.spark.range(2).mapInArrow(broken, "id long").collect()

    refused, divided, in_worker = run(cast), run(divide), run(worker)
    assert {one["error"]["code"] for one in (refused, divided, in_worker)} == {"SPK-001"}
    assert "ann@example.org" not in json.dumps(refused)
    assert "DIVIDE_BY_ZERO" in divided["error"]["cause"]
    assert in_worker["error"]["cause"] == "ValueError."


def test_cancelled_jobs_are_gone_at_once(spark: SparkSession) -> None:
    def slow(batches: Any) -> Any:
        time.sleep(120)
        yield from batches

    def job() -> None:
        with suppress(Exception):
            spark.range(2).mapInArrow(slow, "id long").count()

    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    while not active_stages(spark):
        time.sleep(0.05)
    cancel_jobs(spark)
    assert active_stages(spark) == []
    thread.join(timeout=60)
    assert not thread.is_alive()


SCRIPT = """
import sys, time
from common.config.params import Params
from common.job.declaration import Job
from common.run.launch import run_job

def body(context):
    def slow(batches):
        import pathlib, time
        pathlib.Path({ready!r}).touch()
        time.sleep(120)
        yield from batches
    context.spark.range(2).repartition(1).mapInArrow(slow, "id long").count()

sys.modules["slow_toy"] = sys.modules["__main__"]
job = Job("toy.slow", "Slow.", Params, "slow_toy:body", by_day=False)
sys.exit(run_job(job, ["--lake", {lake!r}, "--run-id", "r", "--set", "lake.spark_conf={{spark.master: 'local[1]'}}"]))
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_run_in_the_middle_of_a_spark_job(tmp_path: Path, number: int, code: int) -> None:
    ready, script = tmp_path / "ready", tmp_path / "slow.py"
    script.write_text(SCRIPT.format(ready=str(ready), lake=str(tmp_path / "lake")))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    environment.pop(PUBLIC_ONLY, None)
    process = subprocess.Popen(
        [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    while not ready.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the job never started"
        time.sleep(0.1)
    process.send_signal(number)
    _, said = process.communicate(timeout=90)
    assert process.returncode == code
    # The JVM's own lines are in a file of the lake.
    assert not re.search(r"WARN|log4j|incubator", said)
    (log,) = (tmp_path / "lake" / "logs").glob("*.log")
    assert "NativeCodeLoader" in log.read_text()
    record = json.loads((tmp_path / "lake" / "runs" / "toy" / "slow" / "r.json").read_text())
    assert (record["status"], record["exit_code"]) == ("stopped", code)
