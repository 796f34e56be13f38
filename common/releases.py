"""The one table of EMR releases: which Spark, Delta, Scala, Hadoop and Python a label has, and where its jars are."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

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
    ``lock`` names the requirement lock whose environment is nearest to the release. ``taken_for`` is empty for a
    release of the table; otherwise it is the label in the table whose facts stand for those of this one.
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
    taken_for: str = ""

    @property
    def warning(self) -> str:
        """What to say of a release that is not in the table; empty for one that is."""
        if not self.taken_for:
            return ""
        return f"The release '{self.label}' is not in the table of releases: it is taken for {self.taken_for}."

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
# emr-7.15.0, emr-spark-8.3.0: what stands before the first dot is a line of releases with one line of Spark.
_LABEL = re.compile(r"(emr-(?:spark-)?\d+)\.(\d+)\.(\d+)")
# 4.1.1, and with whatever a platform adds: 3.5.6-amzn-2, 4.1.1+amzn.0, 3.5.1.dev0.
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?(?![\d])")


def release_of(label: str) -> Release:
    """The release of a label; EMR on EKS suffixes (``-latest``, ``-YYYYMMDD``) are accepted.

    One that is not in the table, of a line that is, is taken for the nearest below it, else for the first of its line;
    its ``warning`` says so. Raises UsageError REL-001 for a label of another line or of no known form.
    """
    plain = _EKS_SUFFIX.sub("", label)
    if plain in RELEASES:
        return RELEASES[plain]
    wanted = _LABEL.fullmatch(plain)
    line = sorted((r for r in RELEASES.values() if wanted and r.label.startswith(f"{wanted[1]}.")), key=_place_in_line)
    if not wanted or not line:
        raise UsageError(
            "REL-001",
            f"The EMR release '{label}' is not known.{did_you_mean(plain, RELEASES)}",
            remedy=f"Known releases: {', '.join(sorted(RELEASES))}.",
        )
    place = (int(wanted[2]), int(wanted[3]))
    nearest = [release for release in line if _place_in_line(release) < place][-1:] or line[:1]
    return replace(nearest[0], label=plain, taken_for=nearest[0].label)


def release_of_spark(version: str) -> Release:
    """The release with that version of Spark, whatever a platform has added to it (``-amzn-2``, ``+amzn.0``).

    Another patch of a known line of Spark is taken for that line's nearest release, Spark 4 of another line for the
    default release; the ``warning`` says so. Raises UsageError REL-002 for any other Spark.
    """
    found = _VERSION.match(version.strip())
    line = ".".join(found.groups("0")[:2]) if found else ""
    exact = f"{line}.{found[3]}" if found else ""
    fitting = [release for release in RELEASES.values() if release.spark.startswith(f"{line}.")] if line else []
    same = [release for release in fitting if release.spark == exact]
    if same:
        return same[0]
    if fitting or line.startswith("4."):
        nearest = (fitting or [RELEASES[DEFAULT_RELEASE]])[0]
        return replace(nearest, label=f"Spark {version}", taken_for=nearest.label)
    known = sorted({release.spark.rpartition(".")[0] for release in RELEASES.values()})
    raise UsageError(
        "REL-002",
        f"Spark '{version}' is not supported.",
        remedy=f"Use Spark {' or '.join(known)}.",
    )


def _place_in_line(release: Release) -> tuple[int, int]:
    found = _LABEL.fullmatch(release.label)
    return (int(found[2]), int(found[3])) if found else (0, 0)
