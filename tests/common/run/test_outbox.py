"""Rows of ops.runs and ops.quality: written at the end of a run, or left for the next one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.errors import ContractError
from common.run.context import RunContext

pytestmark = pytest.mark.unit


def test_the_row_of_ops_runs_is_written_for_success_and_failure(toy: Any) -> None:
    for error in (None, ValueError("no")):

        def body(context: RunContext, error: Exception | None = error) -> None:
            context.counts.add(rows_read=7, rows_written=7)
            toy.ops = context.lake.ops_rows
            if error:
                raise error

        toy.run(body)
        ((key, row),) = toy.ops.items()
        record = toy.records()[-1]
        assert key == f"{record['run_id']}/1"
        assert (row["status"], row["rows_read"]) == (record["status"], 7)
        assert json.loads(row["record_json"])["run_id"] == record["run_id"]


def test_a_row_that_could_not_be_written_is_a_warning_and_the_next_run_writes_it(toy: Any) -> None:
    def broken(context: RunContext) -> None:
        context.lake.broken_ops = True
        raise ContractError("TOY-003", "Rows are wrong.")

    assert toy.run(broken) == 3
    assert "TOY-003" in toy.err
    (failed,) = toy.records()

    def fine(context: RunContext) -> None:
        toy.ops = context.lake.ops_rows

    assert toy.run(fine) == 0
    assert {row["status"] for row in toy.ops.values()} == {"failed", "done"}
    assert f"{failed['run_id']}/1" in toy.ops
    assert list((toy.lake / "runs" / "_pending").glob("*.json")) == []


def test_a_row_that_another_run_keeps_waiting_is_left_for_the_next_run(toy: Any) -> None:
    def body(context: RunContext) -> None:
        context.lake.taken = {"ops.runs"}

    assert toy.run(body) == 0
    (waits,) = toy.records()
    assert "row of ops.runs left for the next run: LEA-001 ops.runs is being written after 60 s." in toy.out

    def fine(context: RunContext) -> None:
        toy.ops = context.lake.ops_rows

    assert toy.run(fine) == 0
    assert len(toy.ops) == 2
    assert f"{waits['run_id']}/1" in toy.ops
