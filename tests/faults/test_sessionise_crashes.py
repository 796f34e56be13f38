"""clickstream.sessionise broken off between its commits, and run again: as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from visited_site import DAYS, VISITS, Site

from common.days import DayRange
from jobs.clickstream.sessions.tables import SESSION_EVENTS

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("no_ops_rows")]

# Two chains over midnight fall apart: ada's, and eve's, which goes on for two days.
FALLEN_APART = [hit for hit in VISITS if hit.event_id not in ("a1", "long-01")]


def test_a_run_broken_off_between_its_commits_and_run_again_equals_a_clean_run(
    spark: SparkSession, tmp_path: Path, unaudited: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(spark, tmp_path / "lake")
    site.has(VISITS)
    assert site.sessionise(DAYS[0], DAYS[3]) == 0
    site.has(FALLEN_APART, days=DayRange.single(DAYS[0]))
    _, sessions = site.tables()
    monkeypatch.setenv("LAKEJOBS_FAULT", "sessionise.days_replaced:raise")
    assert site.sessionise(DAYS[0], DAYS[0]) == 1
    of_the_day = [hit for hit in FALLEN_APART if hit.day == DAYS[0]]
    assert site.lake.read(SESSION_EVENTS, days=DayRange.single(DAYS[0])).count() == len(of_the_day)
    assert site.tables()[1] == sessions
    monkeypatch.setenv("LAKEJOBS_FAULT", "sessionise.tail_merged:raise")
    assert site.sessionise(DAYS[0], DAYS[0]) == 1
    monkeypatch.delenv("LAKEJOBS_FAULT")
    assert site.sessionise(DAYS[0], DAYS[0]) == 0
    assert site.holds_exactly(FALLEN_APART)
