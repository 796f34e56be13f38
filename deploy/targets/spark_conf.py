"""Spark properties from outside (``--conf KEY=VALUE``, ``conf:`` of a target): which may be set, and which not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from common.errors import UsageError

_KEY = re.compile(r"spark\.[^\s=]+")
_SECRET_WORDS = ("secret", "password", "access.key", "session.token")

# Property -> what to give instead, so that a size cannot pass by the checks.
_SAID_OTHERWISE = {
    "spark.master": "the kind of the target",
    "spark.submit.deployMode": "nothing: jobs run in cluster mode",
    "spark.submit.pyFiles": "--artifacts and --manifest",
    "spark.archives": "--artifacts and --manifest",
    "spark.driver.cores": "--driver-cores",
    "spark.driver.memory": "--driver-memory-gb",
    "spark.driver.memoryOverhead": "--driver-overhead-mb",
    "spark.driver.memoryOverheadFactor": "--driver-overhead-mb",
    "spark.executor.cores": "--executor-cores",
    "spark.executor.memory": "--executor-memory-gb",
    "spark.executor.memoryOverhead": "--executor-overhead-mb",
    "spark.executor.memoryOverheadFactor": "--executor-overhead-mb",
    "spark.executor.pyspark.memory": "--executor-overhead-mb",
    "spark.memory.offHeap.size": "--executor-overhead-mb",
    "spark.yarn.driver.memoryOverhead": "--driver-overhead-mb",
    "spark.yarn.executor.memoryOverhead": "--executor-overhead-mb",
    "spark.kubernetes.memoryOverheadFactor": "--executor-overhead-mb",
    "spark.emr-serverless.memoryOverheadFactor": "--executor-overhead-mb",
    "spark.emr-serverless.driver.disk": "--disk-gb",
    "spark.emr-serverless.executor.disk": "--disk-gb",
    "spark.executor.instances": "--initial-executors and --max-executors",
    "spark.dynamicAllocation.initialExecutors": "--initial-executors",
    "spark.dynamicAllocation.maxExecutors": "--max-executors",
    "spark.dynamicAllocation.enabled": "--initial-executors and --max-executors with the same number",
    "spark.yarn.maxAppAttempts": "--attempt of the next plan: whether to retry depends on the exit code",
    "spark.pyspark.python": "--node-python",
    "spark.pyspark.driver.python": "--node-python",
}


def parse_conf(words: Sequence[str]) -> dict[str, str]:
    """Property -> value of ``KEY=VALUE`` words; the last one holds. Raises UsageError TGT-007 for one without ``=``."""
    found = {}
    for word in words:
        key, sign, value = word.partition("=")
        if not sign or not key:
            raise UsageError(
                "TGT-007", f"--conf '{word}' is not KEY=VALUE.", remedy="e.g. --conf spark.ui.retainedJobs=50"
            )
        found[key] = value
    return found


def check_conf(conf: Mapping[str, str], max_executors: int) -> None:
    """Raises UsageError TGT-007 for a property that Spark ignores, that has a flag of its own, or holds a secret."""
    for key, value in conf.items():
        if not key.startswith("spark."):
            raise UsageError(
                "TGT-007",
                f"The property '{key}' does not begin with 'spark.'.",
                cause="spark-submit ignores it.",
                remedy=f"For a setting of Hadoop write spark.hadoop.{key}.",
            )
        if not _KEY.fullmatch(key):
            raise UsageError("TGT-007", f"'{key}' is not the name of a property.", remedy="Write it without blanks.")
        if key in _SAID_OTHERWISE or key.endswith(("PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON")):
            raise UsageError(
                "TGT-007",
                f"The property {key} is not set with --conf.",
                remedy=f"Give {_SAID_OTHERWISE.get(key, '--node-python')}.",
            )
        if any(word in key.lower() for word in _SECRET_WORDS) and not value.startswith("secret://"):
            raise UsageError(
                "TGT-007",
                f"The property {key} would show a secret.",
                cause="Requests are kept by the service and shown in its console.",
                remedy="Let the role of the run have the right instead.",
            )
        if key == "spark.dynamicAllocation.minExecutors" and not (value.isdigit() and int(value) <= max_executors):
            raise UsageError(
                "TGT-004",
                f"{key} is '{value}'.",
                remedy=f"Give a number from 0 to {max_executors}, which is --max-executors.",
            )
