"""clickstream.ingest killed again and again, each time further on, then let through: as if it had never been broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_lakes import Intake, hit, write_lines, write_source
from pyspark.sql import SparkSession

from jobs.clickstream.events.tables import EVENT_RECORDS

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

LINES = [
    hit(id="e1", t="2026-03-10T10:00:00Z"),
    hit(id="e1", t="2026-03-10T10:01:00Z", url="/again"),
    hit(id="e2", t="2026-03-10T10:02:00Z", url="/robots.txt"),
    hit(id="e3", t="2026-03-01T10:00:00Z"),
    hit(id="broken", t="no time"),
]
POINTS = ("ingest.begun", "ingest.bronze_written", "ingest.quarantined", "ingest.before_silver", "ingest.published")


def aside(intake: Intake) -> tuple[list[tuple[str | None, list[str]]], int]:
    return intake.quarantined(), intake.lake.read(EVENT_RECORDS).count()


def test_a_run_that_ends_at_one_point_after_the_other_is_completed_by_running_it_again(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, files = write_source(tmp_path), tmp_path / "in"
    write_lines(files, "a.json", LINES)
    undisturbed = Intake(spark, tmp_path / "undisturbed", source)
    assert undisturbed.ingest(files)["exit_code"] == 0
    broken = Intake(spark, tmp_path / "broken", source)
    for point in POINTS:
        monkeypatch.setenv("LAKEJOBS_FAULT", f"{point}:raise")
        assert broken.ingest(files)["exit_code"] == 1, point
        monkeypatch.delenv("LAKEJOBS_FAULT")
    assert broken.ingest(files)["exit_code"] == 0
    assert broken.silver() == undisturbed.silver()
    assert aside(broken) == aside(undisturbed)
