"""The packaged clickstream jobs on each engine leave the rows that a plain local run of the checkout leaves."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import Counter

import pytest
from standalone import running_standalone
from submit import clean_environment, submit, submit_command

from common.context import Services
from common.job import run_job
from deploy.entries import entry_of
from deploy.package import REPOSITORY

# Two real jobs on a real engine, perhaps on a busy machine.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

_DAYS = ["--from", "2015-05-17", "--to", "2015-05-20"]
_INPUT = ["--input", str(REPOSITORY / "samples" / "clickstream"), "--source", "apache_combined"]
_JOBS = {"clickstream.ingest": [*_INPUT, *_DAYS], "clickstream.sessionise": _DAYS}
_TABLES = ("silver/clickstream/events", "gold/clickstream/session_events", "gold/clickstream/sessions")
# When a run took place is the only thing in these tables that differs between runs.
_RUN_COLUMNS = {"ingested_at"}
_SECONDS = 840


def _entry(package, job):
    return package.folder / package.manifest["entries"][job]


def _rows(spark, lake):
    """Table -> multiset of its rows."""
    found = {}
    for table in _TABLES:
        frame = spark.read.format("delta").load(str(lake / table))
        kept = sorted(set(frame.columns) - _RUN_COLUMNS)
        found[table] = Counter(map(str, frame.select(kept).collect()))
    return found


def _assert_same(found, expected):
    for table in _TABLES:
        assert expected[table].total() > 1000, f"{table} is too empty to prove anything"
        differing = (found[table] - expected[table]) + (expected[table] - found[table])
        assert not differing, f"{table}: {differing.total()} rows differ, e.g. {next(iter(differing))}"


@pytest.fixture(scope="module")
def plain_lake(spark, tmp_path_factory):
    """The lake that the jobs of the checkout leave, run in this process."""
    lake = tmp_path_factory.mktemp("plain") / "lake"
    services = Services(session=lambda _settings, _name: spark)
    for job, arguments in _JOBS.items():
        assert run_job(entry_of(job).load(), ["--lake", str(lake), *arguments], services=services) == 0
    return lake


@pytest.fixture(scope="module")
def expected_rows(spark, plain_lake):
    """Table -> rows of the plain lake."""
    return _rows(spark, plain_lake)


def test_the_package_leaves_the_same_rows_on_local_spark(
    package, expected_rows, spark, tmp_path, bare_home, shipped_python
):
    for job, arguments in _JOBS.items():
        flags = ["--lake", str(tmp_path / "lake"), *arguments]
        command = submit_command("local[2]", package.archive, _entry(package, job), flags, {})
        done = submit(command, bare_home, clean_environment(bare_home, PYSPARK_PYTHON=shipped_python), _SECONDS)
        assert done.exit_code == 0, done.stderr[-4000:]
    _assert_same(_rows(spark, tmp_path / "lake"), expected_rows)


def test_a_lost_worker_changes_no_session_on_a_standalone_cluster(
    package, plain_lake, expected_rows, spark, tmp_path, bare_home, shipped_python
):
    lake = tmp_path / "lake"
    shutil.copytree(plain_lake / "silver", lake / "silver")
    conf = {"spark.driver.memory": "1g", "spark.executor.memory": "700m"}
    environment = clean_environment(bare_home, PYSPARK_PYTHON=shipped_python)
    entry = _entry(package, "clickstream.sessionise")
    log = tmp_path / "job.log"
    with running_standalone(tmp_path / "standalone") as cluster, log.open("wb") as stream:
        # Master and workers share the disk of this machine.
        flags = ["--lake", str(lake), "--set", "lake.shared_folder=true", *_DAYS]
        command = submit_command(cluster.url, package.archive, entry, flags, conf)
        job = subprocess.Popen(command, cwd=bare_home, env=environment, stdout=stream, stderr=stream)
        _kill_worker_at_work(cluster, tmp_path / "standalone", job)
        assert job.wait(_SECONDS) == 0, log.read_text(encoding="utf-8")[-4000:]
    before, lost, after = log.read_text(encoding="utf-8").partition("Lost executor")
    assert lost
    assert "Starting task" in before
    assert "Starting task" in after, "the job had nothing left to do when the worker was killed"
    _assert_same(_rows(spark, lake), expected_rows)


def _kill_worker_at_work(cluster, work, job):
    """Kills the second worker once its executor has begun its fifth task."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and job.poll() is None:
        for log in work.glob("worker2/app-*/*/stderr"):
            if log.read_text(encoding="utf-8", errors="replace").count("Running task") >= 5:
                cluster.workers[1].kill()
                return
        time.sleep(0.1)
    raise AssertionError("the second worker never had work")
