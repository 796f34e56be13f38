"""Several jobs in the order of the graph: what runs, with which flags, and what is left when one fails."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from common.errors import InputMissingError, UsageError
from common.job.declaration import Job
from common.job.graph import Graph
from deploy.control import run as control
from deploy.control.order import parse_order, steps_of
from deploy.control.sequence import Step, run_steps

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def graph() -> Graph:
    """That of the suite: its chain of forecasts serves as the example."""
    return Graph.of_suite()


def steps(graph: Graph, line: str) -> list[tuple[str, str]]:
    found, _ = steps_of(parse_order(line.split()), graph, samples="/samples")
    return [(step.job, " ".join(step.arguments)) for step in found]


def test_days_go_to_jobs_by_day_and_the_last_one_to_those_that_work_as_of_a_day(graph: Graph) -> None:
    line = "forecast.history forecast.backtest maintenance.maintain --lake L --from 2026-01-01 --to 2026-01-31"
    found = dict(steps(graph, line))
    assert found == {
        "forecast.history": "--lake L --from 2026-01-01 --to 2026-01-31",
        "forecast.backtest": "--lake L --day 2026-01-31",
        "maintenance.maintain": "--lake L",
    }


def test_an_ingest_without_files_is_left_out_and_named(graph: Graph) -> None:
    order = parse_order(["+forecast.history", "--lake", "L", "--day", "2026-01-31"])
    found, left_out = steps_of(order, graph, samples="")
    assert [step.job for step in found] == ["forecast.history"]
    of_forecast = ["forecast.ingest", "forecast.ingest_items", "forecast.ingest_stock"]
    assert sorted(left_out) == ["clickstream.ingest", *of_forecast, "fraud.ingest", "fraud.ingest_labels"]


def test_flags_of_one_job_stand_behind_its_name(graph: Graph) -> None:
    shared, own = "--lake L --day 2026-01-31", "--for forecast.ingest --input in --source tills.yaml"
    assert steps(graph, f"forecast.ingest forecast.history {shared} {own}") == [
        ("forecast.ingest", "--lake L --input in --source tills.yaml"),
        ("forecast.history", "--lake L --day 2026-01-31"),
    ]


def test_a_backfill_goes_day_by_day_through_all_jobs(graph: Graph) -> None:
    line = "fraud.features fraud.score --lake L --from 2026-01-30 --to 2026-01-31 --each-day"
    assert [(job, words.split()[-1]) for job, words in steps(graph, line)] == [
        ("fraud.features", "2026-01-30"),
        ("fraud.score", "2026-01-30"),
        ("fraud.features", "2026-01-31"),
        ("fraud.score", "2026-01-31"),
    ]


def test_a_rehearsal_takes_the_flags_that_each_job_declares(graph: Graph) -> None:
    (ingest,) = [words for job, words in steps(graph, "forecast.ingest --rehearsal --lake L")]
    assert ingest == "--source online_retail_uci --input /samples/forecast/online_retail_uci --lake L"


def test_changed_goes_to_the_jobs_that_take_it_and_others_are_left_out_by_name(graph: Graph) -> None:
    order = parse_order(
        ["fraud.features", "fraud.train", "fraud.score", "maintenance.maintain", "--lake", "L", "--changed"]
    )
    found, left_out = steps_of(order, graph, samples="")
    assert [(step.job, " ".join(step.arguments)) for step in found] == [
        ("fraud.features", "--lake L --changed"),
        ("fraud.score", "--lake L --changed"),
        ("maintenance.maintain", "--lake L"),
    ]
    assert left_out == {
        "fraud.train": "models are trained on days that somebody chooses (--for fraud.train --from D --to D)"
    }


def test_days_of_one_job_stand_beside_changed_for_the_others(graph: Graph) -> None:
    line = "fraud.features fraud.train --lake L --changed --for fraud.train --day 2026-01-31"
    assert steps(graph, line) == [
        ("fraud.features", "--lake L --changed"),
        ("fraud.train", "--lake L --day 2026-01-31"),
    ]


def test_all_jobs_that_lead_to_orders_find_their_days_themselves(graph: Graph) -> None:
    line = "+forecast.replenish --lake L --changed"
    jobs = ["forecast.history", "forecast.backtest", "forecast.predict", "forecast.reconcile", "forecast.replenish"]
    assert steps(graph, line) == [(name, "--lake L --changed") for name in jobs]


def test_changed_days_are_not_gone_through_one_by_one(graph: Graph) -> None:
    with pytest.raises(UsageError, match="--each-day goes through days that are given"):
        steps(graph, "fraud.features fraud.score --lake L --changed --each-day")


def test_a_step_keeps_the_records_of_all_its_runs(graph: Graph) -> None:
    def run(job: Job, arguments: list[str], **_: Any) -> int:
        sys.stdout.write(json.dumps([{"run": 1}, {"run": 2}] if "--changed" in arguments else {"run": 3}))
        return 0

    wanted = [Step("fraud.features", ("--changed",)), Step("fraud.score", ("--day", "2026-01-31"))]
    found = run_steps(wanted, graph, as_json=True, run=run)
    assert [one.records for one in found.all] == [[{"run": 1}, {"run": 2}], [{"run": 3}]]


@pytest.mark.parametrize(
    "line",
    [
        "forecast.* --lake L --set horizon=4",
        "forecast.* --lake L --frequency W",
        "forecast.predict --for fraud.score --set reasons=2",
        "--lake L",
    ],
)
def test_a_flag_that_could_be_any_jobs_is_refused(graph: Graph, line: str) -> None:
    with pytest.raises(UsageError, match="PKG-0"):
        steps(graph, line)


def ran(graph: Graph, codes: dict[str, int], *jobs: str) -> tuple[list[str], list[tuple[str, str]], int]:
    """Which jobs ran, what became of each, and the exit code, when ``codes`` say how a job ends."""
    started: list[str] = []

    def run(job: Job, arguments: list[str], **_: Any) -> int:
        started.append(job.name)
        return codes.get(job.name, 0)

    found = run_steps([Step(job, ()) for job in jobs], graph, run=run)
    return started, [(one.step.job, one.status) for one in found.all], found.exit_code


def test_a_failure_stops_what_needs_it_and_nothing_else(graph: Graph) -> None:
    started, ends, code = ran(
        graph, {"forecast.history": 3}, "forecast.history", "forecast.backtest", "forecast.predict", "fraud.score"
    )
    assert started == ["forecast.history", "fraud.score"]
    assert ends == [
        ("forecast.history", "failed"),
        ("forecast.backtest", "left"),
        ("forecast.predict", "left"),
        ("fraud.score", "done"),
    ]
    assert code == 3


def test_a_failed_optional_input_stops_nobody(graph: Graph) -> None:
    started, _, code = ran(graph, {"fraud.ingest_labels": 4}, "fraud.ingest_labels", "forecast.history")
    assert started == ["fraud.ingest_labels", "forecast.history"]
    assert code == 4


def test_a_signal_leaves_all_the_rest(graph: Graph) -> None:
    started, ends, code = ran(graph, {"fraud.score": 130}, "fraud.score", "forecast.history")
    assert started == ["fraud.score"]
    assert ends[1] == ("forecast.history", "left")
    assert code == 130


@pytest.fixture
def fake_runs(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Runs that end as this mapping says, instead of real ones."""
    codes: dict[str, int] = {}
    monkeypatch.setattr(control, "run_steps", lambda steps, graph, **kwargs: run_steps(steps, graph, run=_run(codes)))
    return codes


def _run(codes: dict[str, int]) -> Any:
    return lambda job, arguments, **_: codes.get(job.name, 0)


def test_what_was_left_goes_on_with_retry(
    tmp_path: Path, fake_runs: dict[str, int], capsys: pytest.CaptureFixture[str]
) -> None:
    lake = str(tmp_path / "lake")
    fake_runs["forecast.backtest"] = 5
    line = ["forecast.history", "forecast.backtest", "forecast.predict", "--lake", lake, "--day", "2026-01-31"]
    assert control.run(line) == 5
    said = capsys.readouterr().err
    assert f"2 of 3 runs are left. To go on: lakejobs retry --lake {lake}" in said
    left = json.loads((tmp_path / "lake/runs/_sequences/left.json").read_text())
    assert [one["job"] for one in left] == ["forecast.backtest", "forecast.predict"]

    fake_runs.clear()
    assert control.retry(["--lake", lake]) == 0
    with pytest.raises(InputMissingError, match="PKG-014"):
        control.retry(["--lake", lake])
