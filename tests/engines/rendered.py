"""What ``lakejobs plan`` prints, submitted on this machine: the master, paths and sizes differ, nothing else does.

Sizes are flags of ``plan`` itself. What EMR keeps in its own spark-defaults.conf stands in one here, too.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from submit import SPARK_HOME, blas_variables, delta_jars, release_lock

from common.spark.session import running_release
from deploy.laptop.jars import ensure_jars
from deploy.package.build import MANIFEST
from deploy.targets.plan import main as plan

SIZES = (
    *("--driver-cores", "1", "--driver-memory-gb", "1", "--driver-overhead-mb", "384"),
    *("--executor-cores", "2", "--executor-memory-gb", "1", "--executor-overhead-mb", "384", "--max-executors", "1"),
)

# Two cores, small data, little memory.
_SMALL = {
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=160m",
    "spark.executor.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=160m",
}
# All that a spark-defaults.conf of these tests may hold; a job needs none of it where the platform has its own.
_MASTER = {"spark.master", "spark.driver.host", "spark.driver.bindAddress"}
_PATHS = {"spark.yarn.stagingDir", "spark.yarn.jars", "spark.driver.extraClassPath", "spark.executor.extraClassPath"}
_SIZES = {*_SMALL, "spark.dynamicAllocation.initialExecutors"}
# How often YARN is asked, and a port less.
_PACE = {"spark.yarn.scheduler.heartbeat.interval-ms", "spark.yarn.report.interval", "spark.ui.enabled"}
# In place of an instance's role and of Secrets Manager; and what each process of this machine is given.
_VARIABLES = re.compile(
    r"spark\.(yarn\.appMasterEnv|executorEnv)\.(AWS_[A-Z_]+|LAKE_PSEUDONYM_KEY|OPENBLAS_[A-Z0-9_]+)"
)
_PLATFORM = _MASTER | _PATHS | _SIZES | _PACE


def rendered(
    manifest_folder: Path, artefacts: str, job: str, arguments: Sequence[str], *more: str, sizes: Sequence[str] = SIZES
) -> list[str]:
    """The words of the printed command; ``more`` are flags of ``plan``, ``arguments`` those of the job."""
    build = ["--artifacts", artefacts, "--manifest", str(manifest_folder / MANIFEST)]
    release = running_release("auto")
    platform = ["--spark-version", release.spark, "--delta-jars", ",".join(release.delta_jars)]
    printed = io.StringIO()
    with redirect_stdout(printed):
        assert plan([job, "--target", "yarn", *build, *platform, *sizes, *more, "-o", "json", "--", *arguments]) == 0
    words: list[str] = json.loads(printed.getvalue())
    return words


def rendered_for_app(
    manifest_folder: Path, artefacts: str, job: str, arguments: Sequence[str], *more: str
) -> list[str]:
    """The printed command with ``arguments`` of an application that is to take the place of the job's entry file."""
    # Exchanged at once: any flags do, and with this one there are no days and no files to be checked.
    flags = ["--run-id", "app", "--version"]
    words = rendered(manifest_folder, artefacts, job, flags, *more)
    assert words[-len(flags) :] == flags
    return [*words[: -len(flags)], *arguments]


def as_submitted(words: Sequence[str], paths: Mapping[str, str], master: str = "") -> list[str]:
    """The printed words with ``paths`` exchanged; a ``master`` other than YARN runs the driver where it is called."""
    exchanged = [re.sub(r"[^,=]+", lambda path: paths.get(path[0], path[0]), word) for word in words]
    if master:
        at = exchanged.index("--master")
        exchanged[at : at + 4] = ["--master", master]
    return exchanged


def platform_jars() -> dict[str, str]:
    """The Delta jars of the platform -> those that stand for them here."""
    here = {re.split(r"[_-]\d", jar.name)[0]: str(jar) for jar in delta_jars()}
    return {jar: here[Path(jar).stem] for jar in running_release("auto").delta_jars}


def s3_defaults(credentials: Mapping[str, str]) -> dict[str, str]:
    """What EMR brings for S3: the connector and the right to read."""
    jars = ":".join(str(jar) for jar in ensure_jars([f"{release_lock()}/s3a"]))
    return {"spark.driver.extraClassPath": jars, "spark.executor.extraClassPath": jars, **_variables(credentials)}


def _variables(values: Mapping[str, str]) -> dict[str, str]:
    """Environment variables of driver and executors."""
    kinds = ("yarn.appMasterEnv", "executorEnv")
    return {f"spark.{kind}.{name}": value for kind in kinds for name, value in values.items()}


def write_defaults(folder: Path, defaults: Mapping[str, str]) -> None:
    """The spark-defaults.conf of a platform. Refuses a key that the list above does not know."""
    found = {**_SMALL, "spark.ui.enabled": "false", **defaults}
    foreign = [key for key in found if key not in _PLATFORM and not _VARIABLES.fullmatch(key)]
    assert not foreign, f"a job that needs {foreign} must get it from `lakejobs plan`"
    text = "".join(f"{key} {value}\n" for key, value in found.items())
    (folder / "spark-defaults.conf").write_text(text, encoding="utf-8")


def local_defaults() -> dict[str, str]:
    """A driver on this machine listens on its loopback interface alone."""
    return {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def yarn_defaults(hdfs: str) -> dict[str, str]:
    """YARN with Spark's own jars on each node."""
    return {
        "spark.master": "yarn",
        "spark.yarn.stagingDir": f"{hdfs}/staging",
        "spark.yarn.jars": f"local:{SPARK_HOME}/jars/*",
        "spark.yarn.scheduler.heartbeat.interval-ms": "500",
        "spark.yarn.report.interval": "200ms",
        **_variables(blas_variables()),
    }
