"""Whose Spark this is, as far as the driver's surroundings say it: asked before there is a session, or without one."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

RELEASE_VARIABLES = ("EMR_RELEASE_LABEL", "EMR_RELEASE")
"""Where EMR names its release; a driver in a container need not have them."""

# What EMR appends to the versions of its patched builds: 3.5.6-amzn-2, 4.1.1+amzn.0.
_EMR_BUILD = "amzn"


def is_emr() -> bool:
    """Whether the platform is EMR: its release variables say so, or the versions of PySpark or of the Spark on disk."""
    if any(os.environ.get(name) for name in RELEASE_VARIABLES):
        return True
    return _EMR_BUILD in _version_of_pyspark() or _EMR_BUILD in _version_on_disk()


def _version_of_pyspark() -> str:
    """The version of the PySpark that is loaded, or would be: a run that is refused loads none. Empty without one."""
    if "pyspark" in sys.modules:
        return str(sys.modules["pyspark"].__version__)
    found = importlib.util.find_spec("pyspark")
    if found is None or found.origin is None:
        return ""
    # Loaders of folders and of zips, which YARN hands out, both have it.
    read = getattr(found.loader, "get_data", None)
    try:
        return read(str(Path(found.origin).with_name("version.py"))).decode() if read else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _version_on_disk() -> str:
    """The first line of the file that every build of Spark carries; empty where it cannot be read."""
    try:
        with Path(os.environ["SPARK_HOME"], "RELEASE").open(encoding="utf-8", errors="replace") as file:
            return file.readline()
    except (OSError, KeyError):
        return ""
