"""Rows of ops.runs and ops.quality: a run leaves its record, of which a filling of the tables makes one row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common.errors import ContractError
from common.run.context import RunContext
from common.run.record.cost import keep_cost
from common.run.record.ops_tables import COSTS
from common.run.record.outbox import fill_ops

pytestmark = pytest.mark.unit


def pending(toy: Any) -> list[Path]:
    return sorted((toy.lake / "runs" / "_pending").glob("*.json"))


def filling(toy: Any, **state: Any) -> dict[str, dict[str, Any]]:
    """Rows of ops.runs by attempt, as a run makes them that fills the tables."""
    found: dict[str, dict[str, Any]] = {}

    def body(context: RunContext) -> None:
        vars(context.lake).update(state, ops_rows=found)
        fill_ops(context.lake)

    assert toy.run(body) == (1 if state else 0)
    return found


def test_a_run_commits_nothing_for_the_ops_tables_and_leaves_its_record(toy: Any) -> None:
    def body(context: RunContext) -> None:
        toy.ops = context.lake.ops_rows

    assert toy.run(body) == 0
    assert toy.ops == {}
    assert [path.stem for path in pending(toy)] == [f"{toy.record['run_id']}-1"]


def test_after_filling_each_attempt_done_or_failed_has_exactly_one_row(toy: Any) -> None:
    for error in (None, ContractError("TOY-003", "Rows are wrong.")):

        def body(context: RunContext, error: Exception | None = error) -> None:
            context.counts.add(rows_read=7, rows_written=7)
            if error:
                raise error

        assert toy.run(body) == (3 if error else 0)
    records = toy.records()
    rows = filling(toy)
    assert set(rows) == {f"{record['run_id']}/1" for record in records}
    assert sorted((row["status"], row["rows_read"]) for row in rows.values()) == [("done", 7), ("failed", 7)]
    assert {json.loads(row["record_json"])["run_id"] for row in rows.values()} == {one["run_id"] for one in records}
    # What is left is the record of the run that filled the tables.
    assert [path.stem for path in pending(toy)] == [f"{toy.records()[-1]['run_id']}-1"]


def test_records_that_wait_are_committed_together(toy: Any) -> None:
    for _ in range(3):
        assert toy.run(lambda context: context.lake) == 0
    commits: list[tuple[int, int]] = []

    def body(context: RunContext) -> None:
        filled = fill_ops(context.lake)
        commits.append((filled, vars(context.lake)["ops_commits"]))

    assert toy.run(body) == 0
    assert commits == [(3, 1)]


def test_a_record_whose_row_could_not_be_committed_stays_for_the_next_filling(toy: Any) -> None:
    assert toy.run(lambda context: context.lake) == 0
    (first,) = pending(toy)
    assert filling(toy, broken_ops=True) == {}
    assert first in pending(toy)
    assert first.stem.replace("Z-1", "Z/1") in filling(toy)
    assert first not in pending(toy)


def test_tables_that_another_run_fills_are_waited_for_and_then_left_to_it(toy: Any) -> None:
    assert toy.run(lambda context: context.lake) == 0
    (first,) = pending(toy)

    def body(context: RunContext) -> None:
        context.lake.taken = {"ops.runs"}
        fill_ops(context.lake)

    assert toy.run(body) == 5
    assert "ops.runs is being written after 60 s." in toy.err
    assert first in pending(toy)


def test_costs_that_wait_become_rows_of_ops_costs_and_no_runs(toy: Any) -> None:
    cost = {
        "run_id": "night-1",
        "attempt": 1,
        "job": "toy.run",
        "place": "emr-serverless",
        "service_run_id": "00run1",
        "region": None,
        "architecture": "aarch64",
        "seconds": 60.0,
        "started_at": "2026-11-20T03:00:00.000Z",
        "ended_at": None,
        "prices_region": "us-east-1",
        "prices_as_of": "2026-11-21",
        "cheapest": None,
        "used": dict.fromkeys(("vcpu_hours", "memory_gb_hours", "storage_gb_hours", "instance_hours"), 1.5),
        "cost": {"machines": 0.25, "fee": 0, "disk": 0.25, "total": 0.5},
    }
    rows: list[dict[str, Any]] = []

    def body(context: RunContext) -> None:
        assert [keep_cost(context.objects, cost) for _ in range(2)] == [True, False]
        append = context.lake.append_ops
        context.lake.append_ops = lambda table, some: rows.extend(some) if table is COSTS else append(table, some)
        assert fill_ops(context.lake) == 0

    assert toy.run(body) == 0
    ((row,), kept) = rows[:1], rows[1:]
    assert not kept
    assert set(row) == set(COSTS.schema.names)
    assert (row["total_usd"], row["cheapest_place"], str(row["prices_as_of"])) == (0.5, None, "2026-11-21")
    assert not list((toy.lake / "runs" / "_pending" / "costs").glob("*"))
