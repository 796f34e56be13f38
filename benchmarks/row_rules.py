"""``python -m benchmarks.row_rules``: twenty row rules with the quarantine split, against a copy and against GX."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import Reading, cpu_ratio, interleaved, load_note, median_cpu_s, median_wall_s
from benchmarks.results import Claim, Section, command_of, conclude

_RULES, _STAGED, _FILES = "row rules", "row rules, staged in the cache", "row rules, staged in files"
_COPY, _GX = "plain copy", "Great Expectations"
_GOAL = 1.3
_TRIED = (
    "Tried: no method of generated code above the 8,000 bytes that the JVM compiles (kept: half the CPU of finding the"
    " bad rows); reasons made only for rows that break a rule, rules as bits of a number, rules as one condition (none"
    " cheaper: conditions on every row are what costs, 2.5 µs a row for the twenty); judged rows staged in files or in"
    " the executors' cache. Two tables are two passes in Spark, and the second pass alone is above the goal."
)


def measure(data: Path) -> None:
    """Run at full size and keep the section; ``data`` is not needed, the events are made up."""
    _ = data
    main(["--keep"])


class Bench:
    """One measurement: its session, its folder of made-up events, and what it has found."""

    def __init__(self, folder: Path, pairs: int) -> None:
        from benchmarks.session_lakes import bench_session

        self.folder = folder
        self.pairs = pairs
        self.spark = bench_session()
        self.claims: list[Claim] = []
        self.tables: dict[str, list[list[str]]] = {}

    def against_copy(self, rows: int, form: str) -> None:
        """Rules and split against reading and writing the same rows, in one format of tables."""
        from benchmarks import row_rules_rivals as by

        ways = {
            _RULES: by.row_rules,
            _STAGED: by.row_rules_staged,
            _FILES: by.row_rules_in_files,
            _COPY: by.plain_copy,
        }
        readings, bad = self._readings(ways, rows, form)
        rules, staged, in_files = (cpu_ratio(readings[name], readings[_COPY]) for name in (_RULES, _STAGED, _FILES))
        what, met = f"Twenty rules and the split over a plain copy, {form}, CPU", rules.at_most(_GOAL)
        self.claims += [
            Claim(what, f"≤ {_GOAL}x", f"{rules}x", met),
            Claim(f"the same with the judged rows staged in the cache, {form}", "printed", f"{staged}x"),
            Claim(f"the same with the judged rows staged in files, {form}", "printed", f"{in_files}x"),
        ]
        self._table(f"{rows:,} events from Parquet to {form}, {bad:,} of them to the quarantine", readings, rows)

    def against_gx(self, rows: int) -> None:
        """Rules and split against the same by Great Expectations, row by row."""
        from benchmarks import row_rules_rivals as by

        ways = {_RULES: by.row_rules, _GX: by.great_expectations}
        readings, bad = self._readings(ways, rows, "delta")
        dearer = cpu_ratio(readings[_GX], readings[_RULES])
        self.claims.append(Claim("CPU of the same split by Great Expectations over ours", "printed", f"{dearer}x"))
        self._table(f"{rows:,} events from Parquet to delta, {bad:,} of them to the quarantine", readings, rows)

    def _readings(self, ways: dict[str, Any], rows: int, form: str) -> tuple[dict[str, list[Reading]], int]:
        from benchmarks import row_rules_rivals as by
        from benchmarks.row_demands import counted_by_duckdb, flawed_events

        events = flawed_events(self.folder, rows)

        def side(name: str) -> Callable[[], object]:
            return lambda: ways[name](self.spark, events, self._out(name, form), form)

        sides = {name: side(name) for name in ways}
        expected = counted_by_duckdb(events)
        good = set()
        for name, run in sides.items():
            run()
            if name == _COPY:
                continue
            outcome = by.outcome(self.spark, self._out(name, form), form)
            if outcome != expected:
                raise SystemExit(f"{name}: not the rows that DuckDB counts, no timings: {outcome}, {expected}")
            good.add(by.good_rows(self.spark, self._out(name, form), form))
        if len(good) != 1:
            raise SystemExit(f"not the same good rows, no timings: {good}")
        return interleaved(sides, pairs=self.pairs), expected["bad"]

    def _out(self, name: str, form: str) -> Path:
        return self.folder / "out-rules" / f"{name}-{form}"

    def _table(self, caption: str, readings: dict[str, list[Reading]], rows: int) -> None:
        table = [["", "CPU s", "wall s", "CPU µs a row"]]
        for name, runs in readings.items():
            cpu = median_cpu_s(runs)
            table.append([name, f"{cpu:.1f}", f"{median_wall_s(runs):.1f}", f"{cpu / rows * 1e6:.2f}"])
        self.tables[caption] = table


def run(folder: Path, rows: int, gx_rows: int, pairs: int) -> Section:
    """Both comparisons; Great Expectations gets fewer rows."""
    note = load_note()
    bench = Bench(folder, pairs)
    for form in ("delta", "parquet"):
        bench.against_copy(rows, form)
    bench.against_gx(gx_rows)
    return Section(
        "row_rules",
        "Row rules and the quarantine",
        claims=bench.claims,
        tables=bench.tables,
        notes=[
            note,
            f"{pairs} rounds, interleaved, after two warm-ups. Before any timing good and quarantined rows were shown"
            " to be all rows, the rows per reason to be those that DuckDB counts in the same files, and the good rows"
            " to be the same on all sides.",
            "Rules: two blank, three missing, two with a pattern for a path or a country, one for an id, five of known"
            " values, three too long, four out of range; each broken in 0.15 % of the rows on purpose.",
            "The quarantine holds its rows as JSON with their reasons; a plain copy writes all rows as they are.",
            "Great Expectations runs the same twenty as row expectations (COMPLETE, naming the failing rows by a row"
            " number) on its Spark engine; the failing rows are then joined back to write the same two tables.",
            _TRIED,
        ],
        command=command_of("row_rules", rows=rows, gx_rows=gx_rows, pairs=pairs),
    )


def main(argv: list[str] | None = None) -> None:
    """Command line: sizes and rounds."""
    parser = argparse.ArgumentParser(prog="benchmarks.row_rules", description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--gx-rows", type=int, default=500_000, help="rows for Great Expectations")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lakejobs-bench")
    parser.add_argument("--keep", action="store_true", help="write the section for docs/benchmarks.md")
    arguments = parser.parse_args(argv)
    section = run(arguments.folder, arguments.rows, arguments.gx_rows, arguments.pairs)
    conclude(section, keep_it=arguments.keep)


if __name__ == "__main__":
    main()
