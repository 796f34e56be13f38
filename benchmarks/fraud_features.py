"""``python -m benchmarks.fraud_features``: what the window features cost, beside other ways to build them."""

from __future__ import annotations

import argparse
import math
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import cpu_ratio, interleaved, load_note, median_cpu_s, median_wall_s
from benchmarks.results import Claim, Section, command_of, conclude

_DAYS = 183
_SUITE = "suite's steps"


def measure(data: Path) -> None:
    """Run at full size and keep the section; ``data`` is not needed, the transactions are simulated."""
    _ = data
    main(["--keep"])


def _agree(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Equal up to the order in which floats were added."""
    return all(math.isclose(a, b, rel_tol=1e-9, abs_tol=0.2) for a, b in zip(first, second, strict=True))


def run(folder: Path, customers: int, pairs: int) -> Section:
    """All sides on the same transactions: first shown to be equal, then timed."""
    from benchmarks import fraud_rivals as by
    from benchmarks.session_lakes import bench_session

    note = load_note()
    spark = bench_session()
    source, out = folder / f"transactions-{customers}", folder / "fraud-out"
    days = by.write_transactions(spark, source, customers=customers, days=_DAYS)
    sides: dict[str, Callable[[], object]] = {
        _SUITE: lambda: by.suite(spark, source, out / "0", days),
        "sliding range frames": lambda: by.sliding_windows(spark, source, out / "1"),
        "applyInPandas, rolling": lambda: by.apply_in_pandas(spark, source, out / "2"),
        "self-join": lambda: by.self_join(spark, source, out / "3"),
        "Arrow and numpy over sorted partitions": lambda: by.sorted_arrow(spark, source, out / "4"),
        "DuckDB, 2 threads": lambda: by.duckdb_windows(source, out / "5"),
        "Polars, 2 threads": lambda: by.polars_rolling(source, out / "6"),
    }
    prints = {}
    for number, (name, side) in enumerate(sides.items()):
        side()
        prints[name] = by.fingerprint(out / str(number))
    for name, found in prints.items():
        if not _agree(prints[_SUITE], found):
            raise SystemExit(f"{name} gives other features, no timings: {found} against {prints[_SUITE]}")
    readings = interleaved(sides, pairs=pairs, warm_ups=0)
    own = readings[_SUITE]
    number_of_rows = int(prints[_SUITE][0])
    table = [["", "CPU s", "wall s", "rows/s", "this / suite, CPU"]]
    for name, runs in readings.items():
        wall = median_wall_s(runs)
        against = "" if runs is own else str(cpu_ratio(runs, own))
        table.append([name, f"{median_cpu_s(runs):.1f}", f"{wall:.1f}", f"{number_of_rows / wall:,.0f}", against])
    join, pandas = (cpu_ratio(readings[name], own) for name in ("self-join", "applyInPandas, rolling"))
    duck, polars = (cpu_ratio(own, readings[name]) for name in ("DuckDB, 2 threads", "Polars, 2 threads"))
    return Section(
        "fraud_features",
        "Fraud features, point in time",
        claims=[
            Claim("CPU of a self-join against ours", "≥ 10x", f"{join}x", join.at_least(10)),
            Claim("CPU of applyInPandas against ours", "≥ 5x", f"{pandas}x", pandas.at_least(5)),
            Claim("CPU against DuckDB", "printed as a loss", f"{duck}x"),
            Claim("CPU against Polars", "printed as a loss", f"{polars}x"),
        ],
        tables={f"{number_of_rows:,} simulated transactions of {_DAYS} days, 12 windows, warm": table},
        notes=[
            note,
            "Tried against the self-join: differences of running totals (the suite's), sliding range frames, and Arrow "
            "with numpy over sorted partitions.",
            f"{pairs} rounds, interleaved. All sides give the same features (sums, and sums weighted by row).",
        ],
        command=command_of("fraud_features", customers=customers, pairs=pairs),
    )


def main(argv: list[str] | None = None) -> None:
    """Command line: size and rounds."""
    parser = argparse.ArgumentParser(prog="benchmarks.fraud_features", description=__doc__)
    parser.add_argument("--customers", type=int, default=5_000, help="about 350 transactions each")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lakejobs-bench")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    os.environ.update({"POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2"})
    section = run(arguments.folder, arguments.customers, arguments.pairs)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
