"""Faults on demand, for tests that ask what a crash leaves behind.

``LAKEJOBS_FAULT=before_commit:kill`` kills this process and its children with SIGKILL when the code passes that point;
``before_commit:pause:2.5`` sleeps; ``before_commit:raise`` ends the run there, as if it had been killed, but within
its process; ``before_commit:fail`` raises what a defect would. Several are separated by commas. Without the variable a
point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

VARIABLE = "LAKEJOBS_FAULT"


class BrokenOffError(RuntimeError):
    """The run ends here: nothing on the way out may tidy up what a killed process would leave."""


def fault(point: str) -> None:
    """Do at ``point`` what the environment asks for; nothing when it asks for nothing."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    for entry in wanted.split(","):
        name, _, action = entry.strip().partition(":")
        if name == point:
            _act(point, action)


def _act(point: str, action: str) -> None:
    verb, _, argument = action.partition(":")
    if verb == "kill":
        for process in [*children(os.getpid()), os.getpid()]:
            os.kill(process, signal.SIGKILL)
    elif verb == "pause":
        time.sleep(float(argument))
    elif verb == "raise":
        raise BrokenOffError(f"fault asked for at {point}")
    elif verb == "fail":
        raise RuntimeError(f"fault asked for at {point}")
    else:
        raise ValueError(f"{VARIABLE}: '{action}' is not kill, pause:<seconds>, raise or fail")


def children(process: int) -> list[int]:
    """The processes that descend from ``process``, the youngest generation first (Linux)."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold blanks; the parent is the second field behind it.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        below.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found: list[int] = []
    generation = below.get(process, [])
    while generation:
        found = generation + found
        generation = [child for parent in generation for child in below.get(parent, [])]
    return found
