"""What a measurement counts as the cost of a run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import interleaved, ratio

pytestmark = pytest.mark.unit

# As PySpark's daemon does it: a parent that lives on and ignores the end of its child, which works for half a second.
_DAEMON = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    while time.process_time() < 0.5: pass
    os._exit(0)
time.sleep(5)
"""
_MEASURED = f"""
import json, subprocess, sys, time
from benchmarks.measure import timed

daemon = subprocess.Popen([sys.executable, "-c", {_DAEMON!r}])
print(json.dumps(timed(lambda: time.sleep(4)).cpu_s))
daemon.kill()
"""


def test_the_work_of_an_ended_process_whose_parent_ignores_its_end_is_counted() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED], env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) > 0.2


def test_a_single_pair_bounds_no_ratio_and_two_equal_ones_do() -> None:
    lone = ratio([6.0], [3.0])
    assert (lone.median, lone.at_most(2.5), lone.at_least(1.5)) == (2.0, False, False)
    both = ratio([6.0, 8.0], [3.0, 4.0])
    assert (both.median, both.at_most(2.5), both.at_least(1.5)) == (2.0, True, True)


def test_what_comes_before_a_side_runs_before_each_of_its_readings() -> None:
    calls: list[str] = []
    sides = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    interleaved(sides, pairs=2, warm_ups=0, before={"b": lambda: calls.append("ready b")})
    assert calls == ["a", "ready b", "b", "ready b", "b", "a"]
