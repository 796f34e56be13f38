"""The command that a run proposes: it works as it stands, or says in words what to fill in."""

from __future__ import annotations

import re
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from common.days import DayRange
from common.job.catalogue import families, job_names, load_job
from common.run.record.record import next_command

pytestmark = pytest.mark.unit

JOBS = [(family, name) for family in families() for name in job_names(family)]


def proposed(job: str, first: str, last: str, *, env: str = "local", **given: Any) -> str:
    """What the job proposes after a run over those days; parameters not given have their defaults."""
    declared = load_job(*job.split("."))
    days = DayRange(date.fromisoformat(first), date.fromisoformat(last))
    source = {name: given.pop(name, None) for name in ("source_name", "input_path")}
    params = declared.params(**given)
    return next_command(
        SimpleNamespace(  # type: ignore[arg-type]
            job=declared,
            day_range=days,
            days=days,
            env=env,
            settings=SimpleNamespace(root="lake"),
            params_as=lambda kind: params,
            **source,
        )
    )


@pytest.mark.parametrize(
    ("first", "last", "given", "command"),
    [
        # 21 days: 7 of delay leave 14, of which 4 are for the test: it begins on the 18th, 7 days after the 10th.
        ("2018-08-01", "2018-08-21", {}, "fraud.train --lake lake --from 2018-08-01 --to 2018-08-10"),
        ("2018-08-01", "2018-08-09", {}, "fraud.train --lake lake --day 2018-08-01"),
        (
            "2018-08-01",
            "2018-08-05",
            {"label_delay_days": 2},
            "fraud.train --lake lake --from 2018-08-01 --to 2018-08-02 --set label_delay_days=2",
        ),
        (
            "2018-08-01",
            "2018-08-01",
            {},
            "fraud.score --lake lake --day 2018-08-01 once a model is trained; features of at least 9 days are needed "
            "to train and test one",
        ),
    ],
)
def test_after_features_a_model_is_trained_on_days_that_leave_some_to_test_on(
    first: str, last: str, given: dict[str, Any], command: str
) -> None:
    assert proposed("fraud.features", first, last, **given) == f"lakejobs run {command}"


@pytest.mark.parametrize(
    ("given", "days"),
    [
        ({}, "--from 2018-08-18 --to 2018-08-27"),
        ({"label_delay_days": 0}, "--from 2018-08-12 --to 2018-08-21 --set label_delay_days=1"),
    ],
)
def test_after_training_the_test_begins_when_its_frauds_are_known(given: dict[str, Any], days: str) -> None:
    assert proposed("fraud.train", "2018-08-01", "2018-08-10", **given) == (
        f"lakejobs run fraud.evaluate --lake lake {days}"
    )


@pytest.mark.parametrize(
    ("source", "path", "rest"),
    [
        ("fraud_simulated", "l/landing/transactions/", "--source fraud_simulated_labels --input l/landing/labels"),
        ("fraud_handbook", "my files", "--source fraud_handbook_labels --input 'my files'"),
        ("conf/cards.yaml", "cards", "with --source and --input of the fraud reports"),
    ],
)
def test_after_the_transactions_their_labels_are_taken_in(source: str, path: str, rest: str) -> None:
    command = proposed("fraud.ingest", "2018-08-01", "2018-08-01", source_name=source, input_path=path)
    assert command == f"lakejobs run fraud.ingest_labels --lake lake {rest}"


@pytest.mark.parametrize(
    ("job", "command"),
    [
        ("forecast.history", "lakejobs run forecast.backtest --lake lake --day 2018-08-10"),
        ("fraud.evaluate", "lakejobs run fraud.score --lake lake --day 2018-08-01"),
    ],
)
def test_days_are_those_of_the_run(job: str, command: str) -> None:
    assert proposed(job, "2018-08-01", "2018-08-10") == command


def test_the_environment_is_kept() -> None:
    command = proposed("forecast.history", "2018-08-01", "2018-08-10", env="prod")
    assert command == "lakejobs run forecast.backtest --env prod --lake lake --day 2018-08-10"


@pytest.mark.parametrize(("family", "name"), JOBS)
def test_no_job_proposes_a_placeholder_or_a_job_that_is_not_there(family: str, name: str) -> None:
    command = proposed(f"{family}.{name}", "2018-08-01", "2018-08-21", source_name="x", input_path="y")
    assert not re.search(r"[{}]|\b[A-Z_]{3,}\b", command)
    if command:
        target = command.split()[2]
        assert target.partition(".")[2] in job_names(target.partition(".")[0])
