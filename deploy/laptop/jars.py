"""Fetches the pinned jars into a project-local folder: Delta and S3A per lock, and the servers that tests start.

The coordinates and SHA-256 sums are in requirements/jars.lock. Files that are present and correct are left alone, so a
second run touches no network. Fetching is done by the Ivy inside PySpark, with its default resolver (Maven Central).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import quoteattr

REPOSITORY = Path(__file__).resolve().parents[2]
LOCK = REPOSITORY / "requirements" / "jars.lock"
JAR_ROOT = REPOSITORY / ".jars"


@dataclass(frozen=True)
class Jar:
    """One line of the lock: the group it serves, its coordinates and its SHA-256."""

    group: str
    organisation: str
    artifact: str
    version: str
    classifier: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the jar is below the project's jar folder."""
        suffix = f"-{self.classifier}" if self.classifier else ""
        return JAR_ROOT / self.group / f"{self.artifact}-{self.version}{suffix}.jar"


def locked_jars(groups: Iterable[str], lock: Path = LOCK) -> list[Jar]:
    """The jars of the named groups, in the order of the lock. Raises SystemExit for a group that does not exist."""
    wanted = set(groups)
    jars = []
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        group, coordinates, sha256 = line.split()
        if group in wanted:
            organisation, artifact, version, *classifier = coordinates.split(":")
            jars.append(Jar(group, organisation, artifact, version, "".join(classifier), sha256))
    missing = wanted - {jar.group for jar in jars}
    if missing:
        raise SystemExit(f"jars: no such group in {lock.name}: {', '.join(sorted(missing))}")
    return jars


def is_intact(path: Path, sha256: str) -> bool:
    """True when the file is there and has the expected sum."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == sha256


def _ivy_module(jars: Sequence[Jar]) -> str:
    dependencies = []
    for jar in jars:
        attributes = f"org={quoteattr(jar.organisation)} name={quoteattr(jar.artifact)} rev={quoteattr(jar.version)}"
        classifier = f" m:classifier={quoteattr(jar.classifier)}" if jar.classifier else ""
        dependencies.append(
            f'<dependency {attributes} transitive="false" conf="default">'
            f'<artifact name={quoteattr(jar.artifact)} type="jar" ext="jar"{classifier}/></dependency>'
        )
    return (
        '<ivy-module version="2.0" xmlns:m="http://ant.apache.org/ivy/maven">'
        '<info organisation="lakejobs" module="jars"/><configurations><conf name="default"/></configurations>'
        f"<dependencies>{''.join(dependencies)}</dependencies></ivy-module>"
    )


def _fetch(jars: Sequence[Jar]) -> None:
    import pyspark

    ivy = sorted((Path(pyspark.__file__).parent / "jars").glob("ivy-*.jar"))[-1]
    java = str(Path(os.environ["JAVA_HOME"]) / "bin" / "java") if os.environ.get("JAVA_HOME") else "java"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "ivy.xml").write_text(_ivy_module(jars), encoding="utf-8")
        pattern = f"{folder}/out/[organisation]/[artifact]-[revision](-[classifier]).[ext]"
        command = [java, "-jar", str(ivy), "-ivy", str(folder / "ivy.xml"), "-cache", str(folder / "cache"), "-warn"]
        finished = subprocess.run([*command, "-retrieve", pattern], capture_output=True, text=True, check=False)
        for jar in jars:
            fetched = folder / "out" / jar.organisation / jar.path.name
            if not is_intact(fetched, jar.sha256):
                found = "a file with another SHA-256" if fetched.is_file() else "nothing"
                raise SystemExit(
                    f"jars: {jar.organisation}:{jar.artifact}:{jar.version}: Ivy brought {found}.\n"
                    f"{finished.stdout[-2000:]}{finished.stderr[-2000:]}"
                )
            jar.path.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(fetched, jar.path)


def ensure_jars(groups: Iterable[str]) -> list[Path]:
    """Paths of the jars of the groups, fetched if they are missing.

    Raises SystemExit when a jar cannot be fetched or its sum is wrong.
    """
    jars = locked_jars(groups)
    absent = [jar for jar in jars if not is_intact(jar.path, jar.sha256)]
    # Group by group, because Ivy keeps only one version of a module in one resolution.
    for group in sorted({jar.group for jar in absent}):
        of_group = [jar for jar in absent if jar.group == group]
        print(f"jars: fetching {len(of_group)} of {group}", flush=True)
        _fetch(of_group)
    return [jar.path for jar in jars]


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.laptop.jars GROUP [GROUP ...]``."""
    parser = argparse.ArgumentParser(prog="deploy.laptop.jars", description=__doc__)
    parser.add_argument("groups", nargs="+", help="groups of requirements/jars.lock, e.g. default/delta")
    ensure_jars(parser.parse_args(argv).groups)
    return 0


if __name__ == "__main__":
    sys.exit(main())
