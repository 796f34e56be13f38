"""Whatever happens to an input, and whatever runs came in between: after --changed all is as a full run leaves it."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delta_logs import DeltaLog
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyspark.sql.types import DateType, StructField, StructType

from common.errors import TransientError
from common.job.declaration import Input
from common.lake.table import Table
from common.run.context import RunContext

pytestmark = pytest.mark.unit

FIRST, NUMBER, BACK = date(2026, 11, 1), 8, 2
ALL = [FIRST + timedelta(days=n) for n in range(NUMBER)]
SCHEMA = StructType([StructField("day", DateType())])
JOB = {"reads": (Input("toy_tables:SALES", lookback_days=BACK),), "writes": ("toy_tables:OUT",)}


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    sys.modules["toy_tables"] = SimpleNamespace(  # type: ignore[assignment]
        SALES=Table("toy.sales", "silver", SCHEMA, keys=(), day_column="day"),
        OUT=Table("toy.out", "gold", SCHEMA, keys=(), day_column="day"),
    )
    yield
    sys.modules.pop("toy_tables")


class Files:
    """A table whose log is kept by hand: each day holds one file or none."""

    def __init__(self, root: Path, path: str) -> None:
        self.log = DeltaLog(root, path, "day")
        self.held: dict[date, int] = {}

    def write(self, held: dict[date, bool]) -> None:
        """Write these days again where they hold rows, and empty the others, in one commit."""
        version = self.log.version + 1
        actions = [self.log.file("remove", str(one), version=self.held.pop(one)) for one in held if one in self.held]
        for one in (one for one, has_rows in held.items() if has_rows):
            actions.append(self.log.file("add", str(one)))
            self.held[one] = version
        if actions:
            self.log.commit(*actions)


class World:
    """An input, and a job whose result of a day is what the day and those before it have seen so far."""

    def __init__(self, toy: Any) -> None:
        self.toy = toy
        self.sales = Files(toy.lake, "silver/toy/sales")
        self.out = Files(toy.lake, "gold/toy/out")
        self.seen = dict.fromkeys(ALL, 0)
        self.results: dict[date, tuple[Any, ...]] = {}
        self.broken: set[date] = set()

    def touch(self, days: set[int], *, has_rows: bool) -> None:
        given = [ALL[number] for number in sorted(days) if has_rows or ALL[number] in self.sales.held]
        self.sales.write(dict.fromkeys(given, has_rows))
        for one in given:
            self.seen[one] += 1

    def result(self, day: date, gap: int) -> tuple[Any, ...] | None:
        """What a run leaves of a day: nothing of a day without rows."""
        if day not in self.sales.held:
            return None
        return gap, *(self.seen.get(day - timedelta(days=n)) for n in range(BACK + 1))

    def run(self, *flags: str, gap: int = 30, fails_at: int = -1) -> tuple[int, list[date]]:
        """The exit code, and the days that held rows before or after and were left as they were."""
        needless: list[date] = []
        numbers = itertools.count()

        def body(context: RunContext) -> None:
            fails = next(numbers) == fails_at
            self.broken |= set(context.days) if fails else set()
            for one in context.days:
                before, after = self.results.pop(one, None), self.result(one, gap)
                needless.extend([one] if before == after is not None and one not in self.broken else [])
                if after is not None:
                    self.results[one] = after
                if fails:  # in the middle of its work: what it has published stays
                    self.out.write({one: one in self.results})
                    raise TransientError("TOY-001", "Not now.")
            self.out.write({one: one in self.results for one in context.days})
            self.broken -= set(context.days)

        return self.toy.run(body, *flags, "--set", f"gap_minutes={gap}", **JOB), needless

    def is_whole(self, gap: int = 30) -> bool:
        """Whether the results are those of a run over all days."""
        wanted = {one: found for one in ALL if (found := self.result(one, gap)) is not None}
        return self.results == wanted


DAYS = st.sets(st.integers(0, NUMBER - 1), min_size=1, max_size=3)
STEP = st.one_of(
    st.tuples(st.just("touch"), DAYS),
    st.tuples(st.just("empty"), DAYS),
    st.tuples(st.just("changed"), st.none()),
    st.tuples(st.just("broken"), st.integers(0, 1)),
    st.tuples(st.just("day"), st.integers(0, NUMBER - 1)),
    st.tuples(st.just("other"), st.integers(0, NUMBER - 1)),
)


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=DAYS, steps=st.lists(STEP, max_size=8))
def test_after_changed_all_days_are_as_a_full_run_leaves_them(
    toy: Any, tmp_path_factory: pytest.TempPathFactory, first: set[int], steps: list[tuple[str, Any]]
) -> None:
    toy.lake = tmp_path_factory.mktemp("world") / "lake"
    world = World(toy)
    world.touch(first, has_rows=True)
    assert world.run("--changed")[0] == 0
    for kind, value in steps:
        if kind in ("touch", "empty"):
            world.touch(value, has_rows=kind == "touch")
        elif kind == "day":
            world.run("--day", str(ALL[value]))
        elif kind == "other":
            world.run("--day", str(ALL[value]), gap=9)
        elif kind == "broken":
            world.run("--changed", fails_at=value)
        else:
            assert world.run("--changed")[0] == 0
            assert world.is_whole()
    code, needless = world.run("--changed")
    assert (code, needless) == (0, [])
    assert world.is_whole()
