"""Every job, packaged, in cluster mode on YARN with all its data on S3, leaves the rows that a local run leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from job_chain import KEY_VARIABLE, STEPS, Step, write_landing
from pyspark.sql import SparkSession
from s3_server import BUCKET, S3Server
from submit import SPARK_HOME, Finished, clean_environment, release_lock, submit, submit_command
from table_rows import differences, table_rows
from yarn import YarnCluster

from common.context import Services
from common.job import run_job
from common.lake.log_files import table_names
from common.lake.objects import ObjectStore, object_store
from deploy.entries import entry_of, find_entries
from deploy.jars import ensure_jars
from deploy.package import Package

# Fifteen jobs on a real engine, perhaps on a busy machine.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

_KEY = "a key for the pseudonyms of this test"
_PLACE = f"s3a://{BUCKET}/all-jobs"
_SECONDS = 1500
_SEQUENCE = Path(__file__).parent / "apps" / "job_sequence.py"
# One job of each family is an application of its own, made from its entry file as a scheduler would; those between
# follow one another in one driver, because an application costs a minute of two cores before its job begins.
_ALONE = {"clickstream.ingest", "fraud.score", "forecast.replenish"}
APPLICATIONS = [
    list(steps) for _, steps in groupby(STEPS, lambda step: step.job if step.job in _ALONE else "in a sequence")
]


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw files of the chain."""
    folder = tmp_path_factory.mktemp("landing")
    write_landing(folder)
    return folder


@pytest.fixture(scope="module")
def local_lake(spark: SparkSession, landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lake in a folder that all jobs leave, run in this process from the checkout."""
    lake = tmp_path_factory.mktemp("local") / "lake"
    services = Services(session=lambda _settings, _name: spark)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(KEY_VARIABLE, _KEY)
        for step in STEPS:
            code = run_job(entry_of(step.job).load(), step.flags(str(lake), str(landing)), services=services)
            assert code == 0, step.job
    return lake


@dataclass
class Cluster:
    """The chain on YARN and S3: an application is run when a job of it is first asked for, after all those before."""

    package: Package
    yarn: YarnCluster
    s3: S3Server
    archive: str
    dependencies: str
    home: Path
    objects: ObjectStore
    finished: list[Finished] = field(default_factory=list)

    def has_run(self, job: str) -> Finished:
        """How the application of a job ended. It is not run when the one before has failed."""
        for number, steps in enumerate(APPLICATIONS):
            if number == len(self.finished):
                self.finished.append(self._submitted(steps))
            ended = self.finished[number]
            if job in [step.job for step in steps]:
                return ended
            assert ended.exit_code == 0, f"{steps[-1].job}, or what leads to it, has failed before"
        raise AssertionError(f"{job} is not in the chain")

    def logs(self, ended: Finished) -> str:
        """What the containers of a run wrote, or else spark-submit."""
        return self.yarn.container_logs(ended.application) or ended.stderr[-4000:]

    def record(self, step: Step) -> dict[str, Any]:
        """The record of a run."""
        record: dict[str, Any] = json.loads(self.objects.read(f"lake/{step.record_path}"))
        return record

    def _submitted(self, steps: list[Step]) -> Finished:
        if steps[0].job in _ALONE:
            file, flags = self.package.folder / self.package.manifest["entries"][steps[0].job], self._flags(steps[0])
        else:
            file, flags = _SEQUENCE, [json.dumps([step.job, *self._flags(step)]) for step in steps]
        entry = self.yarn.upload(file, "artefacts")
        mode = ["--deploy-mode", "cluster", "--archives", f"{self.dependencies}#environment"]
        command = submit_command("yarn", self.archive, entry, flags, self._conf(), *mode)
        environment = clean_environment(self.home, HADOOP_CONF_DIR=str(self.yarn.conf))
        return submit(command, self.home, environment, _SECONDS)

    def _flags(self, step: Step) -> list[str]:
        settings = {"s3_endpoint_url": self.s3.endpoint, "s3_region": "us-east-1", "s3_path_style": "true"}
        flags = [word for name, value in settings.items() for word in ("--set", f"lake.{name}={value}")]
        return [*flags, *step.flags(f"{_PLACE}/lake", f"{_PLACE}/landing")]

    def _conf(self) -> dict[str, str]:
        # On EMR the platform brings S3A and the credentials; only the driver gets to see the key of the pseudonyms.
        s3a = ":".join(str(jar) for jar in ensure_jars([f"{release_lock()}/s3a"]))
        conf = {"spark.driver.extraClassPath": s3a, "spark.executor.extraClassPath": s3a}
        for name, value in self.s3.environment().items():
            conf |= {f"spark.yarn.appMasterEnv.{name}": value, f"spark.executorEnv.{name}": value}
        return {**self.yarn.job_conf(SPARK_HOME), **conf, f"spark.yarn.appMasterEnv.{KEY_VARIABLE}": _KEY}


@pytest.fixture(scope="module")
def cluster(
    package: Package,
    yarn: YarnCluster,
    s3: S3Server,
    environment_address: str,
    landing: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Cluster:
    """YARN and S3 with the raw files of the chain in the bucket and nothing else."""
    objects = object_store(_PLACE, s3.settings())
    for path in landing.rglob("*"):
        if path.is_file():
            objects.write(f"landing/{path.relative_to(landing).as_posix()}", path.read_bytes())
    archive = yarn.upload(package.archive, "artefacts")
    return Cluster(package, yarn, s3, archive, environment_address, tmp_path_factory.mktemp("home"), objects)


def test_the_chain_has_every_job() -> None:
    assert sorted(step.job for step in STEPS) == [entry.name for entry in find_entries()]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.job)
def test_a_packaged_job_runs_on_yarn_with_its_lake_on_s3(step: Step, cluster: Cluster, local_lake: Path) -> None:
    ended = cluster.has_run(step.job)
    assert ended.exit_code == 0, cluster.logs(ended)
    record = cluster.record(step)
    local = json.loads((local_lake / step.record_path).read_text(encoding="utf-8"))
    assert (record["status"], record["warnings"]) == ("done", [])
    assert record["lake"] == f"{_PLACE}/lake"
    assert record["report"] == step.report_path
    assert cluster.objects.read(f"lake/{step.report_path}").startswith(b"<!")
    if step.job != "maintenance.maintain":  # how many files there are is a matter of the engine
        assert record["counts"] == local["counts"]


def test_every_table_on_s3_holds_the_rows_of_the_local_run(cluster: Cluster, local_lake: Path) -> None:
    assert cluster.has_run(STEPS[-1].job).exit_code == 0
    lake = object_store(f"{_PLACE}/lake", cluster.s3.settings())
    local = object_store(str(local_lake), cluster.s3.settings())
    tables = table_names(local)
    assert table_names(lake) == tables
    wrong = {}
    for name, path in tables.items():
        if path.startswith("ops/"):  # about the runs themselves
            continue
        expected = table_rows(local, path)
        assert expected, f"{name} has no rows"
        differing = differences(table_rows(lake, path), expected)
        if differing:
            wrong[name] = (len(differing), differing[0])
    assert not wrong
