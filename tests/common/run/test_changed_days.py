"""Which days are due with --changed by what was touched, told from logs written by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from delta_logs import DeltaLog
from toy_changes import due, job, known, note, out_log, sales_log, toy_tables, why

from common.errors import InputMissingError, UsageError
from common.job.declaration import Input
from common.run.changed.ledger import Known

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
def test_a_table_made_again_makes_all_days_due(
    root: Path, sales: DeltaLog, out: DeltaLog, path: str, name: str
) -> None:
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
