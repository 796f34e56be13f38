"""The mechanics of each engine, proved with a small Delta application: code, interpreter and rows are as shipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from standalone import running_standalone
from submit import SPARK_HOME, clean_environment, submit, submit_command

pytestmark = pytest.mark.engine

_APP = Path(__file__).parent / "apps" / "delta_round.py"
_CHECKOUT = str(Path(__file__).resolve().parents[2])


@pytest.fixture
def app(tmp_path):
    """The application's file, away from the checkout, and the arguments but for the seconds."""
    (tmp_path / "markers").mkdir()
    target = tmp_path / "app" / _APP.name
    target.parent.mkdir()
    shutil.copyfile(_APP, target)
    return target, [str(tmp_path / "answer.json"), str(tmp_path / "table"), str(tmp_path / "markers")]


def _answer(app):
    return json.loads(Path(app[1][0]).read_text(encoding="utf-8"))


def _code_of(answer, archive):
    """Where executors imported the code from, told apart from merged rows."""
    (code,) = set(answer["counts"]) - {"merged"}
    assert answer["counts"] == {code: 500, "merged": 1000}
    assert code.endswith(f"/{archive.name}/common/__init__.py")
    return code


def _assert_nothing_of_the_checkout(answer):
    """Spark itself and the jars that stand for the platform's lie there; nothing else of the path may."""
    platform = (str(SPARK_HOME), f"{_CHECKOUT}/.jars/")
    assert [entry for entry in answer["path"] if entry.startswith(_CHECKOUT) and not entry.startswith(platform)] == []


def test_local_spark_runs_the_archive_and_nothing_of_the_checkout(app, package, bare_home, shipped_python):
    command = submit_command("local[2]", package.archive, app[0], [*app[1], "0"], {"spark.driver.memory": "1g"})
    done = submit(command, bare_home, clean_environment(bare_home, PYSPARK_PYTHON=shipped_python))
    assert done.exit_code == 0, done.stderr[-4000:]
    answer = _answer(app)
    _code_of(answer, package.archive)
    assert answer["driver_code"].startswith(str(package.archive))
    _assert_nothing_of_the_checkout(answer)


def test_yarn_runs_driver_and_executors_with_the_shipped_interpreter(
    app, package, yarn, environment_address, bare_home
):
    conf = yarn.job_conf(SPARK_HOME)
    flags = ["--deploy-mode", "cluster", "--archives", f"{environment_address}#environment"]
    command = submit_command("yarn", package.archive, app[0], [*app[1], "0"], conf, *flags)
    done = submit(command, bare_home, clean_environment(bare_home, HADOOP_CONF_DIR=str(yarn.conf)))
    assert done.exit_code == 0, yarn.container_logs(done.application) or done.stderr[-4000:]
    answer = _answer(app)
    assert "/container_" in _code_of(answer, package.archive)
    pythons = [*answer["executor_pythons"], answer["driver_python"]]
    assert len(set(pythons)) == 2
    assert all("/container_" in python and python.endswith("/environment/bin/python") for python in pythons)
    _assert_nothing_of_the_checkout(answer)


def test_a_worker_killed_with_a_task_in_flight_changes_no_row(app, package, tmp_path, bare_home, shipped_python):
    markers = Path(app[1][2])
    conf = {"spark.driver.memory": "700m", "spark.executor.memory": "600m"}
    with running_standalone(tmp_path / "standalone") as cluster:
        command = submit_command(cluster.url, package.archive, app[0], [*app[1], "5"], conf)
        environment = clean_environment(bare_home, PYSPARK_PYTHON=shipped_python)
        with (tmp_path / "job.log").open("wb") as log:
            job = subprocess.Popen(command, cwd=bare_home, env=environment, stdout=log, stderr=log)
            lost = _kill_worker_with_a_task(cluster, markers, job)
            assert job.wait(240) == 0, (tmp_path / "job.log").read_text(encoding="utf-8")[-4000:]
    _code_of(_answer(app), package.archive)
    ended = [path.name.split("-")[1:3] for path in markers.glob("ended-*")]
    assert sorted(partition for partition, _ in ended) == ["0", "1", "2", "3"]
    assert int(dict(ended)[lost]) > 0, f"task {lost} was not repeated: {ended}"


def _kill_worker_with_a_task(cluster, markers, job):
    """Kills the second worker while a task runs there; the partition of that task."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and job.poll() is None:
        for marker in markers.glob("started-*"):
            partition, attempt, process = marker.name.split("-")[1:4]
            running = not list(markers.glob(f"ended-{partition}-{attempt}-*"))
            if running and cluster.workers[1].started(int(process)):
                cluster.workers[1].kill()
                return partition
        time.sleep(0.1)
    raise AssertionError("no task was seen on the second worker")
