"""``python -m benchmarks.sessionise``: what clickstream.sessionise costs, beside other ways to cut sessions."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import (
    Reading,
    cpu_ratio,
    interleaved,
    load_note,
    log_log_slope,
    median_cpu_s,
    median_wall_s,
    timed,
    wall_ratio,
)
from benchmarks.results import Claim, Section, command_of, conclude
from benchmarks.session_processes import TWO_THREADS, cells, in_a_process, one_engine

_WARM_UP_ROWS = 200_000
_SUITE, _WINDOW, _PANDAS = "suite's steps", "session_window", "applyInPandas by visitor"
_DUCK, _POLARS = "DuckDB, 2 threads", "Polars, 2 threads"
_DAYS = 30
# Part -> title of its section.
_PARTS = {
    "tax": "Sessions: what the framework costs",
    "incremental": "Sessions: one day of thirty",
    "rivals": "Sessions: six ways to cut them",
    "scaling": "Sessions: growth, and peak memory",
    "skew": "Sessions: one visitor with 40 % of the events",
}


class Bench:
    """One part of the measurement: its size, its folder of made-up events, and what it has found."""

    def __init__(self, folder: Path, rows: int, pairs: int) -> None:
        self.folder = folder
        self.rows = rows
        self.pairs = pairs
        self.claims: list[Claim] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.notes = [load_note()]
        self._spark: Any = None

    @property
    def spark(self) -> Any:
        """The one session of this process."""
        if self._spark is None:
            from benchmarks.session_lakes import bench_session

            self._spark = bench_session()
        return self._spark

    def events(self, rows: int | None = None, hot_share: float = 0.0) -> Path:
        """Parquet files of made-up events, made when they are not there."""
        from benchmarks.events import write_events

        count = self.rows if rows is None else rows
        folder = self.folder / f"events-{count}-{int(100 * hot_share)}"
        if not (folder / "_DONE").exists():
            shutil.rmtree(folder, ignore_errors=True)
            write_events(folder, rows=count, days=_DAYS, hot_share=hot_share)
            (folder / "_DONE").touch()
        return folder

    def rivals(self) -> None:
        """Sessions by five other means, on the same files."""
        from benchmarks import session_rivals as by

        out = self.folder / "out"
        calls: dict[str, Callable[[Path], object]] = {
            _SUITE: lambda events: by.suite(self.spark, events, out / "0"),
            "window and group-by by hand": lambda events: by.plain_window(self.spark, events, out / "1"),
            _WINDOW: lambda events: by.session_window(self.spark, events, out / "2"),
            _PANDAS: lambda events: by.apply_in_pandas(self.spark, events, out / "3"),
            _DUCK: lambda events: by.duckdb_windows(events, out / "4"),
            _POLARS: lambda events: by.polars_sort(events, out / "5"),
        }
        folders = {name: out / str(number) for number, name in enumerate(calls)}

        def compared(names: list[str], rows: int) -> dict[str, list[Reading]]:
            events = self.events(rows)
            for name in names:
                calls[name](events)
            prints = {name: by.fingerprint(folders[name]) for name in names}
            if len(set(prints.values())) != 1:
                raise SystemExit(f"not the same sessions, no timings: {prints}")
            sides = {name: partial(calls[name], events) for name in names}
            readings = interleaved(sides, pairs=self.pairs, warm_ups=0)
            table = [["", "CPU s", "wall s", "million events/s", "suite / this, CPU"]]
            for name, runs in readings.items():
                wall = median_wall_s(runs)
                against = "" if name == _SUITE else str(cpu_ratio(readings[_SUITE], runs))
                cells = [name, f"{median_cpu_s(runs):.1f}", f"{wall:.1f}", f"{rows / wall / 1e6:.2f}", against]
                table.append(cells)
            self.tables[f"{rows:,} events, {prints[_SUITE][0]:,} sessions, in one warm process"] = table
            return readings

        found = compared([name for name in calls if name != _PANDAS], self.rows)
        # A frame a visitor takes a quarter of an hour for all rows: in rounds it is run on fewer.
        fewer = compared([_SUITE, _PANDAS], self.rows // 16)
        window, pandas = cpu_ratio(found[_SUITE], found[_WINDOW]), cpu_ratio(fewer[_SUITE], fewer[_PANDAS])
        duck, polars = (cpu_ratio(found[_SUITE], found[name]) for name in (_DUCK, _POLARS))
        self.claims += [
            Claim("CPU against session_window, which gives the sums only", "≤ 1.5x", f"{window}x", window.at_most(1.5)),
            Claim("CPU against applyInPandas by visitor", "≤ 0.125x", f"{pandas}x", pandas.at_most(0.125)),
            Claim("CPU against DuckDB", "printed as a loss", f"{duck}x"),
            Claim("CPU against Polars", "printed as a loss", f"{polars}x"),
        ]

    def tax(self) -> None:
        """The whole job against a notebook's script that leaves the same two Delta tables."""
        from benchmarks import session_lakes as lakes

        base = self._silver(self.rows // 10)
        days = lakes.all_days(_DAYS)
        number = iter(range(10_000))
        roots: dict[str, Path] = {}

        def side(name: str, run: Callable[[Path], None]) -> Callable[[], None]:
            def call() -> None:
                if name in roots:
                    shutil.rmtree(roots[name])
                roots[name] = lakes.fresh_root(base, f"tax-{next(number)}")
                run(roots[name])

            return call

        sides = {
            "clickstream.sessionise": side("suite", lambda root: lakes.run_suite(self.spark, root, days)),
            "by hand, windows twice": side(
                "twice", lambda root: lakes.hand_written(self.spark, root, days, read_back=False)
            ),
            "by hand, read back": side("back", lambda root: lakes.hand_written(self.spark, root, days, read_back=True)),
        }

        def prove_same() -> None:
            prints = {name: tuple(lakes.table_fingerprints(self.spark, root)) for name, root in roots.items()}
            if len(set(prints.values())) != 1:
                raise SystemExit(f"not the same tables, no timings: {prints}")

        # Warm-up and first proof on a tenth of the events; the proof on all of them follows the last round.
        for run in sides.values():
            run()
        prove_same()
        base = self._silver(self.rows)
        readings = interleaved(sides, pairs=self.pairs, warm_ups=0)
        prove_same()
        own = readings["clickstream.sessionise"]
        table = [["", "CPU s", "wall s", "suite / this, CPU"]]
        for name, runs in readings.items():
            against = "" if runs is own else str(cpu_ratio(own, runs))
            table.append([name, f"{median_cpu_s(runs):.1f}", f"{median_wall_s(runs):.1f}", against])
        self.tables[f"The whole job on Delta, {self.rows:,} events of {_DAYS} days"] = table
        shortest, leanest = (cpu_ratio(own, readings[n]) for n in ("by hand, windows twice", "by hand, read back"))
        self.claims += [
            Claim("Framework tax: CPU against the shortest script", "≤ 1.10x", f"{shortest}x", shortest.at_most(1.10)),
            Claim("the same against a script that reads its events back", "printed", f"{leanest}x"),
        ]

    def incremental(self) -> None:
        """The last of thirty days added to the others, against all thirty at once."""
        from benchmarks import session_lakes as lakes

        base, days = self._silver(self.rows), lakes.all_days(_DAYS)
        most = lakes.fresh_root(base, "most-days")
        lakes.run_suite(self.spark, most, lakes.DayRange(days.first, days.last - lakes.timedelta(days=1)))
        whole = lakes.fresh_root(base, "whole")
        lakes.run_suite(self.spark, whole, days)
        expected = lakes.table_fingerprints(self.spark, whole)
        number = iter(range(10_000))
        made: list[Path] = []

        def add_a_day() -> None:
            lakes.run_suite(self.spark, made[-1], lakes.DayRange.single(days.last))

        def all_at_once() -> None:
            lakes.run_suite(self.spark, made[-1], days)

        grown: list[Reading] = []
        full: list[Reading] = []
        sides = [(grown, add_a_day, most), (full, all_at_once, None)]
        # All thirty days have been run above; one day more has not.
        for readings, run, gold in [([], add_a_day, most), *(sides * self.pairs)]:
            made.append(lakes.fresh_root(base, f"day-{next(number)}", gold_of=gold))
            readings.append(timed(run))
            if lakes.table_fingerprints(self.spark, made[-1]) != expected:
                raise SystemExit("one day more does not give the tables of a full recompute: no timings")
            shutil.rmtree(made[-1])
        saved = cpu_ratio(full, grown)
        self.claims.append(
            Claim("All thirty days against the last one incrementally, CPU", "≥ 8x", f"{saved}x", saved.at_least(8))
        )
        self.notes.append(f"One day: {median_cpu_s(grown):.1f} CPU s; thirty days: {median_cpu_s(full):.1f} CPU s.")

    def skew(self) -> None:
        """One visitor with 40 % of the events against none."""
        from benchmarks import session_rivals as by

        out = self.folder / "out"
        even, hot = self.events(), self.events(hot_share=0.4)
        sides: dict[str, Callable[[], object]] = {
            "even": lambda: by.suite(self.spark, even, out / "even"),
            "hot": lambda: by.suite(self.spark, hot, out / "hot"),
        }
        readings = interleaved(sides, pairs=self.pairs)
        cpu, wall = (ratio(readings["hot"], readings["even"]) for ratio in (cpu_ratio, wall_ratio))
        self.claims += [
            Claim("One visitor with 40 % of the events, CPU", "≤ 1.5x", f"{cpu}x", cpu.at_most(1.5)),
            Claim("the same, wall on two cores", "≤ 1.5x", f"{wall}x", wall.at_most(1.5)),
        ]

    def scaling(self) -> None:
        """A sixteenth, a quarter and all of the rows, each in a process of its own that was warmed up on few rows."""
        from benchmarks import session_rivals as by

        sizes = [self.rows // 16, self.rows // 4, self.rows]
        told = [in_a_process("suite", self.events(size), self.events(_WARM_UP_ROWS), self.folder) for size in sizes]
        cpu = log_log_slope(sizes, [reading["cpu_s"] for reading in told])
        memory = log_log_slope(sizes, [reading["peak_rss_mb"] for reading in told])
        self.claims += [
            Claim("CPU over rows, log-log slope", "≤ 1.1", f"{cpu:.2f}", cpu <= 1.1),
            Claim("peak memory over rows at a heap of 2 GB, log-log slope", "≤ 0.1", f"{memory:.2f}", memory <= 0.1),
        ]
        table = [["events", "CPU s", "wall s", "peak RSS, MB"]]
        for size, reading in zip(sizes, told, strict=True):
            table.append([f"{size:,}", *cells(reading)])
        self.tables["The suite's steps at three sizes, each in a process of its own"] = table
        peaks = [["", "CPU s", "wall s", "peak RSS, MB"]]
        engines = ("suite", "session_window", "apply_in_pandas", "duckdb_windows", "polars_sort")
        for engine in engines:
            reading = in_a_process(engine, self.events(), self.events(_WARM_UP_ROWS), self.folder)
            peaks.append([engine, *cells(reading)])
        prints = {engine: by.fingerprint(self.folder / f"out-{engine}") for engine in engines}
        if len(set(prints.values())) != 1:
            raise SystemExit(f"not the same sessions: {prints}")
        self.tables[f"Each once over {self.rows:,} events, in a process of its own; the same sessions"] = peaks

    def _silver(self, rows: int) -> Path:
        from benchmarks import session_lakes as lakes

        base = self.folder / f"lake-{rows}" / "base"
        if not (base / "_DONE").exists():
            shutil.rmtree(base, ignore_errors=True)
            base.mkdir(parents=True)
            lakes.fill_silver(self.spark, self.events(rows), base, days=_DAYS)
            (base / "_DONE").touch()
        return base


def measure(data: Path) -> None:
    """Run all parts at full size and keep the section; ``data`` is not needed, the events are made up."""
    _ = data
    main(["--keep"])


def main(argv: list[str] | None = None) -> None:
    """Command line: size, pairs and parts."""
    parser = argparse.ArgumentParser(prog="benchmarks.sessionise", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lakejobs-bench")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--events", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--warm-up", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(_PARTS)}; default all")
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.engine:
        one_engine(arguments.engine, arguments.events, arguments.warm_up, arguments.folder)
        return
    os.environ.update(TWO_THREADS)
    for part in arguments.parts or _PARTS:
        print(f"-- {part}", flush=True)
        bench = Bench(arguments.folder, arguments.rows, arguments.pairs)
        getattr(bench, part)()
        notes = [
            f"{arguments.rows:,} made-up events; {arguments.pairs} rounds where rounds are compared.",
            *bench.notes,
        ]
        again = f"{command_of('sessionise', rows=arguments.rows, pairs=arguments.pairs)} {part}"
        section = Section(f"sessionise_{part}", _PARTS[part], bench.claims, bench.tables, notes, again)
        conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
