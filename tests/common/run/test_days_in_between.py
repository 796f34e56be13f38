"""Which days are due with --changed when other runs came in between, and for jobs whose days hang together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from delta_logs import DeltaLog
from toy_changes import due, job, known, note, out_log, sales_log, toy_tables, why

from common.days import DayRange
from common.job.declaration import Input
from common.run.changed.ledger import Ledger

pytestmark = pytest.mark.unit


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    with toy_tables():
        yield tmp_path


@pytest.fixture
def sales(root: Path) -> DeltaLog:
    return sales_log(root)


@pytest.fixture
def out(root: Path) -> DeltaLog:
    return out_log(root)


# -- runs with days in between ---------------------------------------------------------------------------------------


def test_a_run_over_given_days_takes_these_off_and_no_others(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    sales.add("2026-11-01", "2026-11-03")
    note(root, known(sales=1), ("2026-11-03", "2026-11-03", known("run-2", sales=2)))
    assert due(root, job()) == ["2026-11-01"]
    # Touched again after that run.
    sales.add("2026-11-03")
    assert due(root, job()) == ["2026-11-01", "2026-11-03"]


def test_days_run_with_other_parameters_are_due_again(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1), ("2026-11-02", "2026-11-02", known("run-2", {"window_days": 9}, sales=1)))
    assert due(root, job()) == ["2026-11-02"]


def test_days_of_a_run_that_broke_off_are_due(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1), ("2026-11-02", "2026-11-09", None))
    assert due(root, job()) == ["2026-11-02..2026-11-03"]
    assert why(root, job()) == ("a run on them did not end well",)


def test_of_two_runs_on_one_day_the_later_counts(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    whole, single = ("2026-11-01", "2026-11-10"), ("2026-11-02", "2026-11-02")
    sales.add("2026-11-02", "2026-11-03")
    note(root, None, (*whole, known(sales=1)), (*single, known("run-2", sales=2)))
    assert due(root, job()) == ["2026-11-03"]


def test_a_ledger_that_cannot_be_read_knows_nothing(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1))
    (root / "runs/_changed/toy.run.json").write_text(json.dumps({"schema_version": 99}))
    assert due(root, job()) == ["2026-11-01..2026-11-10"]


def test_a_ledger_of_too_many_single_days_starts_again() -> None:
    ledger = Ledger(known(sales=1))
    for number in range(400):
        day = date.fromordinal(730_000 + 2 * number)
        ledger = ledger.begun(DayRange.single(day), f"a{number}")
    assert (ledger.base, len(ledger.entries) < 366) == (None, True)


# -- jobs as of a day, and jobs whose days are one ---------------------------------------------------------------------


def test_a_job_as_of_a_day_begins_with_the_latest_and_runs_each_touched_day_alone(
    root: Path, sales: DeltaLog, out: DeltaLog
) -> None:
    declared = job(as_of_day=True)
    assert due(root, declared) == ["2026-11-10"]
    note(root, known(sales=1))
    sales.add("2026-11-02", "2026-11-03")
    assert due(root, declared) == ["2026-11-02", "2026-11-03"]


def test_a_first_run_takes_as_many_days_as_are_wanted_and_says_how_many_it_leaves(root: Path, sales: DeltaLog) -> None:
    for declared in (job(as_of_day=True), job(days_alone=True)):
        assert due(root, declared, first_days=3) == ["2026-11-02", "2026-11-03", "2026-11-10"]
        assert why(root, declared, first_days=3) == (
            "there is no earlier run to start from; 1 earlier day left alone: lake.first_days",
        )
        assert why(root, declared, first_days=4) == ("there is no earlier run to start from",)


def test_a_first_run_leaves_days_alone_that_were_computed_by_themselves(root: Path, sales: DeltaLog) -> None:
    DeltaLog(root, "gold/toy/out", "day", table_id="out").add("2026-11-02")
    assert due(root, job(as_of_day=True), first_days=4) == ["2026-11-01", "2026-11-03", "2026-11-10"]
    # Where the latest model counts, days before the first that was computed had none.
    assert due(root, job(days_alone=True), first_days=4) == ["2026-11-02", "2026-11-03", "2026-11-10"]


def test_a_job_as_of_a_day_waits_until_all_it_needs_hold_the_day(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    declared = job(Input("toy_tables:SALES"), Input("toy_tables:LABELS"), as_of_day=True)
    labels = DeltaLog(root, "silver/toy/labels", "day")
    labels.add("2026-11-03")
    note(root, known(sales=1, labels=1))
    sales.add("2026-11-02", "2026-11-03")
    assert due(root, declared) == ["2026-11-03"]
    note(root, known(sales=2, labels=1))
    labels.add("2026-11-02")
    assert due(root, declared) == ["2026-11-02"]


def test_days_that_stand_alone_are_runs_of_their_own_from_the_first_computed_day_on(
    root: Path, sales: DeltaLog
) -> None:
    declared = job(days_alone=True)
    # Nothing was computed yet: before the latest day there may be nothing known to compute with.
    assert due(root, declared) == ["2026-11-10"]
    DeltaLog(root, "gold/toy/out", "day", table_id="out").add("2026-11-02")
    note(root, known(sales=1))
    sales.add("2026-11-01", "2026-11-02", "2026-11-03")
    assert due(root, declared) == ["2026-11-02", "2026-11-03"]


def test_a_touch_without_a_day_makes_the_latest_as_of_day_due(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    models = DeltaLog(root, "silver/toy/models", "")
    note(root, known(sales=1, models=0))
    models.add("2026-11-02")
    assert due(root, job(Input("toy_tables:SALES"), Input("toy_tables:MODELS"), as_of_day=True)) == ["2026-11-10"]


def test_a_job_whose_days_are_one_is_due_on_all_of_them_or_none(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    declared = job(days_are_one=True)
    note(root, known(sales=1))
    assert due(root, declared) == []
    sales.add("2026-11-02")
    assert due(root, declared) == ["2026-11-01..2026-11-10"]
    note(root, known(sales=2), ("2026-11-02", "2026-11-02", known("run-2", sales=2)))
    assert due(root, declared) == ["2026-11-01..2026-11-10"]
