"""``python -m benchmarks.forecast_m5``: the series of M5 from files to forecasts, each job as a user starts it."""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import Reading, load_note, timed
from benchmarks.results import Claim, Section, command_of, conclude

_ROOT = Path(__file__).resolve().parent.parent
_FIRST, _LAST = "2015-03-03", "2016-04-24"
_ALL, _TIMES = 30_490, 16
_SOURCE = "format: parquet\ncolumns:\n  unique_id: series_id\n  ds: date\n  y: quantity_sold\n"
_JOBS = ("forecast.ingest", "forecast.history", "forecast.backtest", "forecast.predict")
# What cpu_seconds_per_series covers.
_PRICED = ("forecast.backtest", "forecast.predict")
_POLL_S = 0.5


@dataclass(frozen=True)
class Job:
    """One job of one size: its reading, the peak of its largest Python worker, and the counts of its run record."""

    name: str
    reading: Reading
    worker_mb: float
    counts: dict[str, Any]


def measure(data: Path) -> None:
    """Run at full size and keep the section."""
    main(["--keep", "--data", str(data)])


class WorkerWatch:
    """The largest memory of a Python worker of Spark below this process."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look_often, daemon=True)

    def __enter__(self) -> WorkerWatch:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _look_often(self) -> None:
        while not self._done.wait(_POLL_S):
            for process in psutil.Process().children(recursive=True):
                try:
                    if "pyspark.daemon" in " ".join(process.cmdline()):
                        self.peak_mb = max(self.peak_mb, process.memory_info().rss / 1e6)
                except psutil.Error:
                    continue


def sample(data: Path, folder: Path, series: int) -> Path:
    """A folder with the sales of about ``series`` series, evenly by name."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import compute

    files = sorted((data / "forecast" / "m5_walmart_daily").glob("sales_*.parquet"))
    if series >= _ALL:
        out = folder / "all"
        out.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copy(file, out / file.name)
        return out
    names = pq.read_table(data / "forecast" / "m5_walmart_daily" / "series.parquet", columns=["series_id"])["series_id"]
    chosen = names.to_pylist()[:: math.ceil(_ALL / series)][:series]
    out = folder / f"series-{series}"
    out.mkdir(parents=True, exist_ok=True)
    wanted = pa.array(chosen, type=names.type)
    for file in files:
        rows = pq.read_table(file)
        pq.write_table(rows.filter(compute.is_in(rows["series_id"], wanted)), out / file.name)
    return out


def run_jobs(data: Path, folder: Path, series: int, budget_s: float) -> list[Job]:
    """All jobs over ``series`` series into a lake of their own, each in a process of its own."""
    lake = folder / f"lake-{series}"
    shutil.rmtree(lake, ignore_errors=True)
    source = folder / "m5.yaml"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(_SOURCE, encoding="utf-8")
    files = sample(data, folder, series)
    flags = {
        "forecast.ingest": ["--source", str(source), "--input", str(files)],
        "forecast.history": ["--from", _FIRST, "--to", _LAST, "--set", "freq=D"],
        "forecast.backtest": ["--day", _LAST, "--set", f"cpu_seconds_per_series={budget_s}"],
        "forecast.predict": ["--day", _LAST],
    }
    done: list[Job] = []
    for name in _JOBS:
        entry = _ROOT / "jobs" / f"{name.replace('.', '/')}.py"
        command = [sys.executable, str(entry), "--lake", str(lake), "-o", "json", *flags[name]]
        out: list[str] = []

        def once(command: list[str] = command, out: list[str] = out) -> None:
            ended = subprocess.run(
                command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(_ROOT)}
            )
            out.append(ended.stdout)

        with WorkerWatch() as watch:
            reading = timed(once)
        counts: dict[str, Any] = json.loads(out[-1])["counts"]
        done.append(Job(name, reading, watch.peak_mb, counts))
        print(f"{series:,} {name}: {reading.wall_s:.0f} s, {reading.cpu_s:.0f} CPU s, worker {watch.peak_mb:.0f} MB")
    return done


def section_of(small: list[Job], large: list[Job], sizes: tuple[int, int], budget_s: float, note: str) -> Section:
    """The claims and the table of both sizes."""
    log_size = math.log(sizes[1] / sizes[0])

    def slope(jobs: tuple[str, ...]) -> float:
        below, above = (sum(job.reading.cpu_s for job in side if job.name in jobs) for side in (small, large))
        return math.log(above / below) / log_size

    total = sum(job.reading.wall_s for job in large)
    priced_cpu_s = sum(job.reading.cpu_s for job in large if job.name in _PRICED)
    worker_mb = max(job.worker_mb for job in large)
    whole = slope(_JOBS)
    rows = [["", "series", "wall s", "CPU s", "CPU ms a series", "peak MB, all", "peak MB, one worker"]]
    for count, side in zip(sizes, (small, large), strict=True):
        for job in side:
            reading = job.reading
            rows.append(
                [
                    job.name,
                    f"{count:,}",
                    f"{reading.wall_s:.0f}",
                    f"{reading.cpu_s:.0f}",
                    f"{1_000 * reading.cpu_s / count:.1f}",
                    f"{reading.peak_rss_mb:.0f}",
                    f"{job.worker_mb:.0f}",
                ]
            )
    return Section(
        "forecast_m5",
        "M5 from files to forecasts",
        claims=[
            Claim(f"{sizes[1]:,} series end to end, wall minutes", "printed", f"{total / 60:.1f}"),
            Claim(
                "CPU seconds of backtest and forecasts for a series, by their budget",
                f"about {budget_s:g}",
                f"{priced_cpu_s / sizes[1]:.3f}",
            ),
            Claim("Memory of the largest Python worker, MB", "< 1,000", f"{worker_mb:.0f}", worker_mb < 1_000),
            Claim(
                f"CPU over series, log-log slope from {sizes[0]:,} on, all jobs", "≤ 1.1", f"{whole:.2f}", whole <= 1.1
            ),
            *(Claim(f"The same of {name} alone", "printed", f"{slope((name,)):.2f}") for name in _PRICED),
        ],
        tables={f"Daily, {_FIRST} to {_LAST}, 28 days ahead; each job a process of its own": rows},
        notes=[
            note,
            f"Of {_ALL:,} series, every {math.ceil(_ALL / sizes[1])}th by name." if sizes[1] < _ALL else "All series.",
            "One round. The slope includes the seconds that a job takes to start, which flatter it.",
            "Budget: cpu_seconds_per_series covers backtest and forecasts by estimated prices of models and rows.",
        ],
        command=command_of("forecast_m5", series=sizes[1], budget_s=budget_s),
    )


def main(argv: list[str] | None = None) -> None:
    """Command line: sizes and budget."""
    parser = argparse.ArgumentParser(prog="benchmarks.forecast_m5", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--series", type=int, default=_ALL)
    parser.add_argument("--budget-s", type=float, default=0.1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lakejobs-bench" / "m5")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    note, few = load_note(), arguments.series // _TIMES
    small = run_jobs(arguments.data, arguments.folder, few, arguments.budget_s)
    large = run_jobs(arguments.data, arguments.folder, arguments.series, arguments.budget_s)
    section = section_of(small, large, (few, arguments.series), arguments.budget_s, note)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
