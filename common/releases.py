"""The one table of EMR releases: which Spark, Delta, Scala, Hadoop and Python a label has, and where its jars are."""

from __future__ import annotations

import re
from dataclasses import dataclass

from common.errors import UsageError
from common.words import did_you_mean

DEFAULT_RELEASE = "emr-spark-8.1.0"

_DELTA_JAR_FOLDER = "/usr/share/aws/delta/lib"
_EMR_DELTA_JARS = (f"{_DELTA_JAR_FOLDER}/delta-spark.jar", f"{_DELTA_JAR_FOLDER}/delta-storage.jar")


@dataclass(frozen=True)
class Release:
    """What one EMR release label stands for.

    ``python`` is the interpreter minor version that jobs are run with, ``python_path`` where it is on a node.
    ``delta_jars`` are the platform's own Delta jars, in the order in which they go on the class path.
    ``lock`` names the requirement lock whose environment is nearest to the release.
    """

    label: str
    spark: str
    delta: str
    scala: str
    hadoop: str
    python: str = "3.11"
    python_path: str = "/usr/bin/python3.11"
    delta_jars: tuple[str, ...] = _EMR_DELTA_JARS
    lock: str = "default"

    @property
    def spark_major(self) -> int:
        """3 or 4."""
        return int(self.spark.split(".", 1)[0])


RELEASES: dict[str, Release] = {
    release.label: release
    for release in (
        Release("emr-spark-8.2.0", "4.1.3", "4.2.0", "2.13", "3.4.2"),
        Release("emr-spark-8.1.0", "4.1.1", "4.2.0", "2.13", "3.4.2"),
        Release("emr-7.14.0", "3.5.6", "3.3.2", "2.12", "3.4.2", lock="emr-7.13.0"),
        Release("emr-7.13.0", "3.5.6", "3.3.2", "2.12", "3.4.2", lock="emr-7.13.0"),
    )
}

_EKS_SUFFIX = re.compile(r"-(latest|\d{8})$")


def release_of(label: str) -> Release:
    """The release of a label; EMR on EKS suffixes (``-latest``, ``-YYYYMMDD``) are accepted.

    Raises UsageError REL-001 for a label that is not in the table.
    """
    plain = _EKS_SUFFIX.sub("", label)
    if plain in RELEASES:
        return RELEASES[plain]
    raise UsageError(
        "REL-001",
        f"The EMR release '{label}' is not known.{did_you_mean(plain, RELEASES)}",
        remedy=f"Known releases: {', '.join(sorted(RELEASES))}.",
    )
