"""Jobs that are a declaration and a step, on a few rows: what is read, balanced, refused, published and reported."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from audited import passed
from pydantic import Field
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import DataType, DateType, LongType, StringType, StructField, StructType

from common.config.lake_settings import LakeSettings
from common.config.params import Params
from common.days import DayRange
from common.job.declaration import Input, Job
from common.lake.lake import Lake
from common.lake.table import Table
from common.quality.audit import AuditResult
from common.run.context import Services
from common.run.launch import run_job

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows")]

DAY = date(2026, 11, 20)


def columns(**kinds: DataType) -> StructType:
    return StructType([StructField(name, kind) for name, kind in kinds.items()])


TEXT = StringType()
VISIT = columns(visit_id=TEXT, day=DateType(), shop=TEXT)
VISITS = Table("toy.visits", "silver", VISIT, keys=("visit_id",), day_column="day")
SHOPS = Table("toy.shops", "silver", columns(shop=TEXT, town=TEXT), keys=("shop",))
KEPT = Table("toy.kept", "gold", VISIT, keys=("visit_id",), day_column="day")
BY_SHOP = Table("toy.by_shop", "gold", columns(shop=TEXT, visits=LongType()), keys=("shop",))
TABLES = {"VISITS": VISITS, "SHOPS": SHOPS, "KEPT": KEPT, "BY_SHOP": BY_SHOP}


class ToyParams(Params):
    """Parameters of the toys."""

    memory_days: int = Field(2, ge=0, le=10, description="Days before the first one that a visit is remembered.")


class Toys:
    """Runs jobs named toy.job on a lake that holds the visits a to d, c and d on the day that is run."""

    def __init__(self, spark: SparkSession, lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
        self.spark, self.lake, self._capsys = spark, lake, capsys
        visits = [("a", -3, "north"), ("b", -1, "north"), ("c", 0, "north"), ("d", 0, "south")]
        rows = spark.createDataFrame([(name, DAY + timedelta(days=n), shop) for name, n, shop in visits], VISIT)
        lake.replace_days(passed(VISITS, rows), days=DayRange(DAY - timedelta(days=3), DAY))

    def run(self, step: Callable[..., Any], *flags: str, functions: Any = (), **declared: Any) -> dict[str, Any]:
        """The record of a run; ``functions`` are what the declaration names besides the step."""
        module = SimpleNamespace(**TABLES, step=step, **dict(functions))
        sys.modules["toy_steps"] = module  # type: ignore[assignment]
        fields = {"reads": ("toy_steps:VISITS",), "writes": ("toy_steps:KEPT",), **declared}
        job = Job("toy.job", "A toy.", ToyParams, step="toy_steps:step", **fields)
        days = () if not job.by_day or "--from" in flags else ("--day", str(DAY))
        run_job(
            job,
            ["--lake", self.lake.settings.root, *days, "-o", "json", *flags],
            services=Services(session=lambda settings, name: self.spark),
        )
        record: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return record

    def published(self, table: Table = KEPT) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in self.lake.read(table).collect()) if self.lake.exists(table) else []


@pytest.fixture
def toys(spark: SparkSession, lake: Lake, settings: LakeSettings, capsys: pytest.CaptureFixture[str]) -> Iterator[Toys]:
    yield Toys(spark, lake, capsys)
    sys.modules.pop("toy_steps", None)


def balanced(record: dict[str, Any]) -> tuple[int, int, int]:
    """Rows read, written and filtered."""
    return tuple(record["counts"][f"rows_{name}"] for name in ("read", "written", "filtered"))  # type: ignore[return-value]


def same(params: Params, visits: DataFrame) -> DataFrame:
    return visits


def test_the_rows_of_a_step_replace_the_days_of_the_run_and_are_reported(toys: Toys) -> None:
    def report(report: Any, params: Params, rows: DataFrame, *, as_of: date) -> None:
        report.headline("Visits", f"{rows.count()} on {as_of}")

    record = toys.run(same, functions={"told": report}, report="toy_steps:told")
    assert (record["exit_code"], balanced(record)) == (0, (2, 2, 0))
    assert toys.published() == [("c", DAY, "north"), ("d", DAY, "south")]
    page = toys.lake.objects.read(record["report"]).decode()
    assert "2 on 2026-11-20" in page


@pytest.mark.parametrize(
    ("given", "flags", "seen"),
    [
        ({}, (), "cd"),
        ({"lookback_days": 1}, (), "bcd"),
        ({"lookback_days": "memory_days"}, (), "bcd"),
        ({"lookback_days": "memory_days"}, ("--set", "memory_days=3"), "abcd"),
        ({"all_days": True}, (), "abcd"),
        ({"where": "shop = 'south'"}, (), "d"),
    ],
)
def test_a_step_sees_the_days_that_its_input_declares(
    toys: Toys, given: dict[str, Any], flags: tuple[str, ...], seen: str
) -> None:
    asked = []

    def step(params: Params, visits: DataFrame, *, days: DayRange, as_of: date) -> DataFrame:
        asked.append((days, as_of, "".join(sorted(row["visit_id"] for row in visits.collect()))))
        return visits.where(days.predicate("day"))

    record = toys.run(step, *flags, reads=(Input("toy_steps:VISITS", **given),))
    assert asked == [(DayRange.single(DAY), DAY, seen)]
    # Read are the days of the run, whatever else the step may look at.
    assert balanced(record) == (len(set(seen) & {"c", "d"}),) * 2 + (0,)


def test_an_optional_input_that_is_not_there_is_none(toys: Toys) -> None:
    given = []

    def step(params: Params, visits: DataFrame, shops: DataFrame | None) -> DataFrame:
        given.append(None if shops is None else shops.count())
        return visits

    reads = ("toy_steps:VISITS", Input("toy_steps:SHOPS", optional=True))
    assert toys.run(step, reads=reads)["exit_code"] == 0
    toys.lake.upsert(passed(SHOPS, toys.spark.createDataFrame([("north", "Oslo")], SHOPS.schema)))
    assert toys.run(step, reads=reads)["exit_code"] == 0
    assert given == [None, 1]
    assert toys.run(step, reads=("toy_steps:BY_SHOP", "toy_steps:VISITS"))["error"]["code"] == "LAK-004"


def test_rows_left_out_are_counted_by_their_reason_and_not_published(toys: Toys) -> None:
    def step(params: Params, visits: DataFrame) -> DataFrame:
        return visits.withColumn("why", F.when(F.col("shop") == "south", "closed shop"))

    record = toys.run(step, left_out="why")
    assert balanced(record) == (2, 1, 1)
    assert record["counts"]["left_out_closed_shop"] == 1
    assert toys.published() == [("c", DAY, "north")]


def test_a_row_that_a_step_loses_fails_the_run_before_anything_is_published(toys: Toys) -> None:
    record = toys.run(lambda params, visits: visits.where("visit_id <> 'c'"))
    assert (record["exit_code"], record["error"]["code"], toys.published()) == (1, "RUN-001", [])
    twice = toys.run(lambda params, visits: visits.unionAll(visits))
    assert (twice["error"]["code"], toys.published()) == ("RUN-001", [])


def by_shop(params: Params, visits: DataFrame) -> DataFrame:
    return visits.groupBy("shop").agg(F.count(F.lit(1)).alias("visits"))


WHOLE = {"reads": (Input("toy_steps:VISITS"),), "writes": ("toy_steps:BY_SHOP",), "balance_by": ("shop",)}


def test_a_job_of_another_grain_is_balanced_by_its_keys_and_merged_by_them(toys: Toys) -> None:
    assert toys.run(by_shop, **WHOLE, by_day=False)["exit_code"] == 0
    again = toys.run(by_shop, **WHOLE, by_day=False)
    assert (balanced(again), again["counts"]["by_shop_rows"]) == ((2, 2, 0), 2)
    assert toys.published(BY_SHOP) == [("north", 3), ("south", 1)]
    lost = toys.run(lambda params, visits: by_shop(params, visits).where("shop = 'north'"), **WHOLE, by_day=False)
    assert lost["error"]["code"] == "RUN-001"


def test_a_key_is_left_out_when_none_of_its_rows_is_kept(toys: Toys) -> None:
    def step(params: Params, visits: DataFrame) -> DataFrame:
        return visits.withColumn("why", F.when(F.col("visit_id").isin("a", "d"), "too small"))

    days = ("--from", str(DAY - timedelta(days=3)), "--to", str(DAY))
    record = toys.run(step, *days, left_out="why", balance_by=("shop",))
    assert balanced(record) == (2, 1, 1)
    assert (record["counts"]["left_out_too_small"], record["counts"]["kept_rows"]) == (1, 2)


def test_a_later_table_may_be_made_of_the_rows_that_were_kept_of_the_first(toys: Toys) -> None:
    def step(params: Params, visits: DataFrame) -> tuple[DataFrame, Callable[[DataFrame], DataFrame]]:
        marked = visits.withColumn("why", F.when(F.col("shop") == "south", "closed shop"))
        return marked, lambda kept: by_shop(params, kept)

    record = toys.run(step, left_out="why", writes=("toy_steps:KEPT", "toy_steps:BY_SHOP"))
    assert (record["exit_code"], toys.published(BY_SHOP)) == (0, [("north", 1)])


def test_several_tables_are_published_only_when_all_have_passed_their_audits(
    toys: Toys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(params: Params, visits: DataFrame) -> tuple[DataFrame, DataFrame]:
        return visits, by_shop(params, visits)

    def audit(rows: DataFrame, table: Table, **_: Any) -> AuditResult:
        told = {"expectation": "expect_town", "column": "shop", "severity": "error", "observed": None, "detail": None}
        return AuditResult(table.name, [{**told, "success": table is KEPT, "kwargs": {}, "why": ""}])

    writes = ("toy_steps:KEPT", "toy_steps:BY_SHOP")
    with monkeypatch.context() as patch:
        patch.setattr("common.run.gate.audit", audit)
        record = toys.run(step, writes=writes)
    assert (record["exit_code"], record["error"]["code"]) == (3, "QLT-001")
    assert (toys.published(), toys.published(BY_SHOP)) == ([], [])
    record = toys.run(step, writes=writes)
    assert (balanced(record), record["counts"]["by_shop_rows"]) == ((2, 2, 0), 2)
    assert (len(toys.published()), toys.published(BY_SHOP)) == (2, [("north", 1), ("south", 1)])


def test_problems_that_the_check_of_a_job_finds_keep_its_rows_from_being_published(toys: Toys) -> None:
    def check(params: Params, rows: DataFrame, visits: DataFrame, *, counts: Any) -> list[str]:
        return [f"{rows.count()} of {counts.rows_read} rows look odd"] if visits.count() > 1 else []

    record = toys.run(same, functions={"odd": check}, check="toy_steps:odd")
    assert (record["exit_code"], record["error"]["code"]) == (3, "QLT-004")
    assert (record["error"]["cause"], toys.published()) == ("2 of 2 rows look odd", [])
    found = toys.run(same, functions={"odd": lambda *_: []}, check="toy_steps:odd")
    assert found["exit_code"] == 0


def test_a_step_that_gives_other_frames_or_columns_than_declared_is_refused(toys: Toys) -> None:
    assert toys.run(lambda params, visits: (visits, visits))["error"]["code"] == "RUN-007"
    record = toys.run(lambda params, visits: visits.drop("shop"))
    assert (record["exit_code"], record["error"]["code"]) == (3, "LAK-002")
    assert toys.run(same, check="toy_steps:nowhere")["error"]["code"] == "RUN-002"
    assert toys.published() == []
