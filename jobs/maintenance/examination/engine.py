"""Spark, Delta and Hadoop as they run here, beside what the table of releases says of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from common.releases import release_of_spark
from common.run.findings import Finding, looked
from common.spark.conf import declared_conf
from common.spark.internals import location_of_class
from common.spark.session import DELTA_EXTENSION, running_release

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NUMBERS = re.compile(r"\d+\.\d+\.\d+")
_JAR_LISTS = ("spark.jars", "spark.yarn.dist.jars", "spark.driver.extraClassPath", "spark.submit.pyFiles")
# delta-spark_2.13-4.2.0.jar, io.delta_delta-spark_4.1_2.13-4.2.0.jar; delta-core before Delta 3.
_DELTA_JAR = re.compile(r"(?:^|[_/])delta-(?:spark|core)\b[^/]*\.jar$")


def engine_findings(spark: SparkSession, label: str) -> list[Finding]:
    """Lines about versions and jars. ``label`` is the release of the settings."""
    return [
        looked("Spark", lambda: _spark(spark.version)),
        looked("release", lambda: _release(spark.version, label)),
        looked("Hadoop", lambda: _said_by_java(spark, "org.apache.hadoop.util.VersionInfo", "getVersion")),
        looked("Java", lambda: _said_by_java(spark, "java.lang.System", "getProperty", "java.version")),
        looked("Delta", _delta),
    ]


def _spark(version: str) -> Finding:
    import pyspark

    check, own = "Spark", pyspark.__version__
    if _numbers(version) != _numbers(own):
        return Finding.wrong(
            check,
            f"Spark {version}, but PySpark {own}",
            "The environment has brought a PySpark of its own: build it with `lakejobs package`, which leaves it out.",
            stops=False,
        )
    return Finding.ok(check, version)


def _release(version: str, label: str) -> Finding:
    found, of_spark = running_release(label), release_of_spark(version)
    if _numbers(found.spark) != _numbers(of_spark.spark):
        return Finding.wrong(
            "release",
            f"{found.label} is known with Spark {found.spark}, here is {version}",
            "Give the release that this is: lake.release, or `release:` of the target.",
            stops=False,
        )
    if found.warning:
        return Finding("release", "wrong", found.warning, "A newer lakejobs may know it.")
    return Finding.ok("release", f"{found.label}: Spark {found.spark}, Delta {found.delta}, Hadoop {found.hadoop}")


def _delta() -> Finding:
    conf = declared_conf()
    named = [jar for key in _JAR_LISTS for jar in re.split("[,:]", conf.get(key, "")) if _DELTA_JAR.search(jar)]
    jars = list(dict.fromkeys(jar.rpartition("/")[2] for jar in named))
    loaded = location_of_class(DELTA_EXTENSION)
    where = f"loaded from {loaded}" if loaded else "the jar that it is loaded from is not known"
    if len(jars) > 1:
        return Finding.wrong(
            "Delta",
            f"{where}; several jars are named: {', '.join(jars)}",
            "Name one only: on EMR the platform's own, without --packages.",
            stops=False,
        )
    return Finding.ok("Delta", f"{where}; named: {', '.join(jars) or 'none'}")


def _said_by_java(spark: SparkSession, *words: str) -> str:
    arguments = ", ".join(f"'{word}'" for word in words)
    row = spark.sql(f"SELECT java_method({arguments})").first()
    return str(row[0]) if row else ""


def _numbers(version: str) -> str:
    found = _NUMBERS.match(version)
    return found[0] if found else version
