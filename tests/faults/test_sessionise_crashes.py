"""clickstream.sessionise broken off between its commits, and run again: as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from small_session import interpreted_process
from visited_site import DAYS, VISITS, Site

from common.days import DayRange
from jobs.clickstream.session_tables import SESSION_EVENTS

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("no_ops_rows")]

# Two chains over midnight fall apart: ada's, and eve's, which goes on for two days.
FALLEN_APART = [hit for hit in VISITS if hit.event_id not in ("a1", "long-01")]


@pytest.fixture(scope="module")
def visited_once(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A lake whose sessions are those of VISITS; never changed."""
    site = Site(spark, tmp_path_factory.mktemp("visited") / "lake")
    site.has(VISITS)
    assert site.sessionise(DAYS[0], DAYS[3]) == 0
    return site


@pytest.fixture
def site(visited_once: Site, tmp_path: Path) -> Site:
    """A copy of that lake, to change."""
    shutil.copytree(visited_once.root, tmp_path / "lake")
    return Site(visited_once.spark, tmp_path / "lake")


def test_a_run_that_dies_between_its_commits_is_repaired_by_running_it_again(
    site: Site, unaudited: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.has(FALLEN_APART, days=DayRange.single(DAYS[0]))
    monkeypatch.setenv("LAKEJOBS_FAULT", "sessionise.tail_merged:raise")
    assert site.sessionise(DAYS[0], DAYS[0]) == 1
    monkeypatch.delenv("LAKEJOBS_FAULT")
    assert site.sessionise(DAYS[0], DAYS[0]) == 0
    assert site.holds_exactly(FALLEN_APART)


IN_A_PROCESS = """
import sys
from common.job import run_job
from jobs.clickstream.sessionise import JOB
sys.exit(run_job(JOB, sys.argv[1:]))
"""


def test_a_run_killed_between_its_commits_and_run_again_equals_a_clean_run(site: Site, unaudited: None) -> None:
    site.has(FALLEN_APART, days=DayRange.single(DAYS[0]))
    _, sessions = site.tables()
    flags = ["--lake", str(site.root), "--day", str(DAYS[0]), "--set", "lake.lease_seconds=10"]
    environment = {**os.environ, **interpreted_process(), "LAKEJOBS_FAULT": "sessionise.days_replaced:kill"}
    killed = subprocess.run([sys.executable, "-c", IN_A_PROCESS, *flags], env=environment, check=False)
    assert killed.returncode == -9
    of_the_day = [hit for hit in FALLEN_APART if hit.day == DAYS[0]]
    assert site.lake.read(SESSION_EVENTS, days=DayRange.single(DAYS[0])).count() == len(of_the_day)
    assert site.tables()[1] == sessions
    assert site.sessionise(DAYS[0], DAYS[0], "--set", "lake.lease_wait_seconds=60") == 0
    assert site.holds_exactly(FALLEN_APART)
