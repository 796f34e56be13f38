"""What a measurement counts as the cost of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

# A shell that ends at once, and a child of it that works for half a second of CPU.
_MEASURED = """
import json, subprocess, sys, time
from benchmarks.measure import timed

work = "import time\\nwhile time.process_time() < 0.5: pass"

def run():
    subprocess.run(["bash", "-c", f"{sys.executable} -c '{work}' & exit 0"], check=True)
    time.sleep(4)

print(json.dumps(timed(run).cpu_s))
"""


def test_the_work_of_a_process_whose_parent_has_ended_is_counted() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) >= 0.5
