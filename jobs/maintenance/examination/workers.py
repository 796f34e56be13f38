"""The executors' Python: whether it is the driver's, has the same code, and can import what jobs need there."""

from __future__ import annotations

import importlib
import json
import platform
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from common.run.findings import WRONG, Finding, looked
from common.run.record.build import running_build
from common.spark.jobs import cancel_jobs

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CHECK = "executors"
NEEDED = ("pyarrow", "pandas", "numpy", "pydantic", "yaml", "boto3", "lightgbm", "xgboost")
"""What tasks of the suite import, and what the modules that they import do."""

NONE_CAME = "none has answered within"
_PARTITIONS = 2


def workers_finding(spark: SparkSession, seconds: float) -> Finding:
    """One line about all executors that a job of two tasks reaches; it is cancelled when none has answered in time.

    Spark itself waits for executors for ever, on a full queue or in a subnet without addresses.
    """
    is_late = threading.Event()

    def cancel() -> None:
        is_late.set()
        cancel_jobs(spark)

    def look() -> Finding:
        # Of Spark's ways to run Python this one needs nothing but an interpreter: neither Arrow nor pandas.
        tasks = spark.sparkContext.parallelize(range(_PARTITIONS), _PARTITIONS)
        return judged([json.loads(text) for text in tasks.mapPartitions(_answers).collect()])

    timer = threading.Timer(seconds, cancel)
    timer.daemon = True
    timer.start()
    found = looked(CHECK, look)
    timer.cancel()
    if found.status == WRONG and is_late.is_set():
        remedy = "Is there room for them: the queue, the application's maximum, free addresses of the subnet, quotas?"
        return Finding.wrong(CHECK, f"{NONE_CAME} {seconds:g} s", remedy)
    if found.remedy and found.found.startswith("SPK-001"):
        remedy = "Look into the log of an executor: `lakejobs logs --of executors`. Its Python must be the driver's."
        return Finding.wrong(CHECK, found.found, remedy)
    return found


def _answers(_rows: Iterable[int]) -> Iterable[str]:
    yield json.dumps(here())


def here() -> dict[str, Any]:
    """What this process has: its interpreter, the suite's code, and the modules that cannot be imported."""
    lacking = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception:  # a library of another processor fails in ways of its own.
            lacking.append(name)
    return {
        "python": platform.python_version(),
        "path": sys.executable,
        "processor": platform.machine(),
        "code": running_build().label,
        "lacking": lacking,
    }


def judged(answers: list[dict[str, Any]]) -> Finding:
    """The line for what the tasks have answered, held against the driver."""
    driver = here()
    paths = ", ".join(sorted({one["path"] for one in answers}))
    lacking = sorted({name for one in [driver, *answers] for name in one["lacking"]})
    if lacking:
        return Finding.wrong(
            CHECK,
            f"{', '.join(lacking)} cannot be imported ({paths})",
            "Ship the build's dependency archive: `lakejobs plan` does, unless the target names node_python.",
        )
    for what in ("code", "python"):
        others = sorted({one[what] for one in answers} - {driver[what]})
        if others:
            return Finding.wrong(
                CHECK,
                f"{what} {', '.join(others)} ({paths}), on the driver {driver[what]}",
                "Give driver and executors the same archive and interpreter, as `lakejobs plan` does.",
                stops=what == "code",
            )
    return Finding.ok(CHECK, f"the driver's code, Python {driver['python']} ({paths}), all modules importable")
