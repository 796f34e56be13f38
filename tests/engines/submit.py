"""spark-submit as a scheduler would call it: from an empty folder, with nothing of the checkout on any path."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyspark

from common.spark.session import running_release
from deploy.laptop.jars import ensure_jars
from deploy.laptop.toolchain import ensure_java

SPARK_HOME = Path(pyspark.__file__).parent
# The application that runs several jobs one after another.
SEQUENCE = Path(__file__).parent / "apps" / "job_sequence.py"

# In cluster mode spark-submit only hands the job over; elsewhere it is the driver, which has these flags anyway.
_SHORT_LIVED = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"


@dataclass(frozen=True)
class Finished:
    """What spark-submit left: its exit code and what it said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def application(self) -> str:
        """The YARN application id in the output; empty when there is none."""
        found = re.search(r"application_\d+_\d+", self.stderr)
        return found.group(0) if found else ""


def release_lock() -> str:
    """The lock that fits the PySpark of this environment."""
    return running_release("auto").lock


def delta_jars() -> list[Path]:
    """The jars that stand for those of the platform."""
    return ensure_jars([f"{release_lock()}/delta"])


def blas_variables() -> dict[str, str]:
    """What this machine says to OpenBLAS: its kernels decide the last bits of a model, and with them its hash."""
    return {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """The variables of a bare machine: no PYTHONPATH, no checkout, one Java. SPARK_CONF_DIR is ``home``."""
    return {
        "PATH": f"{SPARK_HOME / 'bin'}:/usr/bin:/bin",
        "HOME": str(home),
        "SPARK_CONF_DIR": str(home),
        "JAVA_HOME": ensure_java(),
        "LC_ALL": "C.UTF-8",
        "SPARK_SUBMIT_OPTS": _SHORT_LIVED,
        **{name: os.environ[name] for name in ("TMPDIR",) if name in os.environ},
        **blas_variables(),
        **extra,
    }


def submit(command: Sequence[str], folder: Path, environment: Mapping[str, str], seconds: int = 300) -> Finished:
    """Runs the command in ``folder`` to its end."""
    done = subprocess.run(
        command, cwd=folder, env=dict(environment), capture_output=True, text=True, timeout=seconds, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)
