"""What is to run, where its artefacts are, under which name: all that a target needs for a request."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from common.days import DayRange
from common.releases import Release
from deploy.targets.sizes import Size

_UNFIT_IN_NAMES = re.compile(r"[^.\-_A-Za-z0-9]+")
_LONGEST_NAME = 64

_GLUE = {
    "spark.sql.catalogImplementation": "hive",
    "spark.hadoop.hive.metastore.client.factory.class": (
        "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
    ),
}


@dataclass(frozen=True)
class Submission:
    """One attempt at one run of one job. Addresses are those of the uploaded artefacts.

    ``arguments`` stay a list to the end. ``run_id`` names the work and ``attempt`` how often it was asked for.
    ``registers``: the job puts its tables into the catalogue. ``more_conf`` are properties from outside.
    """

    job: str
    entry: str
    archive: str
    environment: str | None
    arguments: tuple[str, ...]
    release: Release
    release_label: str
    run_id: str
    attempt: int = 1
    size: Size = field(default_factory=Size)
    node_python: str = ""
    days: DayRange | None = None
    registers: bool = False
    more_conf: tuple[tuple[str, str], ...] = ()

    def client_token(self, place: str) -> str:
        """See ``client_token``."""
        return client_token(self.job, self.run_id, self.attempt, place)

    @property
    def name(self) -> str:
        """Job and days, at most 64 characters of those that all services take."""
        name = _UNFIT_IN_NAMES.sub("-", f"{self.job}-{days_text(self.days)}" if self.days else self.job)
        digest = hashlib.sha256(self.run_id.encode()).hexdigest()
        return name if len(name) <= _LONGEST_NAME else f"{name[:51]}-{digest[:12]}"

    @property
    def python(self) -> str:
        """The interpreter that runs the job: that of the dependency archive, otherwise the node's own one."""
        return "./environment/bin/python" if self.environment else self.node_python

    def spark_conf(self, jars: tuple[str, ...]) -> dict[str, str]:
        """The Spark properties that every target needs; ``jars`` are Delta's by their names on the platform.

        The first jar is among the Python files too: it brings Delta's Python half.
        """
        conf = {"spark.submit.pyFiles": ",".join([self.archive, *jars[:1]])}
        if jars:
            conf["spark.jars"] = ",".join(jars)
        conf |= {
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            **self.size.conf(),
        }
        if self.environment:
            conf["spark.archives"] = f"{self.environment}#environment"
        return conf

    def with_more(self, conf: dict[str, str], *, on_emr: bool = True) -> dict[str, str]:
        """``conf``, then what the catalogue needs, then the properties from outside, whose jars come after Delta's."""
        whole = {**conf, **(_GLUE if self.registers and on_emr else {})}
        for key, value in self.more_conf:
            whole[key] = f"{whole[key]},{value}" if key == "spark.jars" and key in whole else value
        return whole


def client_token(job: str, run_id: str, attempt: int, place: str) -> str:
    """Run id and attempt: the same work sent to one ``place`` twice is one run, another attempt another one.

    A hash of both, the job and the place stands behind them, so that two jobs of one night may share a run id.
    """
    identity = json.dumps([job, run_id, attempt, place])
    digest = hashlib.sha256(identity.encode()).hexdigest()
    return f"{run_id[:40]}-{attempt}-{digest[:16]}"


def days_text(days: DayRange) -> str:
    """``2026-11-20`` or ``2026-11-01-2026-11-20``."""
    return str(days.first) if days.first == days.last else f"{days.first}-{days.last}"


def proposed_run_id(job: str, arguments: tuple[str, ...], days: DayRange | None, now: datetime) -> str:
    """A run id for work that nobody has named.

    The days name the work of a job over given days. One that takes in files, or finds its days itself, has other work
    each time: there the minute does.
    """
    digest = hashlib.sha256(json.dumps([job, *arguments]).encode()).hexdigest()
    return f"{job}-{days_text(days) if days else f'{now:%Y%m%dT%H%MZ}'}-{digest[:8]}"
