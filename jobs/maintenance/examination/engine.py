"""Spark, Delta and Hadoop as they run here, beside what the table of releases says of them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from common.releases import release_of_spark
from common.run.findings import Finding, looked
from common.spark.class_path import jars_of_class
from common.spark.internals import driver_jvm
from common.spark.session import DELTA_EXTENSION, running_release

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NO_JVM = "the JVM could not be asked"
_NUMBERS = re.compile(r"\d+\.\d+\.\d+")


def engine_findings(spark: SparkSession, label: str) -> list[Finding]:
    """Lines about versions and jars, asked of the driver alone; ``label`` is the release of the settings.

    None of them would stop a job.
    """
    findings = [
        looked("Spark", lambda: _spark(spark.version)),
        looked("release", lambda: _release(spark.version, label)),
        looked("Hadoop", _hadoop),
        looked("Java", _java),
        looked("Delta", lambda: delta_finding(jars_of_class(DELTA_EXTENSION))),
    ]
    return [replace(one, stops=False) for one in findings]


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


def delta_finding(jars: list[str]) -> Finding:
    """The line for the jars that hold Delta's extension, the one that it is loaded from first."""
    check = "Delta"
    if not jars:
        return Finding.unchecked(check, "the JVM does not say which jar it is loaded from")
    # The same jar may be there twice, where the platform keeps it and where Spark has put it for the run.
    others = sorted({_name(jar) for jar in jars} - {_name(jars[0])})
    if others:
        return Finding.wrong(
            check,
            f"loaded from {jars[0]}; {', '.join(others)} has it too",
            "Leave one on the class path: on EMR the platform's own, without --packages.",
            stops=False,
        )
    return Finding.ok(check, f"loaded from {jars[0]}")


def _name(jar: str) -> str:
    return jar.rpartition("/")[2]


def _hadoop() -> Finding | str:
    jvm = driver_jvm()
    return str(jvm.org.apache.hadoop.util.VersionInfo.getVersion()) if jvm else Finding.unchecked("Hadoop", _NO_JVM)


def _java() -> Finding | str:
    jvm = driver_jvm()
    return str(jvm.java.lang.System.getProperty("java.version")) if jvm else Finding.unchecked("Java", _NO_JVM)


def _numbers(version: str) -> str:
    found = _NUMBERS.match(version)
    return found[0] if found else version
