"""What is to run, where its artefacts are and how large it may grow: all that a target needs for a request."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import UsageError
from common.releases import Release

_UNFIT_IN_NAMES = re.compile(r"[^.\-_A-Za-z0-9]+")


@dataclass(frozen=True)
class Size:
    """Cores, memory (GB) and executors; ``max_executors`` is always said, because EMR Serverless knows no bound."""

    driver_cores: int = 2
    driver_memory_gb: int = 8
    executor_cores: int = 4
    executor_memory_gb: int = 14
    max_executors: int = 20


@dataclass(frozen=True)
class Submission:
    """One run of one job. Addresses are those of the uploaded artefacts; ``arguments`` stay a list to the end."""

    job: str
    entry: str
    archive: str
    environment: str | None
    arguments: tuple[str, ...]
    release: Release
    release_label: str
    size: Size = Size()
    again: int = 0
    node_python: str = ""

    @property
    def client_token(self) -> str:
        """The same command on the same code gives the same token, so that a repeated request starts no second run.

        ``again`` makes another one, for a run that is meant to be repeated.
        """
        identity = [self.job, self.archive, self.environment, self.release_label, self.arguments, self.again]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Job and days, at most 64 characters of those that all services take."""
        days = [self.arguments[at + 1] for at, word in enumerate(self.arguments[:-1]) if word in _DAY_FLAGS]
        name = _UNFIT_IN_NAMES.sub("-", "-".join([self.job, *days]))
        return name if len(name) <= 64 else f"{name[:51]}-{self.client_token[:12]}"

    @property
    def python(self) -> str:
        """The interpreter that runs the job: that of the dependency archive, otherwise the node's own one."""
        return "./environment/bin/python" if self.environment else self.node_python

    def spark_conf(self, jars: tuple[str, ...]) -> dict[str, str]:
        """The Spark properties that every target needs; ``jars`` are the platform's Delta jars by their names there.

        The first jar is among the Python files too: it brings Delta's Python half.
        """
        conf = {
            "spark.submit.pyFiles": f"{self.archive},{jars[0]}",
            "spark.jars": ",".join(jars),
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            "spark.driver.cores": str(self.size.driver_cores),
            "spark.driver.memory": f"{self.size.driver_memory_gb}g",
            "spark.executor.cores": str(self.size.executor_cores),
            "spark.executor.memory": f"{self.size.executor_memory_gb}g",
            "spark.dynamicAllocation.enabled": "true",
            "spark.dynamicAllocation.maxExecutors": str(self.size.max_executors),
        }
        if self.environment:
            conf["spark.archives"] = f"{self.environment}#environment"
        return conf


_DAY_FLAGS = frozenset({"--day", "--from", "--to"})


def read_manifest(path: Path) -> Mapping[str, Any]:
    """The manifest of a build. Raises UsageError PKG-012 when there is none."""
    if not path.is_file():
        raise UsageError("PKG-012", f"There is no manifest {path}.", remedy="Run `lakejobs package` first.")
    manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def artefact_folder(manifest: Mapping[str, Any], artifacts: str) -> str:
    """Where a build is uploaded to: a folder named by its hash below the ``artifacts`` prefix, never written twice."""
    return f"{artifacts.rstrip('/')}/{str(manifest['archive']).removesuffix('.zip')}"


def environment_of(manifest: Mapping[str, Any], lock: str, architecture: str) -> str:
    """The dependency archive of a lock and processor in a build. Raises UsageError PKG-012 when it is missing."""
    pattern = re.compile(rf"environment-{re.escape(lock)}-{re.escape(architecture)}-[0-9a-f]{{12}}\.tar\.gz")
    fitting = [name for name in manifest["files"] if pattern.fullmatch(name)]
    if not fitting:
        names = [name for name in manifest["files"] if name.startswith("environment-")]
        raise UsageError(
            "PKG-012",
            f"The build has no dependency archive of {lock} for {architecture}.",
            cause=f"It has {', '.join(names) or 'none'}.",
            remedy=f"lakejobs package --environment {lock}:{architecture}; if bootstrap/install.sh installs it on "
            "the nodes, give its interpreter with --node-python.",
        )
    return str(fitting[0])
