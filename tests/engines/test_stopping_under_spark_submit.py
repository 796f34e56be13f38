"""A scheduler stops spark-submit: it is the JVM that gets the signal, the job is a child of it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from rendered import as_submitted, platform_jars, rendered_for_app
from submit import clean_environment

pytestmark = pytest.mark.engine

_APP = Path(__file__).parent / "apps" / "slow_job.py"
# Its command is printed; the application takes the place of its entry file.
_JOB = "clickstream.sessionise"


def test_a_stopped_spark_submit_leaves_no_process_no_lease_and_a_record(
    tmp_path, package, artefacts, bare_home, shipped_python
) -> None:
    ready, lake = tmp_path / "ready", tmp_path / "lake"
    words = rendered_for_app(package.folder, artefacts, _JOB, [str(ready), str(lake)], "--node-python", shipped_python)
    entry = f"{artefacts}/{package.name}/{package.manifest['entries'][_JOB]}"
    command = as_submitted(words, {**platform_jars(), entry: str(_APP)}, "local[2]")
    environment = clean_environment(bare_home, PYSPARK_PYTHON=shipped_python)
    with (tmp_path / "stderr").open("w") as said:
        process = subprocess.Popen(command, cwd=bare_home, env=environment, stdout=said, stderr=said)
        try:
            _wait_until(ready.exists, process)
            below = psutil.Process(process.pid).children(recursive=True)
            process.terminate()
            assert process.wait(timeout=60) == 143
            _gone, alive = psutil.wait_procs(below, timeout=60)
        finally:
            process.kill()
    assert alive == []
    record = json.loads((lake / "runs" / "toy" / "slow" / "r.json").read_text(encoding="utf-8"))
    assert (record["status"], record["error"]["code"]) == ("failed", "RUN-004")
    (lease,) = (lake / "_leases" / "toy.rows").iterdir()
    assert json.loads(lease.read_text(encoding="utf-8"))["released"]


def _wait_until(true, process, seconds: int = 240) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert process.poll() is None, "the job has ended"
        assert time.monotonic() < deadline, "the job never started"
        time.sleep(0.1)
