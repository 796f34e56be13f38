"""On YARN driver and executors run the archive with the shipped interpreter, and a job that refuses is a failed one."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from submit import SPARK_HOME, Finished, clean_environment, submit, submit_command

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

_APP = Path(__file__).parent / "apps" / "shipped.py"
_CHECKOUT = str(Path(__file__).resolve().parents[2])
_SECONDS = 600
# The first session is the application's, not the job's: it has to bring Delta.
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


@dataclass(frozen=True)
class Told:
    """How the application ended, what it told before, and its logs."""

    ended: Finished
    answer: dict[str, Any]
    logs: str


@pytest.fixture(scope="module")
def told(package, yarn, environment_address, tmp_path_factory):
    """One application: it tells where it runs, then runs the packaged job on a lake without a table."""
    folder = tmp_path_factory.mktemp("shipped")
    home = folder / "home"
    home.mkdir()
    app = folder / "app" / _APP.name
    app.parent.mkdir()
    shutil.copyfile(_APP, app)
    answer = folder / "answer.json"
    # The only node of this cluster is this machine.
    shared = ["--set", "lake.shared_folder=true"]
    job = ["clickstream.sessionise", "--lake", str(folder / "lake"), *shared, "--day", "2015-05-17"]
    mode = ["--deploy-mode", "cluster", "--archives", f"{environment_address}#environment"]
    conf = {**yarn.job_conf(SPARK_HOME), **_DELTA}
    command = submit_command("yarn", package.archive, app, [str(answer), *job], conf, *mode)
    ended = submit(command, home, clean_environment(home, HADOOP_CONF_DIR=str(yarn.conf)), _SECONDS)
    logs = yarn.container_logs(ended.application) or ended.stderr[-4000:]
    assert answer.is_file(), logs
    return Told(ended, json.loads(answer.read_text(encoding="utf-8")), logs)


def test_driver_and_executors_on_yarn_run_the_archive_with_the_shipped_interpreter(told, package):
    (on_executors,) = told.answer["executors"]
    for code, python in (told.answer["driver"], on_executors):
        assert code.endswith(f"/{package.archive.name}/common/__init__.py")
        assert python.endswith("/environment/bin/python")
        assert "/container_" in code
        assert "/container_" in python
    assert told.answer["driver"] != on_executors


def test_nothing_of_the_checkout_is_on_the_path_on_yarn(told):
    # Spark itself and the jars that stand for the platform's lie there.
    platform = (str(SPARK_HOME), f"{_CHECKOUT}/.jars/")
    path = told.answer["path"]
    assert [entry for entry in path if entry.startswith(_CHECKOUT) and not entry.startswith(platform)] == []


def test_a_job_that_refuses_its_input_fails_on_yarn_too(told):
    assert told.ended.exit_code != 0
    assert "LAK-004" in told.logs


def test_the_shipped_interpreter_alone_sees_nothing_of_the_checkout(shipped_python, bare_home):
    found = subprocess.run(
        [shipped_python, "-c", "import sys; print(sys.path); import common"],
        cwd=bare_home,
        env=clean_environment(bare_home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode != 0
    assert "No module named 'common'" in found.stderr
    assert _CHECKOUT not in found.stdout
