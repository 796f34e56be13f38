"""clickstream.ingest killed again and again, each time further on, then let through: as if it had never been killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ingest_lakes import Intake, hit, write_lines, write_source
from pyspark.sql import SparkSession
from small_session import interpreted_process

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("no_ops_rows")]

LINES = [
    hit(id="e1", t="2026-03-10T10:00:00Z"),
    hit(id="e1", t="2026-03-10T10:01:00Z", url="/again"),
    hit(id="e2", t="2026-03-10T10:02:00Z", url="/robots.txt"),
    hit(id="late", t="2026-03-01T10:00:00Z"),
    hit(id="broken", t="no time"),
]
DAY = "2026-03-10"
# Before and after the commit of silver the process is killed; elsewhere it fails, which ends it no less.
POINTS = {
    "ingest.ledger_pending": "raise",
    "ingest.bronze_written": "kill",
    "ingest.aside_written": "raise",
    "ingest.silver_written": "kill",
}


def run_and_kill(root: Path, source: Path, files: Path, point: str) -> int:
    """The job in a process of its own that is killed at a point; its exit code."""
    command = [sys.executable, "jobs/clickstream/ingest.py", "--lake", str(root), "--source", str(source)]
    command += ["--input", str(files), "--day", DAY]
    environment = {**os.environ, **interpreted_process(), "LAKEJOBS_FAULT": f"{point}:kill"}
    return subprocess.run(command, env=environment, check=False, capture_output=True).returncode


def aside(intake: Intake) -> tuple[list[str], list[tuple[str | None, list[str]]], int]:
    bronze = intake.spark.read.format("delta").load(f"{intake.root}/bronze/clickstream/events_raw").count()
    return intake.late(), intake.quarantined(), bronze


def test_a_run_that_ends_at_one_point_after_the_other_is_completed_by_running_it_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, files = write_source(tmp_path), tmp_path / "in"
    write_lines(files, "a.json", LINES)
    undisturbed = Intake(spark, tmp_path / "undisturbed", source)
    assert undisturbed.ingest(files, DAY, DAY)["exit_code"] == 0
    killed = Intake(spark, tmp_path / "killed", source)
    for point, end in POINTS.items():
        if end == "raise":
            monkeypatch.setenv("LAKEJOBS_FAULT", f"{point}:raise")
            assert killed.ingest(files, DAY, DAY)["exit_code"] == 1, point
            monkeypatch.delenv("LAKEJOBS_FAULT")
        else:
            assert run_and_kill(killed.root, source, files, point) == -signal.SIGKILL, point
            # The dead run's lease lives on until it expires.
            for lease in (killed.root / "_leases").rglob("*"):
                if lease.is_file():
                    lease.unlink()
    assert killed.ingest(files, DAY, DAY)["exit_code"] == 0
    assert killed.silver() == undisturbed.silver()
    assert aside(killed) == aside(undisturbed)
