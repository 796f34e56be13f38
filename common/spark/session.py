"""The only place that makes a SparkSession: what a job needs is added to what spark-submit or EMR has set."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import UsageError
from common.releases import Release, release_of, release_of_spark
from common.secrets import is_reference, revealed
from common.spark.conf import declared_conf, is_local, spark_master
from common.spark.emr import RELEASE_VARIABLES
from common.spark.foreign_logs import hide_messages_of_spark
from common.spark.internals import has_class, has_session, jvm_is_running, start_jvm, stop_context
from common.spark.jvm_log import new_log_file
from common.spark.lake_root import refuse_folder_on_cluster
from common.spark.local_heap import local_heap_mib

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from common.config.lake_settings import LakeSettings

_LOG = logging.getLogger("lakejobs.session")

DELTA_EXTENSION = "io.delta.sql.DeltaSparkSessionExtension"
DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"
_EXTENSIONS = "spark.sql.extensions"
_HEAP = "spark.driver.memory"

# Another value of these would change rows, not only speed.
_RESULT_KEYS = frozenset(
    {_EXTENSIONS, "spark.sql.catalog.spark_catalog", "spark.sql.ansi.enabled", "spark.sql.session.timeZone"}
)

_NEEDED = {
    _EXTENSIONS: DELTA_EXTENSION,
    "spark.sql.catalog.spark_catalog": DELTA_CATALOG,
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Spark 3.5 otherwise stops at a text that its older parser would have read; null is what a bad time is.
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
    # Likewise at days before 1900, which rows with a reason may claim: as they are, which is the default of Spark 4.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.adaptive.enabled": "true",
    # The clock runs while the small side is computed, from however many rows: after Spark's 5 minutes a slow or a large
    # run would fail for no fault of its own. Hung jobs are for the scheduler to end.
    "spark.sql.broadcastTimeout": "36000",
    # The JVM never compiles a method of more than 8,000 bytes; beyond that Spark's other way, many small methods, is
    # the faster one (bad rows by twenty rules: half the CPU; sessions: a fifth less).
    "spark.sql.codegen.hugeMethodLimit": "8000",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.sources.partitionOverwriteMode": "static",
}

_NEEDED_SPARK_4 = {
    # With Delta's extension every parameter marker of spark.sql(..., args=) is left unbound (delta-io/delta 7640).
    "spark.sql.legacy.parameterSubstitution.constantsOnly": "true",
    # Otherwise PySpark walks the stack, looks for IPython and calls the JVM several times for each operation on a
    # column, so that an error may name the line; ours are named by their codes.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    # Spark 4.1 measures a batch for Python after each of its rows, and for an array or a map that is null it walks
    # through the whole batch: 30 times the CPU. Without a limit of bytes it does not; 10,000 rows are the limit.
    "spark.sql.execution.arrow.maxBytesPerBatch": "2147483647",
}

# The first compiler alone would get a code cache of 48 MiB, which Spark fills within minutes: the JVM then throws
# compiled code away and starts again.
LOCAL_JAVA_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -Ddelta.log.cacheSize=10"
# Made by deploy.laptop.class_archive next to a release's jars.
CLASS_ARCHIVE = "spark-classes.jsa"

# A laptop or a test: two cores, one JVM, tables of a few files. Each broadcast hash relation of a few rows takes a
# whole page, by default 8 MiB here: fifty of them filled a heap of 1 GiB.
_LOCAL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.buffer.pageSize": "1m",
    "spark.driver.extraJavaOptions": LOCAL_JAVA_OPTIONS,
}


def open_session(settings: LakeSettings, app_name: str, extra_conf: Mapping[str, str] | None = None) -> SparkSession:
    """The session of this process, fit for the lake's jobs.

    Nothing that spark-submit, spark-defaults.conf or EMR has set is overridden. Where that disagrees with what a job
    needs, one warning lists each setting. Raises UsageError SES-001 when a disagreement would change results, SES-002
    when Delta is not on the class path and no jars are found, CFG-008 for a lake in a folder when Spark is not local.
    """
    from pyspark.sql import SparkSession

    release = running_release(settings.release)
    if release.warning:
        _LOG.warning("%s", release.warning)
    declared = declared_conf()
    own = {**settings.spark_conf, **(extra_conf or {})}
    master = spark_master(own)
    refuse_folder_on_cluster(settings, master)
    local = is_local(master)
    wanted = {**needed_conf(settings, release, local=local), **own}
    refuse_or_warn(disagreements(declared, wanted))
    if local:
        _name_python(declared)
    wanted.update(_jars(declared, wanted, release))
    if local and wanted["spark.driver.extraJavaOptions"] == LOCAL_JAVA_OPTIONS:
        wanted["spark.driver.extraJavaOptions"] += _class_archive(release)
    if jvm_is_running():
        # Before the session, which would only print a stack and go on.
        _check_delta(release)
    options = {"spark.app.name": declared.get("spark.app.name", app_name)}
    if "spark.master" not in declared and "MASTER" not in os.environ:
        options["spark.master"] = wanted.pop("spark.master", "local[*]")
    # Only now: nothing above may log or compare a secret.
    revealed_conf = revealed(wanted, region=settings.s3_region)
    options |= {key: value for key, value in revealed_conf.items() if key not in declared or key == "spark.jars"}
    log = new_log_file(settings, app_name) if local and not has_session() else None
    if log is not None and not jvm_is_running():
        start_jvm(options, log)
    builder = SparkSession.builder
    for key, value in options.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    hide_messages_of_spark(spark, log)
    _check_delta(release)
    return spark


def running_release(label: str) -> Release:
    """The release of a label; ``auto`` is EMR's own word where there is one, otherwise what fits the installed PySpark.

    The word is a variable of the node, which a driver in a container need not have. Raises UsageError REL-001 for an
    unknown label, REL-002 for a Spark that the suite does not know.
    """
    if label != "auto":
        return release_of(label)
    for variable in RELEASE_VARIABLES:
        if os.environ.get(variable):
            return release_of(os.environ[variable])
    import pyspark

    return release_of_spark(pyspark.__version__)


def needed_conf(settings: LakeSettings, release: Release, *, local: bool) -> dict[str, str]:
    """Every property that a job of this lake wants on this release; local tuning only where Spark is one process."""
    conf = dict(_NEEDED)
    if release.spark_major >= 4:
        conf.update(_NEEDED_SPARK_4)
    if settings.root.startswith(("s3://", "s3a://")):
        conf.update(_s3a_conf(settings, local=local))
    if local:
        conf.update(_LOCAL)
        conf[_HEAP] = f"{local_heap_mib()}m"
    if settings.shuffle_partitions:
        conf["spark.sql.shuffle.partitions"] = str(settings.shuffle_partitions)
    return conf


def _s3a_conf(settings: LakeSettings, *, local: bool) -> dict[str, str]:
    # Credentials are left to the provider chain: roles on EMR, AWS_* variables elsewhere.
    conf: dict[str, str] = {}
    if settings.s3_endpoint_url:
        conf["spark.hadoop.fs.s3a.endpoint"] = settings.s3_endpoint_url
        encrypted = settings.s3_endpoint_url.startswith("https")
        conf["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(encrypted).lower()
    if settings.s3_region:
        conf["spark.hadoop.fs.s3a.endpoint.region"] = settings.s3_region
    if settings.s3_kms_key:
        # The jobs' own puts name the same key: common/lake/storage/s3.py.
        conf["spark.hadoop.fs.s3a.encryption.algorithm"] = "SSE-KMS"
        conf["spark.hadoop.fs.s3a.encryption.key"] = settings.s3_kms_key
    if settings.s3_path_style:
        conf["spark.hadoop.fs.s3a.path.style.access"] = "true"
    if local:
        conf["spark.hadoop.fs.s3.impl"] = "org.apache.hadoop.fs.s3a.S3AFileSystem"
    return conf


def disagreements(declared: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Property -> (what is set, what a job needs) where they differ. A list of extensions agrees if it has Delta's."""
    found = {}
    for key, need in wanted.items():
        have = declared.get(key)
        if have is None or key in {*_LOCAL, _HEAP} or is_reference(need) or have.strip().lower() == need.lower():
            continue
        if key == _EXTENSIONS and DELTA_EXTENSION in [name.strip() for name in have.split(",")]:
            continue
        found[key] = (have, need)
    return found


def refuse_or_warn(differing: Mapping[str, tuple[str, str]]) -> None:
    """Raise UsageError SES-001 for disagreements that would change results; log one warning for the others."""
    breaking = {key: pair for key, pair in differing.items() if key in _RESULT_KEYS}
    if breaking:
        flags = []
        for key, (have, need) in breaking.items():
            flags.append(f"--conf {key}={have},{need}" if key == _EXTENSIONS else f"--conf {key}={need}")
        raise UsageError(
            "SES-001",
            "Spark's settings would change the results.",
            cause="; ".join(f"{key} is '{have}', a job needs '{need}'" for key, (have, need) in breaking.items()),
            remedy=f"Submit with {' '.join(flags)}",
        )
    if differing:
        listed = "; ".join(f"{key} is '{have}' (a job asks for '{need}')" for key, (have, need) in differing.items())
        _LOG.warning("kept Spark settings that were already set: %s", listed)


def _name_python(declared: Mapping[str, str]) -> None:
    # Workers otherwise take whichever python3 comes first on PATH.
    if "spark.pyspark.python" not in declared:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)


def jar_folders(release: Release) -> Iterator[Path]:
    """Folders searched for a release's jars: under LAKEJOBS_JARS, then under .jars next to the checkout."""
    roots = [Path(os.environ["LAKEJOBS_JARS"])] if os.environ.get("LAKEJOBS_JARS") else []
    roots += [folder / ".jars" for folder in Path(str(files("common"))).resolve().parents]
    for root in roots:
        if root.is_dir():
            yield root / release.lock


def find_jars(release: Release, group: str) -> list[Path]:
    """The jars of one group (``delta``, ``s3a``) in the first search folder that has any; empty when there are none."""
    for folder in jar_folders(release):
        jars = sorted((folder / group).glob("*.jar"))
        if jars:
            return jars
    return []


def _jars(declared: Mapping[str, str], wanted: Mapping[str, str], release: Release) -> dict[str, str]:
    """``spark.jars`` with the local jars added, only where this process still has to start the JVM."""
    if jvm_is_running():
        return {}
    listed = [jar for jar in declared.get("spark.jars", "").split(",") if jar]
    known = " ".join(
        [*listed, declared.get("spark.jars.packages", ""), declared.get("spark.driver.extraClassPath", "")]
    )
    added: list[Path] = []
    if "delta" not in known:
        added += find_jars(release, "delta")
    if any(key.startswith("spark.hadoop.fs.s3") for key in wanted) and "hadoop-aws" not in known:
        added += find_jars(release, "s3a")
    return {"spark.jars": ",".join([*listed, *map(str, added)])} if added else {}


def _class_archive(release: Release) -> str:
    """Java options that map the archived classes of a release, where there are any; silent where they do not fit."""
    found = (folder / CLASS_ARCHIVE for folder in jar_folders(release))
    archive = next((path for path in found if path.is_file()), None)
    return f" -XX:SharedArchiveFile={archive} -Xlog:cds*=off" if archive else ""


def _check_delta(release: Release) -> None:
    if has_class(DELTA_EXTENSION) is False:
        stop_context()
        jars = find_jars(release, "delta")
        paths = ",".join(map(str, jars)) if jars else ",".join(release.delta_jars)
        raise UsageError(
            "SES-002",
            "Delta is not on Spark's class path.",
            cause=f"{DELTA_EXTENSION} could not be loaded.",
            remedy=f"Add --jars {paths}. Without spark-submit: put the jars in .jars, or set LAKEJOBS_JARS.",
        )
