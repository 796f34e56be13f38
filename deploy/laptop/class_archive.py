"""An archive of the classes that Spark loads, so that the JVM of a local session need not parse them again each time.

A JVM that runs one small job loads and verifies some fifteen thousand classes, which is two fifths of its work. Java
keeps them in a file at the exit of a first run (JEP 350) and maps that file later; where it does not fit, Java goes on
without it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from common.releases import RELEASES
from common.spark.session import CLASS_ARCHIVE
from deploy.laptop.jars import JAR_ROOT

# What most jobs do first: write and read a Delta table, with a shuffle.
_FIRST_RUN = """
import sys
from pathlib import Path
from common.config.lake_settings import LakeSettings
from common.spark.session import LOCAL_JAVA_OPTIONS, open_session

folder, archive = sys.argv[1:]
options = f"{LOCAL_JAVA_OPTIONS} -XX:ArchiveClassesAtExit={archive} -Xlog:cds*=off"
settings = {"spark.driver.extraJavaOptions": options, "spark.sql.warehouse.dir": folder}
spark = open_session(LakeSettings(), "class archive", settings)
table = str(Path(folder) / "table")
spark.range(100).selectExpr("id", "id % 7 AS part").write.format("delta").partitionBy("part").save(table)
rows = spark.read.format("delta").load(table)
rows.groupBy("part").count().join(rows, "part").orderBy("id").collect()
java = spark.sparkContext._gateway.proc
spark.stop()
# Java writes the archive when it ends, and it ends with its input.
java.stdin.close()
java.wait()
"""


def archive_of(lock: str) -> Path:
    """Where the archive of a lock's Spark is, next to its jars."""
    return JAR_ROOT / lock / CLASS_ARCHIVE


def _versions() -> str:
    """Of Java and of Spark: another of either has other classes."""
    java = Path(os.environ["JAVA_HOME"]) / "bin" / "java" if os.environ.get("JAVA_HOME") else Path("java")
    java_version = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=True).stderr
    return f"{java_version}pyspark {version('pyspark')}\n"


def ensure_archive(lock: str) -> Path | None:
    """The archive of this environment's Spark and Java, made when there is none; None if this Java makes none."""
    archive = archive_of(lock)
    made_by = archive.with_suffix(".made-by")
    versions = _versions()
    if not made_by.is_file() or made_by.read_text(encoding="utf-8") != versions:
        archive.unlink(missing_ok=True)
        print("class archive: building it once, about half a minute", flush=True)
        if make_archive(archive):
            made_by.write_text(versions, encoding="utf-8")
    return archive if archive.is_file() else None


def make_archive(archive: Path) -> bool:
    """Run a first session and keep the classes that it loaded; whether the session ran, archive or not."""
    with tempfile.TemporaryDirectory(prefix="lakejobs-classes-") as folder:
        draft = Path(folder) / CLASS_ARCHIVE
        done = subprocess.run(
            [sys.executable, "-c", _FIRST_RUN, folder, str(draft)], capture_output=True, text=True, check=False
        )
        if draft.is_file():
            shutil.copyfile(draft, archive)
        else:
            # No result needs it: without it every start takes longer.
            print(f"class archive: could not be built\n{done.stderr[-2000:]}", file=sys.stderr)
        return done.returncode == 0


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.laptop.class_archive LOCK``."""
    parser = argparse.ArgumentParser(prog="deploy.laptop.class_archive", description=__doc__)
    parser.add_argument("lock", choices=sorted({release.lock for release in RELEASES.values()}))
    ensure_archive(parser.parse_args(argv).lock)
    return 0


if __name__ == "__main__":
    sys.exit(main())
