"""One task of forecast.reconcile at retail width, in a process of its own: CPU seconds and peak memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_STORES, _ITEMS, _DEPARTMENTS, _STATES = 10, 3049, 7, 3
_STEPS, _ERRORS = 8, 84
_RUNS: Final = (("a tree", "ols"), ("a tree", "mint_shrink"), ("crossed", "ols"), ("crossed", "mint_shrink"))


def made_up(*, is_crossed: bool) -> pd.DataFrame:
    """Nodes of a retailer: stores and their departments; crossed, also departments, items, and items by state."""
    import pandas as pd

    random = np.random.default_rng(20261129)
    department = random.integers(0, _DEPARTMENTS, _ITEMS)
    parents = []
    for store in range(_STORES):
        for item in range(_ITEMS):
            own = ["total", f"s{store}", f"s{store}d{department[item]}"]
            if is_crossed:
                own += [f"d{department[item]}", f"i{item}", f"a{store % _STATES}i{item}"]
            parents.append(own)
    above = sorted({name for own in parents for name in own})
    nodes = len(above) + len(parents)
    bands = np.sort(random.gamma(1, 2, (nodes, _STEPS, 9)), axis=2).reshape(nodes, -1)
    keys = np.sort(random.integers(-(2**60), 2**60, _ERRORS))
    columns = {
        "unique_id": above + [f"b{number}" for number in range(len(parents))],
        "is_series": [False] * len(above) + [True] * len(parents),
        "is_floored": True,
        "parents": [[] for _ in above] + parents,
        "usual": 1.0,
        "spread": 1.0,
        "first_step": 1,
        "y_hat": list(random.gamma(1, 2, (nodes, _STEPS))),
        "bands": list(bands),
        "error_keys": [keys] * nodes,
        "errors": list(random.normal(size=(nodes, _ERRORS))),
    }
    return pd.DataFrame(columns)


def measured() -> list[Sequence[str]]:
    """A row for each of the runs, with a header; the last column is the peak of memory in MB."""
    rows: list[Sequence[str]] = [("levels", "method", "nodes", "wall s", "CPU s", "MB of the input", "MB at the peak")]
    for levels, method in _RUNS:
        command = [sys.executable, "-m", "benchmarks.reconciled_width", levels, method]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    return rows


def main(levels: str, method: str) -> None:
    """One run; its row as JSON."""
    from jobs.forecast.reconciliation.nodes import coherent_nodes
    from jobs.forecast.reconciliation.params import ReconcileParams

    rows = made_up(is_crossed=levels == "crossed")
    before, wall, cpu = _peak_mb(), time.perf_counter(), time.process_time()
    coherent_nodes(rows, ReconcileParams.model_validate({"method": method}))
    seconds = (f"{time.perf_counter() - wall:.1f}", f"{time.process_time() - cpu:.1f}")
    print(json.dumps([levels, method, f"{len(rows):,}", *seconds, f"{before:.0f}", f"{_peak_mb():.0f}"]))


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
