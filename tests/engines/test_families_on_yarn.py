"""The jobs of every family, packaged, in cluster mode on YARN with all their data on S3, leave the rows of a local run.

One application a family. What is submitted is what ``lakejobs plan`` prints (rendered.py says what is exchanged). S3
refuses each job what ``lakejobs policy`` does not allow it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import granted
import pytest
from job_chain import FAMILIES, KEY_VARIABLE, STEPS, Step, write_landing
from policed_s3 import ANNOUNCED, PolicedS3, policed_s3
from pyspark.sql import SparkSession
from rendered import as_submitted, platform_jars, rendered, rendered_for_app, s3_defaults, write_defaults, yarn_defaults
from s3_server import BUCKET, S3Server
from submit import SEQUENCE, SPARK_HOME, Finished, clean_environment, submit
from table_rows import differences, table_rows
from yarn import YarnCluster

from common.lake.delta.log_files import table_names
from common.lake.storage.objects import ObjectStore
from common.lake.storage.open import object_store
from common.run.context import Services
from common.run.launch import run_job
from deploy.package.build import REPOSITORY, Package
from deploy.package.entries import entry_of, find_entries

# Every job on a real engine, perhaps on a busy machine.
pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

_KEY = "a key for the pseudonyms of this test"
# The bundled log is that of a site that sells nothing.
_EMPTY = {"clickstream.event_items"}  # no carts
_PLACE = f"s3a://{BUCKET}/all-jobs"
_SECONDS = 1500
_REFUSED = "clickstream.sessionise"


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
    """YARN and S3, and the build uploaded as it is to EMR: a family is run when it is first asked for."""

    package: Package
    yarn: YarnCluster
    s3: S3Server
    policed: PolicedS3
    artefacts: str
    home: Path
    objects: ObjectStore
    finished: dict[str, Finished] = field(default_factory=dict)

    @property
    def build(self) -> str:
        """The folder of the build below it."""
        return f"{self.artefacts}/{self.package.name}"

    def answer(self, family: str) -> Path:
        """Where the application of a family writes where it ran."""
        return self.home / f"{family}.json"

    def has_run(self, family: str) -> Finished:
        """How the application of a family ended. It is not run when one before it has failed."""
        for name, steps in FAMILIES.items():
            if name not in self.finished:
                self.finished[name] = self._run(name, steps)
            if name == family:
                break
            assert self.finished[name].exit_code == 0, f"{name}, which comes before {family}, has failed"
        return self.finished[family]

    def submits(self, words: list[str], paths: dict[str, str] | None = None) -> Finished:
        """How a printed command ends, called in a folder with nothing but the platform's settings."""
        environment = clean_environment(self.home, HADOOP_CONF_DIR=str(self.yarn.conf))
        return submit(as_submitted(words, {**platform_jars(), **(paths or {})}), self.home, environment, _SECONDS)

    def flags(self, step: Step, lake: str = f"{_PLACE}/lake") -> list[str]:
        """The command line of a run on S3."""
        settings = {"s3_endpoint_url": self.policed.endpoint, "s3_region": "us-east-1", "s3_path_style": "true"}
        settings["lineage.files"] = "true"
        flags = [word for name, value in settings.items() for word in ("--set", f"lake.{name}={value}")]
        return [*flags, *step.flags(lake, f"{_PLACE}/landing")]

    def logs(self, ended: Finished) -> str:
        """What the containers of a run wrote, or else spark-submit."""
        return self.yarn.container_logs(ended.application) or ended.stderr[-4000:]

    def record(self, step: Step) -> dict[str, Any]:
        """The record of a run."""
        record: dict[str, Any] = json.loads(self.objects.read(f"lake/{step.record_path}"))
        return record

    def _run(self, family: str, steps: tuple[Step, ...]) -> Finished:
        # The entry files one after another in one driver: an application costs a minute of two cores before its job.
        lines = [json.dumps([step.job, *self.flags(step)]) for step in steps]
        arguments = [str(self.answer(family)), f"{self.policed.endpoint}{ANNOUNCED}", *lines]
        words = rendered_for_app(self.package.folder, self.artefacts, steps[0].job, arguments)
        entry = f"{self.build}/{self.package.manifest['entries'][steps[0].job]}"
        return self.submits(words, {entry: f"{self.build}/apps/{SEQUENCE.name}"})


@pytest.fixture(scope="module")
def policed(s3: S3Server) -> Iterator[PolicedS3]:
    """S3 as the role of each job sees it, narrowed by its session policy as on EMR Serverless."""
    policies = granted.policies("all-jobs/lake", "all-jobs/landing")
    with policed_s3(s3.endpoint, policies) as running:
        yield running


@pytest.fixture(scope="module")
def cluster(
    package: Package,
    yarn: YarnCluster,
    s3: S3Server,
    policed: PolicedS3,
    uploaded: str,
    landing: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Cluster:
    """YARN with the build uploaded to it, S3 with the raw files of the chain in the bucket and nothing else."""
    objects = object_store(_PLACE, s3.settings())
    for path in landing.rglob("*"):
        if path.is_file():
            objects.write(f"landing/{path.relative_to(landing).as_posix()}", path.read_bytes())
    home = tmp_path_factory.mktemp("home")
    key = {f"spark.yarn.appMasterEnv.{KEY_VARIABLE}": _KEY}
    write_defaults(home, {**yarn_defaults(yarn.hdfs), **s3_defaults(s3.environment()), **key})
    return Cluster(package, yarn, s3, policed, uploaded, home, objects)


def test_the_chain_has_every_job_and_each_of_its_runs_belongs_to_an_application() -> None:
    assert sorted(step.job for step in STEPS) == [entry.name for entry in find_entries()]
    assert [step for steps in FAMILIES.values() for step in steps] == list(STEPS)


def test_a_job_that_refuses_its_input_fails_on_yarn_too_and_is_not_tried_again(cluster: Cluster) -> None:
    """Exactly the printed command, entry file and all."""
    step = Step(_REFUSED, ("--day", "2015-05-17"))
    flags = cluster.flags(step, f"{_PLACE}/empty")
    ended = cluster.submits(rendered(cluster.package.folder, cluster.artefacts, _REFUSED, flags))
    assert ended.exit_code != 0
    assert "LAK-004" in cluster.logs(ended)
    assert cluster.yarn.attempts(ended.application) == {"01"}


@pytest.mark.parametrize("family", FAMILIES)
def test_driver_and_executors_on_yarn_run_the_archive_with_the_shipped_interpreter(
    family: str, cluster: Cluster
) -> None:
    ended = cluster.has_run(family)
    assert ended.exit_code == 0, cluster.logs(ended)
    answer = json.loads(cluster.answer(family).read_text(encoding="utf-8"))
    (on_executors,) = answer["executors"]
    for code, python in (answer["driver"], on_executors):
        assert code.endswith(f"/{cluster.package.archive.name}/common/__init__.py")
        assert python.endswith("/environment/bin/python")
        assert "/container_" in code
        assert "/container_" in python
    assert answer["driver"] != on_executors
    # Spark itself and the jars that stand for the platform's lie in the checkout, nothing else of it is on the path.
    platform = (str(SPARK_HOME), f"{REPOSITORY}/.jars/")
    of_the_checkout = [entry for entry in answer["path"] if entry.startswith(str(REPOSITORY))]
    assert [entry for entry in of_the_checkout if not entry.startswith(platform)] == []


@pytest.mark.parametrize(
    ("family", "step"),
    [(family, step) for family, steps in FAMILIES.items() for step in steps],
    ids=lambda value: getattr(value, "job", "on"),
)
def test_a_packaged_job_runs_on_yarn_with_its_lake_on_s3(
    family: str, step: Step, cluster: Cluster, local_lake: Path
) -> None:
    ended = cluster.has_run(family)
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
    assert cluster.has_run(list(FAMILIES)[-1]).exit_code == 0
    lake = object_store(f"{_PLACE}/lake", cluster.s3.settings())
    local = object_store(str(local_lake), cluster.s3.settings())
    tables = table_names(local)
    assert table_names(lake) == tables
    wrong = {}
    for name, path in tables.items():
        if path.startswith("ops/"):  # about the runs themselves
            continue
        expected = table_rows(local, path)
        assert bool(expected) != (name in _EMPTY), f"{name} has {len(expected)} rows"
        differing = differences(table_rows(lake, path), expected)
        if differing:
            wrong[name] = (len(differing), differing[0])
    assert not wrong


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.job)
def test_a_job_is_refused_nothing_and_uses_each_right_it_has_an_occasion_for(step: Step, cluster: Cluster) -> None:
    cluster.has_run(list(FAMILIES)[-1])
    assert cluster.policed.asked[step.job]
    assert not cluster.policed.refused[step.job]
    unused = sorted(cluster.policed.unused(step.job, BUCKET))
    assert granted.unexplained(unused, "all-jobs/lake") == []


def test_the_shipped_interpreter_alone_sees_nothing_of_the_checkout(shipped_python: str, bare_home: Path) -> None:
    found = subprocess.run(
        [shipped_python, "-c", "import json, sys; print(json.dumps(sys.path)); import common"],
        cwd=bare_home,
        env=clean_environment(bare_home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode != 0
    assert "No module named 'common'" in found.stderr
    # Its own folder lies in the checkout's .cache.
    own = str(Path(shipped_python).parents[1])
    path = json.loads(found.stdout)
    assert any(entry.startswith(own) for entry in path)
    assert [entry for entry in path if entry.startswith(str(REPOSITORY)) and not entry.startswith(own)] == []
