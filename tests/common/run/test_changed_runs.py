"""What --changed runs, says and leaves behind: a run for each block of due days, oldest first."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from delta_logs import DeltaLog
from pyspark.sql.types import DateType, StructField, StructType

from common.errors import TransientError
from common.job.declaration import Input
from common.lake.storage.folder import FolderStore
from common.lake.table import Table
from common.run.changed.ledger import change_ledger
from common.run.context import RunContext

pytestmark = pytest.mark.unit

SCHEMA = StructType([StructField("day", DateType())])
JOB = {"reads": (Input("toy_tables:SALES"),), "writes": ("toy_tables:OUT",)}


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    sys.modules["toy_tables"] = SimpleNamespace(  # type: ignore[assignment]
        SALES=Table("toy.sales", "silver", SCHEMA, keys=(), day_column="day"),
        OUT=Table("toy.out", "gold", SCHEMA, keys=(), day_column="day"),
    )
    yield
    sys.modules.pop("toy_tables")


@pytest.fixture
def sales(toy: Any) -> DeltaLog:
    """The 1st, 2nd and 3rd in version 1, all computed by a first run."""
    log = DeltaLog(toy.lake, "silver/toy/sales", "day")
    log.add("2026-11-01", "2026-11-02", "2026-11-03")
    return log


def changed(toy: Any, *flags: str, fails_on: str = "", also: Any = None) -> tuple[int, list[str]]:
    """The exit code of a run with --changed, and the days of the runs that it started."""
    ran: list[str] = []

    def body(context: RunContext) -> None:
        ran.append(str(context.days))
        if also is not None:
            also()
        if str(context.days) == fails_on:
            raise TransientError("TOY-001", "Not now.")

    return toy.run(body, "--changed", *flags, **JOB), ran


def test_each_block_of_touched_days_is_a_run_with_a_record_of_its_own(toy: Any, sales: DeltaLog) -> None:
    assert changed(toy) == (0, ["2026-11-01..2026-11-03"])
    sales.add("2026-11-03", "2026-11-01")
    assert changed(toy) == (0, ["2026-11-01", "2026-11-03"])
    assert [(one["days"]["first"], one["changed"]) for one in toy.records()[1:]] == [
        ("2026-11-01", True),
        ("2026-11-03", True),
    ]


def test_nothing_touched_is_nothing_to_do_and_says_since_when(toy: Any, sales: DeltaLog) -> None:
    changed(toy)
    assert changed(toy) == (0, [])
    assert toy.out == f"toy.run: nothing to do: no day was touched since {toy.record['run_id']}\n"
    # The run that did nothing is no run to start from, the one before it is.
    changed(toy, "--set", "lake.metrics=on")
    sentence, line = toy.out.splitlines()
    assert toy.record["run_id"] in sentence
    assert (json.loads(line)["Job"], json.loads(line)["failed"]) == ("toy.run", 0)


def test_a_failure_stops_the_later_runs_and_the_next_goes_on_there(toy: Any, sales: DeltaLog) -> None:
    changed(toy)
    sales.add("2026-11-01")
    sales.add("2026-11-03")
    assert changed(toy, fails_on="2026-11-01") == (75, ["2026-11-01"])
    assert "left are 2026-11-01, 2026-11-03" in toy.err
    assert changed(toy, fails_on="2026-11-03") == (75, ["2026-11-01", "2026-11-03"])
    assert changed(toy) == (0, ["2026-11-03"])
    assert changed(toy) == (0, [])


def test_the_first_run_that_fails_goes_on_with_the_days_it_has_left(toy: Any, sales: DeltaLog) -> None:
    DeltaLog(toy.lake, "gold/toy/out", "day").add("2026-11-05")
    sales.add("2026-11-07")
    assert changed(toy, fails_on="2026-11-07") == (75, ["2026-11-01..2026-11-03", "2026-11-07"])
    assert changed(toy) == (0, ["2026-11-07"])


def test_what_is_committed_while_a_run_works_is_touched_for_the_next(toy: Any, sales: DeltaLog) -> None:
    assert changed(toy, also=lambda: sales.add("2026-11-02")) == (0, ["2026-11-01..2026-11-03"])
    assert changed(toy) == (0, ["2026-11-02"])


def test_a_run_over_a_given_day_takes_that_day_off_and_no_other(toy: Any, sales: DeltaLog) -> None:
    changed(toy)
    sales.add("2026-11-01", "2026-11-03")
    assert toy.run(lambda context: None, "--day", "2026-11-03", **JOB) == 0
    assert changed(toy) == (0, ["2026-11-01"])


def test_a_run_over_given_days_with_other_parameters_makes_them_due(toy: Any, sales: DeltaLog) -> None:
    changed(toy)
    assert toy.run(lambda context: None, "--day", "2026-11-02", "--set", "gap_minutes=9", **JOB) == 0
    assert changed(toy) == (0, ["2026-11-02"])
    assert changed(toy, "--set", "gap_minutes=9") == (0, ["2026-11-01..2026-11-03"])


def test_runs_note_no_days_in_a_lake_where_changed_was_never_used(toy: Any, sales: DeltaLog) -> None:
    assert toy.run(lambda context: None, "--day", "2026-11-02", **JOB) == 0
    assert not (toy.lake / "runs/_changed").exists()


def test_json_is_an_array_of_the_records(toy: Any, sales: DeltaLog) -> None:
    changed(toy, "-o", "json")
    assert json.loads(toy.out) == [toy.record]
    changed(toy, "-o", "json")
    assert json.loads(toy.out) == []


def test_a_run_id_that_is_given_becomes_one_for_each_block(toy: Any, sales: DeltaLog) -> None:
    changed(toy)
    sales.add("2026-11-01", "2026-11-03")
    changed(toy, "--run-id", "night-7")
    assert [one["run_id"] for one in toy.records()[1:]] == ["night-7.2026-11-01", "night-7.2026-11-03"]


def test_a_lake_without_the_input_ends_with_exit_4_and_is_left_alone(toy: Any) -> None:
    assert changed(toy) == (4, [])
    assert "LAK-004: The table toy.sales does not exist yet." in toy.err
    assert not toy.lake.exists()


def test_the_plan_tells_the_days_and_touches_nothing(toy: Any, sales: DeltaLog) -> None:
    changed(toy)
    sales.add("2026-11-01", "2026-11-03")
    before = sorted(toy.lake.rglob("*"))
    assert changed(toy, "--plan") == (0, [])
    since = toy.record["run_id"]
    assert f"days         2 days in 2 runs, 2026-11-01, 2026-11-03 (touched since {since})" in toy.out
    assert changed(toy, "--plan", "-o", "json") == (0, [])
    plan = json.loads(toy.out)
    assert plan["changed"]["runs"] == [
        {"first": "2026-11-01", "last": "2026-11-01", "count": 1},
        {"first": "2026-11-03", "last": "2026-11-03", "count": 1},
    ]
    assert plan["changed"]["since"] == since
    assert sorted(toy.lake.rglob("*")) == before


def test_the_plan_of_a_job_whose_input_another_job_has_yet_to_make_says_so(toy: Any) -> None:
    assert changed(toy, "--plan") == (0, [])
    assert "not known yet: The table toy.sales does not exist yet." in toy.out


def test_days_that_could_not_be_noted_do_not_fail_a_run_and_are_due_again(
    toy: Any, sales: DeltaLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(toy)

    def broken() -> None:
        monkeypatch.setattr(FolderStore, "write_if_match", lambda *_: None)

    sales.add("2026-11-02")
    assert changed(toy, also=broken) == (0, ["2026-11-02"])
    assert "the end of --changed is not noted" in toy.err
    monkeypatch.undo()
    assert changed(toy) == (0, ["2026-11-02"])


def test_a_change_to_a_ledger_that_is_not_there_makes_none(toy: Any) -> None:
    change_ledger(FolderStore(toy.lake), "toy.run", lambda ledger: ledger)
    assert not toy.lake.exists()
