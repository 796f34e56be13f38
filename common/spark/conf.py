"""What spark-submit, EMR or a person has already set for Spark: read here, never changed here."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from common.spark.internals import jvm_conf, jvm_is_running

# spark-submit's short flags and the properties they set.
_FLAG_PROPERTIES = {
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
    "--name": "spark.app.name",
    "--jars": "spark.jars",
    "--packages": "spark.jars.packages",
    "--py-files": "spark.submit.pyFiles",
    "--files": "spark.files",
    "--archives": "spark.archives",
    "--driver-memory": "spark.driver.memory",
    "--driver-java-options": "spark.driver.extraJavaOptions",
    "--driver-class-path": "spark.driver.extraClassPath",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
}


def declared_conf() -> dict[str, str]:
    """The Spark properties in force before this suite adds its own.

    With a running JVM these are its own (spark-submit flags, spark-defaults.conf, EMR classifications). Without one
    they are what the JVM will read when it starts: spark-defaults.conf, then PYSPARK_SUBMIT_ARGS over it.
    """
    if jvm_is_running():
        return jvm_conf()
    return {**_defaults_file(), **submit_args_conf(os.environ.get("PYSPARK_SUBMIT_ARGS", ""))}


def spark_master(own: Mapping[str, str]) -> str:
    """The master that Spark has, or will have when the suite adds its ``own`` properties to those declared."""
    declared = declared_conf().get("spark.master")
    return declared or own.get("spark.master") or os.environ.get("MASTER") or "local[*]"


def is_local(master: str) -> bool:
    """Whether a Spark with this master runs on one machine only."""
    return master.startswith("local")


def submit_args_conf(arguments: str) -> dict[str, str]:
    """The properties in a PYSPARK_SUBMIT_ARGS text: ``--conf key=value`` and the short flags."""
    conf: dict[str, str] = {}
    words = iter(shlex.split(arguments))
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in {"--conf", "-c"}:
            key, _, setting = (value if equals else next(words, "")).partition("=")
            conf[key] = setting
        elif flag in _FLAG_PROPERTIES:
            conf[_FLAG_PROPERTIES[flag]] = value if equals else next(words, "")
    return conf


def _defaults_file() -> dict[str, str]:
    folder = os.environ.get("SPARK_CONF_DIR")
    if folder is None and "SPARK_HOME" in os.environ:
        folder = str(Path(os.environ["SPARK_HOME"]) / "conf")
    path = Path(folder) / "spark-defaults.conf" if folder else None
    if path is None or not path.is_file():
        return {}
    conf: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        # Java properties: blanks, '=' or ':' part key and value, whichever comes first.
        found = re.match(r"\s*([^#!\s=:][^\s=:]*)(?:\s*[=:]\s*|\s+)(.*?)\s*$", line)
        if found:
            conf[found.group(1)] = found.group(2)
    return conf
