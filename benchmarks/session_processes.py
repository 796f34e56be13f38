"""One engine in a process of its own: its CPU seconds, wall seconds and peak memory, after a warm-up on few rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import timed

TWO_THREADS = {"POLARS_MAX_THREADS": "2"}


def cells(reading: dict[str, float]) -> list[str]:
    """CPU s, wall s and peak RSS in MB, as cells of a table."""
    return [f"{reading['cpu_s']:.1f}", f"{reading['wall_s']:.1f}", f"{reading['peak_rss_mb']:.0f}"]


def in_a_process(engine: str, events: Path, warm_up: Path, folder: Path) -> dict[str, float]:
    """The reading of ``engine``, a function of benchmarks.session_rivals, on ``events``."""
    command = [sys.executable, "-m", "benchmarks.sessionise", "--engine", engine, "--folder", str(folder)]
    command += ["--events", str(events), "--warm-up", str(warm_up)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **TWO_THREADS})
    reading: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return reading


def one_engine(engine: str, events: Path, warm_up: Path, folder: Path) -> None:
    """What such a process does; it prints its reading as JSON."""
    from benchmarks import session_rivals as by

    out = folder / f"out-{engine}"
    run = getattr(by, engine)
    if engine in ("duckdb_windows", "polars_sort"):
        run(warm_up, out)
        reading = timed(lambda: run(events, out))
    else:
        from benchmarks.session_lakes import bench_session

        spark = bench_session("2g")
        run(spark, warm_up, out)
        reading = timed(lambda: run(spark, events, out))
        spark.stop()
    print(json.dumps(vars(reading)))
