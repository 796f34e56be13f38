"""Which days are due with --changed, told from logs written by hand and what earlier runs have noted."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delta_logs import DeltaLog
from pydantic import Field
from pyspark.sql.types import DateType, StructField, StructType

from common.config.params import Params
from common.days import DayRange
from common.errors import InputMissingError, UsageError
from common.job.declaration import Input, Job
from common.lake.storage.folder import FolderStore
from common.lake.table import Table
from common.lake.touched import TableState
from common.run.changed.due import due_days
from common.run.changed.ledger import Known, Ledger, change_ledger, make_ledger

pytestmark = pytest.mark.unit

SCHEMA = StructType([StructField("day", DateType()), StructField("sold_day", DateType())])


def table(name: str, layer: Any = "silver", day_column: str | None = "day") -> Table:
    return Table(f"toy.{name}", layer, SCHEMA, keys=(), day_column=day_column)


SALES, LABELS, MODELS, OUT = table("sales"), table("labels"), table("models", day_column=None), table("out", "gold")


class ToyParams(Params):
    """Parameters of the toy."""

    beside_rows = ("top",)
    window_days: int = Field(2, ge=0, le=9, description="Days looked back to.")
    leave_out_fraud: bool = Field(True, description="Look at the labels.")
    top: int = Field(3, ge=1, le=9, description="Rows of the report.")


def job(*reads: Input, **changes: Any) -> Job:
    given = reads or (Input("toy_tables:SALES"),)
    return Job("toy.run", "A toy.", ToyParams, "toy:run", reads=given, writes=("toy_tables:OUT",), **changes)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    sys.modules["toy_tables"] = SimpleNamespace(  # type: ignore[assignment]
        SALES=SALES, LABELS=LABELS, MODELS=MODELS, OUT=OUT
    )
    yield tmp_path
    sys.modules.pop("toy_tables")


@pytest.fixture
def sales(root: Path) -> DeltaLog:
    """Four days, one of them after a gap, in version 1; the job has written all of them."""
    log = DeltaLog(root, "silver/toy/sales", "day")
    log.add("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-10")
    return log


@pytest.fixture
def out(root: Path) -> DeltaLog:
    log = DeltaLog(root, "gold/toy/out", "day", table_id="out")
    log.add("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-10")
    return log


def due(root: Path, declared: Job, **params: Any) -> list[str]:
    return [str(block) for block in due_days(declared, ToyParams(**params), FolderStore(root)).blocks]


def why(root: Path, declared: Job, **params: Any) -> tuple[str, ...]:
    return due_days(declared, ToyParams(**params), FolderStore(root)).reasons


def known(run_id: str = "run-1", params: dict[str, Any] | None = None, **versions: int | None) -> Known:
    states = {f"toy.{name}": None if at is None else TableState("first", at) for name, at in versions.items()}
    same = {"window_days": 2, "leave_out_fraud": True}
    return Known(run_id, {**same, **(params or {})}, states, {"toy.out": "out"})


def note(root: Path, base: Known | None, *entries: tuple[str, str, Known | None]) -> None:
    """A ledger with this base, and what runs on these days (first, last) have noted after it."""
    store = FolderStore(root)
    make_ledger(store, "toy.run")
    change_ledger(store, "toy.run", lambda _: Ledger(base))
    for number, (first, last, state) in enumerate(entries):
        days = DayRange(date.fromisoformat(first), date.fromisoformat(last))
        change_ledger(store, "toy.run", lambda found, days=days, n=number: found.begun(days, f"a{n}"))
        if state is not None:
            change_ledger(store, "toy.run", lambda found, state=state, n=number: found.done(f"a{n}", state))


# -- touched days ----------------------------------------------------------------------------------------------------


def test_the_first_run_is_over_all_days_that_the_input_has(root: Path, sales: DeltaLog) -> None:
    # Between the 3rd and the 10th there is nothing, so that one run takes them all.
    assert due(root, job()) == ["2026-11-01..2026-11-10"]


def test_touched_days_are_due_and_those_between_them_are_not(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1))
    assert due(root, job()) == []
    sales.add("2026-11-01")
    sales.add("2026-11-03", "2026-11-10")
    assert due(root, job()) == ["2026-11-01", "2026-11-03..2026-11-10"]
    assert why(root, job()) == ()


def test_later_days_that_look_back_to_a_touched_day_are_due_too(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1))
    sales.add("2026-11-02")
    by_number, by_name = (
        Input("toy_tables:SALES", lookback_days=1),
        Input("toy_tables:SALES", lookback_days="window_days"),
    )
    assert due(root, job(by_number)) == ["2026-11-02..2026-11-03"]
    # The 4th would look back too, but there is nothing on it.
    assert due(root, job(by_name)) == ["2026-11-02..2026-11-03"]


def test_a_day_that_has_lost_all_its_rows_is_due_while_the_job_holds_it(
    root: Path, sales: DeltaLog, out: DeltaLog
) -> None:
    note(root, known(sales=1))
    sales.remove("2026-11-03")
    assert due(root, job()) == ["2026-11-03"]


def test_a_second_input_makes_days_due_by_its_own_lookback(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    declared = job(Input("toy_tables:SALES"), Input("toy_tables:LABELS", optional=True, lookback_days=1))
    note(root, known(sales=1, labels=None))
    assert due(root, declared) == []
    DeltaLog(root, "silver/toy/labels", "day").add("2026-11-01")
    assert due(root, declared) == ["2026-11-01..2026-11-02"]


def test_what_the_job_writes_itself_and_tables_without_days_touch_nothing(
    root: Path, sales: DeltaLog, out: DeltaLog
) -> None:
    own, models = Input("toy_tables:OUT", optional=True), Input("toy_tables:MODELS")
    note(root, known(sales=1, models=None))
    out.add("2026-11-02")
    DeltaLog(root, "silver/toy/models", "").add("2026-11-02")
    assert due(root, job(Input("toy_tables:SALES"), own, models)) == []


def test_an_input_that_the_parameters_leave_alone_touches_nothing(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    labels = Input("toy_tables:LABELS", optional=True, only_if="leave_out_fraud")
    note(root, known(params={"leave_out_fraud": False}, sales=1))
    DeltaLog(root, "silver/toy/labels", "day").add("2026-11-02")
    declared = job(Input("toy_tables:SALES"), labels)
    assert due(root, declared, leave_out_fraud=False) == []
    assert due(root, declared) == ["2026-11-01..2026-11-10"]


def test_old_days_deleted_by_maintenance_are_no_news(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1))
    sales.commit(sales.file("remove", "2026-11-01", version=1), operation="DELETE", job="maintenance.maintain")
    assert due(root, job(Input("toy_tables:SALES", lookback_days=1))) == []


# -- all days --------------------------------------------------------------------------------------------------------


def test_other_parameters_make_all_days_due_unless_they_change_no_row(
    root: Path, sales: DeltaLog, out: DeltaLog
) -> None:
    note(root, known(sales=1))
    assert due(root, job(), window_days=3) == ["2026-11-01..2026-11-10"]
    assert why(root, job(), window_days=3) == ("other parameters than then: window_days",)
    assert due(root, job(), top=5) == []


def test_a_parameter_that_is_new_had_its_default_before(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    before = Known("run-1", {"window_days": 2}, known(sales=1).inputs, {"toy.out": "out"})
    note(root, before)
    assert due(root, job()) == []
    assert due(root, job(), leave_out_fraud=False) == ["2026-11-01..2026-11-10"]


def test_commits_that_are_no_longer_in_the_log_make_all_days_due(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1))
    sales.add("2026-11-02")
    sales.commit({"metaData": {"id": "first", "schemaString": '{"fields": []}', "partitionColumns": ["day"]}})
    for day in ("2026-11-01", "2026-11-02"):
        sales.add(day)
    (sales.folder / f"{2:020d}.json").unlink()
    assert why(root, job()) == ("the log of toy.sales no longer has the commits since version 1",)
    assert due(root, job()) == ["2026-11-01..2026-11-10"]


@pytest.mark.parametrize(
    ("path", "name"),
    [("silver/toy/sales", "toy.sales is not the table that was read"), ("gold/toy/out", "toy.out is not")],
)
def test_a_table_made_anew_makes_all_days_due(root: Path, sales: DeltaLog, out: DeltaLog, path: str, name: str) -> None:
    note(root, known(sales=1))
    DeltaLog(root, path, "day", table_id="another").add("2026-11-01", "2026-11-02")
    assert name in why(root, job())[0]
    assert due(root, job())[0].startswith("2026-11-01..")


def test_days_that_only_the_job_holds_are_not_emptied_for_want_of_knowledge(
    root: Path, sales: DeltaLog, out: DeltaLog
) -> None:
    """The input's retention may be shorter than the job's own."""
    out.add("2026-10-31", "2026-11-05")
    assert due(root, job()) == ["2026-11-01..2026-11-03", "2026-11-10"]


def test_a_day_without_rows_left_is_due_beside_all_days(root: Path, sales: DeltaLog, out: DeltaLog) -> None:
    note(root, known(sales=1))
    sales.remove("2026-11-03")
    assert due(root, job(), window_days=3) == ["2026-11-01..2026-11-10"]
    assert due(root, job()) == ["2026-11-03"]


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


# -- no answer -------------------------------------------------------------------------------------------------------


def test_without_its_input_a_job_ends_as_it_would_with_days(root: Path) -> None:
    with pytest.raises(InputMissingError, match=r"toy\.sales does not exist yet"):
        due(root, job())


def test_a_job_without_inputs_with_days_is_refused(root: Path) -> None:
    with pytest.raises(UsageError, match="CLI-009"):
        due(root, job(Input("toy_tables:MODELS")))


def test_a_table_whose_log_tells_no_days_asks_for_days(root: Path) -> None:
    DeltaLog(root, "silver/toy/models", "").add("2026-11-02", partitionValues={}, path="part-1.parquet")
    with pytest.raises(UsageError, match="CLI-010"):
        due(root, job(Input("toy_tables:MODELS", day_column="sold_day")))
