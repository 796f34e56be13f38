"""The job clickstream.sessionise as a whole: beside a script, and one day beside all."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import Reading, cpu_ratio, interleaved, median_cpu_s, median_wall_s, timed
from benchmarks.results import Claim
from benchmarks.session_bench import DAYS, Bench


def tax(bench: Bench) -> None:
    """The whole job against a notebook's script that leaves the same two Delta tables."""
    from benchmarks import session_lakes as lakes

    base = bench.silver(bench.rows // 10)
    days = lakes.all_days(DAYS)
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
        "clickstream.sessionise": side("suite", lambda root: lakes.run_suite(bench.spark, root, days)),
        "by hand, windows twice": side(
            "twice", lambda root: lakes.hand_written(bench.spark, root, days, read_back=False)
        ),
        "by hand, read back": side("back", lambda root: lakes.hand_written(bench.spark, root, days, read_back=True)),
    }

    def prove_same() -> None:
        prints = {name: tuple(lakes.table_fingerprints(bench.spark, root)) for name, root in roots.items()}
        if len(set(prints.values())) != 1:
            raise SystemExit(f"not the same tables, no timings: {prints}")

    # Warm-up and first proof on a tenth of the events; the proof on all of them follows the last round.
    for run in sides.values():
        run()
    prove_same()
    base = bench.silver(bench.rows)
    readings = interleaved(sides, pairs=bench.pairs, warm_ups=0)
    prove_same()
    own = readings["clickstream.sessionise"]
    table = [["", "CPU s", "wall s", "suite / this, CPU"]]
    for name, runs in readings.items():
        against = "" if runs is own else str(cpu_ratio(own, runs))
        table.append([name, f"{median_cpu_s(runs):.1f}", f"{median_wall_s(runs):.1f}", against])
    bench.tables[f"The whole job on Delta, {bench.rows:,} events of {DAYS} days"] = table
    shortest, leanest = (cpu_ratio(own, readings[n]) for n in ("by hand, windows twice", "by hand, read back"))
    bench.claims += [
        Claim("Framework tax: CPU against the shortest script", "≤ 1.10x", f"{shortest}x", shortest.at_most(1.10)),
        Claim("the same against a script that reads its events back", "printed", f"{leanest}x"),
    ]


def incremental(bench: Bench) -> None:
    """The last of thirty days added to the others, against all thirty at once."""
    from benchmarks import session_lakes as lakes

    base, days = bench.silver(bench.rows), lakes.all_days(DAYS)
    most = lakes.fresh_root(base, "most-days")
    lakes.run_suite(bench.spark, most, lakes.DayRange(days.first, days.last - lakes.timedelta(days=1)))
    whole = lakes.fresh_root(base, "whole")
    lakes.run_suite(bench.spark, whole, days)
    expected = lakes.table_fingerprints(bench.spark, whole)
    number = iter(range(10_000))
    made: list[Path] = []

    def add_a_day() -> None:
        lakes.run_suite(bench.spark, made[-1], lakes.DayRange.single(days.last))

    def all_at_once() -> None:
        lakes.run_suite(bench.spark, made[-1], days)

    grown: list[Reading] = []
    full: list[Reading] = []
    sides = [(grown, add_a_day, most), (full, all_at_once, None)]
    # All thirty days have run above; the single added day has not.
    for readings, run, gold in [([], add_a_day, most), *(sides * bench.pairs)]:
        made.append(lakes.fresh_root(base, f"day-{next(number)}", gold_of=gold))
        readings.append(timed(run))
        if lakes.table_fingerprints(bench.spark, made[-1]) != expected:
            raise SystemExit("one day more does not give the tables of a full recompute: no timings")
        shutil.rmtree(made[-1])
    saved = cpu_ratio(full, grown)
    bench.claims.append(
        Claim("All thirty days against the last one incrementally, CPU", "≥ 8x", f"{saved}x", saved.at_least(8))
    )
    bench.notes.append(f"One day: {median_cpu_s(grown):.1f} CPU s; thirty days: {median_cpu_s(full):.1f} CPU s.")
