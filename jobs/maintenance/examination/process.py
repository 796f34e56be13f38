"""The driver's own process: its interpreter and where that comes from, its processor, what the platform has set."""

from __future__ import annotations

import os
import platform
import sys

from common.run.findings import Finding
from common.run.record.build import running_build

VARIABLES = (
    *("EMR_RELEASE_LABEL", "EMR_RELEASE", "AWS_EXECUTION_ENV", "AWS_REGION", "AWS_DEFAULT_REGION"),
    *("SPARK_HOME", "HADOOP_CONF_DIR", "JAVA_HOME", "PYSPARK_PYTHON", "PYSPARK_DRIVER_PYTHON", "TZ", "LANG"),
)
"""The variables that are shown. None of them can hold a secret; all others stay unseen."""


def process_findings() -> list[Finding]:
    """Lines about the process, all of them ok: on an older Python, or another processor, the suite does not start."""
    shown = [f"{name}={os.environ[name]}" for name in VARIABLES if name in os.environ]
    return [
        Finding.ok("interpreter", f"Python {platform.python_version()}, {sys.executable}: {_origin(sys.executable)}"),
        Finding.ok("code", f"lakejobs {running_build().label}"),
        Finding.ok("processor", f"{platform.machine()}, {_system()}"),
        Finding.ok("variables", ", ".join(shown) or f"none of {', '.join(VARIABLES)}"),
    ]


def _origin(path: str) -> str:
    parts = path.split("/")
    if "environment" in parts:
        return "the dependency archive of the build"
    if path.startswith("/opt/lakejobs/"):
        return "installed on the nodes by the bootstrap action"
    return "a virtual environment" if sys.prefix != sys.base_prefix else "the node's or the image's own"


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
