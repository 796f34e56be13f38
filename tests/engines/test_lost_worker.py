"""A packaged job on a standalone cluster that loses a worker in its midst."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from rendered import as_submitted, local_defaults, platform_jars, rendered, s3_defaults, write_defaults
from s3_server import BUCKET, S3Server
from standalone import Standalone, running_standalone
from submit import clean_environment
from visited_site import DAYS, VISITS, Site

from common.lake.storage.open import object_store
from deploy.package.build import Package

pytestmark = pytest.mark.engine

_JOB = "clickstream.sessionise"
_SECONDS = 600
_SIZES = ("--executor-cores", "1", "--executor-memory-gb", "1", "--driver-memory-gb", "1", "--max-executors", "2")


def test_a_lost_worker_changes_no_session(
    package: Package,
    artefacts: str,
    shipped_python: str,
    spark: SparkSession,
    s3: S3Server,
    bare_home: Path,
    tmp_path: Path,
) -> None:
    Site(spark, tmp_path / "before").has(VISITS)
    objects = object_store(f"s3a://{BUCKET}/lost-worker", s3.settings())
    for path in (tmp_path / "before").rglob("*"):
        if path.is_file():
            objects.write(path.relative_to(tmp_path / "before").as_posix(), path.read_bytes())
    both = {"spark.dynamicAllocation.initialExecutors": "2"}
    write_defaults(bare_home, {**local_defaults(), **s3_defaults(s3.environment()), **both})
    settings = {"s3_endpoint_url": s3.endpoint, "s3_region": "us-east-1", "s3_path_style": "true"}
    flags = [word for name, value in settings.items() for word in ("--set", f"lake.{name}={value}")]
    flags += ["--lake", f"s3a://{BUCKET}/lost-worker", "--from", str(DAYS[0]), "--to", str(DAYS[3])]
    words = rendered(package.folder, artefacts, _JOB, flags, "--node-python", shipped_python, sizes=_SIZES)
    environment = clean_environment(bare_home, PYSPARK_PYTHON=shipped_python, **s3.environment())
    log = tmp_path / "job.log"
    with running_standalone(tmp_path / "standalone") as cluster, log.open("wb") as stream:
        command = as_submitted(words, platform_jars(), cluster.url)
        job = subprocess.Popen(command, cwd=bare_home, env=environment, stdout=stream, stderr=stream)
        _kill_worker_at_work(cluster, tmp_path / "standalone", job)
        assert job.wait(_SECONDS) == 0, log.read_text(encoding="utf-8")[-4000:]
    before, lost, after = log.read_text(encoding="utf-8").partition("Lost executor")
    assert lost
    assert "Starting task" in before
    assert "Starting task" in after, "the job had nothing left to do when the worker was killed"
    # Objects lie as files below the server's folder.
    shutil.copytree(s3.folder / BUCKET / "lost-worker", tmp_path / "after")
    assert Site(spark, tmp_path / "after").holds_exactly(VISITS)


def _kill_worker_at_work(cluster: Standalone, work: Path, job: subprocess.Popen[bytes]) -> None:
    """Kills the second worker once its executor has begun its fifth task."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and job.poll() is None:
        for log in work.glob("worker2/app-*/*/stderr"):
            if log.read_text(encoding="utf-8", errors="replace").count("Running task") >= 5:
                cluster.workers[1].kill()
                return
        time.sleep(0.1)
    raise AssertionError("the second worker never had work")
