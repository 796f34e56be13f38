"""What a run costs before it has many rows: Spark jobs and SQL executions of small runs, by the lines that start them.

``python -m benchmarks.fixed_price`` prints a list for each run. Counts, not seconds: they stay on a busy machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from py4j.java_gateway import JavaMember
from pyspark.sql import SparkSession

_ROOT = Path(__file__).resolve().parents[1]
_DEPTH = 3


class Work:
    """What a block has started: Spark jobs by the lines of ours that led to them (innermost first), SQL executions."""

    def __init__(self) -> None:
        self.jobs: Counter[str] = Counter()
        self.executions = 0


@contextmanager
def counted(spark: SparkSession) -> Iterator[Work]:
    """Count what the block starts, by asking the scheduler before and after each call that Python makes of the JVM."""
    work, plain, busy = Work(), JavaMember.__call__, False
    scheduler: Any = spark.sparkContext._jsc.sc().dagScheduler()  # type: ignore[attr-defined]
    store: Any = spark._jsparkSession.sharedState().statusStore()  # type: ignore[union-attr]

    def call(self: JavaMember, *arguments: Any) -> Any:
        nonlocal busy
        if busy:
            return plain(self, *arguments)
        busy = True
        try:
            jobs = int(scheduler.numTotalJobs())
            result = plain(self, *arguments)
            more = int(scheduler.numTotalJobs()) - jobs
        finally:
            busy = False
        if more:
            work.jobs[_source()] += more
        return result

    before = int(store.executionsCount())
    JavaMember.__call__ = call
    try:
        yield work
    finally:
        JavaMember.__call__ = plain
        time.sleep(1)  # an execution reaches the store with a short delay
        work.executions = int(store.executionsCount()) - before


def _source() -> str:
    frames = [
        f"{Path(frame.filename).relative_to(_ROOT)}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_stack()
        if frame.filename.startswith(tuple(f"{_ROOT}/{folder}/" for folder in ("common", "jobs")))
    ]
    return " < ".join(reversed(frames[-_DEPTH:])) or "elsewhere"


def main(names: list[str]) -> None:
    """Run the small runs in one session and print what each has started."""
    sys.path.insert(0, str(_ROOT / "tests" / "support"))
    from small_session import INTERPRETED

    from common.config.lake_settings import LakeSettings
    from common.spark.session import open_session

    conf = {**INTERPRETED, "spark.sql.adaptive.enabled": "true", "spark.master": "local[2]"}
    with tempfile.TemporaryDirectory() as folder:
        warehouse = {"spark.sql.warehouse.dir": f"{folder}/warehouse"}
        spark = open_session(LakeSettings(), "fixed price", {**conf, **warehouse})
        for name, run in _runs(spark, Path(folder)):
            if names and not any(name.startswith(one) for one in names):
                assert run() == 0
                continue
            with counted(spark) as work:
                code = run()
            print(f"\n## {name}: {sum(work.jobs.values())} jobs, {work.executions} executions, exit {code}")
            for source, jobs in work.jobs.items():
                print(f"{jobs:4}  {source}")
        spark.stop()


def _runs(spark: SparkSession, folder: Path) -> Iterator[tuple[str, Callable[[], int]]]:
    from card_bank import Bank
    from gift_shop import LAST, WEEKS, Shop, line
    from visited_site import DAYS, VISITS, Site

    from jobs.forecast.backtest import JOB as BACKTEST
    from jobs.forecast.predict import JOB as PREDICT
    from jobs.forecast.replenish import JOB as REPLENISH
    from jobs.fraud.features import JOB as FEATURES

    (folder / "shop").mkdir()
    shop = Shop(spark, folder / "shop")
    shop.sends("a.csv", [line(f"M{n}", "MUG", 20, 7 * n + 1) for n in range(4)])
    yield "forecast.ingest, first", shop.ingests
    yield "forecast.ingest, nothing to do", shop.ingests
    shop.sends("b.csv", [line(f"M{n}", "MUG", 20 + n % 4, 7 * n + 1) for n in range(4, WEEKS)])
    yield "forecast.ingest, more", shop.ingests
    yield "forecast.history", shop.counts_demand
    models = ("--set", "models=[seasonal_naive]", "--set", "horizon=3", "--set", "windows=2")
    yield "forecast.backtest", lambda: shop.run(BACKTEST, "--day", str(LAST), *models)
    yield "forecast.predict", lambda: shop.run(PREDICT, "--day", str(LAST))
    yield "forecast.replenish", lambda: shop.run(REPLENISH, "--day", str(LAST))
    bank = Bank(spark, folder / "bank")
    bank.take_in_csv("1,2026-03-02 10:00:00,c1,s1,5.0", "2,2026-03-03 10:00:00,c1,s1,6.0")
    yield "fraud.features", lambda: bank.run(FEATURES, "--day", "2026-03-03")
    site = Site(spark, folder / "site")
    site.has(VISITS[:6])
    yield "clickstream.sessionise", lambda: site.sessionise(DAYS[0], DAYS[1])


if __name__ == "__main__":
    main(sys.argv[1:])
