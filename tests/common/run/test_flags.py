"""The command line, and what it says of mistakes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from common.days import DayRange
from common.errors import UsageError
from common.job.declaration import Job
from common.run.flags import parse_flags, wants_json

pytestmark = pytest.mark.unit


@pytest.fixture
def job(toy: Any) -> Job:
    return toy.job


def refused(job: Job, *arguments: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        parse_flags(job, arguments)
    return caught.value


def test_days_are_one_day_or_an_inclusive_range(job: Job) -> None:
    assert parse_flags(job, ["--day", "2026-11-20"]).days == DayRange.single(date(2026, 11, 20))
    both = parse_flags(job, ["--from", "2026-11-01", "--to", "2026-11-20"]).days
    assert both == DayRange(date(2026, 11, 1), date(2026, 11, 20))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "CLI-005"),
        (["--from", "2026-11-01"], "CLI-005"),
        (["--to", "2026-11-01"], "CLI-005"),
        (["--day", "2026-11-01", "--to", "2026-11-02"], "CLI-005"),
        (["--day", "20.11.2026"], "CLI-003"),
        (["--from", "2026-11-02", "--to", "2026-11-01"], "CLI-004"),
        (["--day"], "CLI-002"),
        (["--day", "2026-11-01", "-o", "xml"], "CLI-002"),
        (["--day", "2026-11-01", "--env"], "CLI-002"),
        (["--day", "2026-11-01", "surplus"], "CLI-001"),
        (["--day", "2026-11-01", "--input", "x"], "CLI-007"),
        (["--day", "2026-11-01", "--run-id", "a/b"], "CLI-008"),
        (["--day", "2026-11-01", "--attempt", "0"], "CLI-008"),
        (["--day", "2026-11-01", "--attempt", "x"], "CLI-008"),
    ],
)
def test_a_wrong_command_line_is_refused_with_a_code_and_exit_2(job: Job, arguments: list[str], code: str) -> None:
    error = refused(job, *arguments)
    assert (error.code, error.exit_code) == (code, 2)
    assert error.remedy


@pytest.mark.parametrize(("typed", "meant"), [("--dya", "--day"), ("--conf_file", "--conf-file"), ("--plam", "--plan")])
def test_a_mistyped_flag_is_answered_with_the_near_one(job: Job, typed: str, meant: str) -> None:
    error = refused(job, "--day", "2026-11-01", typed)
    assert (error.code, f"Did you mean '{meant}'?" in error.message) == ("CLI-001", True)


def test_flags_are_never_abbreviated(job: Job) -> None:
    assert refused(job, "--da", "2026-11-01").code == "CLI-001"


def test_a_job_without_days_refuses_them_and_needs_none(job: Job) -> None:
    plain = Job(**{**vars(job), "by_day": False})
    assert parse_flags(plain, []).days is None
    assert refused(plain, "--day", "2026-11-01").code == "CLI-006"


def test_changed_stands_for_the_days(job: Job) -> None:
    following = Job(**{**vars(job), "reads": ("toy:IN",)})
    flags = parse_flags(following, ["--changed", "--plan", "--env", "prod"])
    assert (flags.changed, flags.days, flags.rest) == (True, None, ("--changed", "--env", "prod"))
    assert refused(following, "--changed", "--day", "2026-11-01").cause == (
        "The command line has --changed together with other days."
    )
    assert "or --changed" in refused(following).remedy


def test_a_job_whose_days_people_choose_says_so_when_asked_for_changed_ones(job: Job) -> None:
    chosen = Job(**{**vars(job), "reads": ("toy:IN",), "days_are_chosen": "somebody chooses them"})
    error = refused(chosen, "--changed")
    assert (error.code, error.message) == ("CLI-009", "toy.run takes no --changed: somebody chooses them.")
    assert refused(job, "--changed").message == "toy.run takes no --changed: it reads no table."
    ingest = Job(**{**vars(chosen), "ingests": True})
    assert "it takes in files" in refused(ingest, "--changed", "--input", "x", "--source", "y").message
    assert refused(Job(**{**vars(job), "by_day": False}), "--changed").code == "CLI-006"


def test_an_ingest_needs_input_and_source(job: Job) -> None:
    ingest = Job(**{**vars(job), "ingests": True, "by_day": False})
    assert "--input" in refused(ingest, "--source", "web").message
    assert "--source" in refused(ingest, "--input", "x").message
    flags = parse_flags(ingest, ["--input", "x", "--source", "web"])
    assert (flags.input, flags.source) == ("x", "web")


def test_repeated_settings_keep_their_order(job: Job) -> None:
    flags = parse_flags(job, ["--day", "2026-11-01", "--set", "a=1", "--set", "b=2", "--conf-file", "x"])
    assert (flags.sets, flags.conf_files) == (("a=1", "b=2"), ("x",))


def test_help_needs_no_days(job: Job) -> None:
    assert parse_flags(job, ["--help"]).help
    assert parse_flags(job, ["--version", "--input", "x"]).version


@pytest.mark.parametrize("way", [["-o", "json"], ["-ojson"], ["--output", "json"], ["--output=json"]])
def test_json_is_recognised_in_a_line_that_cannot_be_parsed_and_left_out_of_the_command(
    job: Job, way: list[str]
) -> None:
    assert wants_json(["--nonsense", *way])
    flags = parse_flags(job, ["--day", "2026-11-01", "--plan", *way, "--env", "prod"])
    assert flags.output == "json"
    assert flags.rest == ("--day", "2026-11-01", "--env", "prod")


def test_a_job_is_declared_with_a_family_and_references_of_two_parts(job: Job) -> None:
    with pytest.raises(ValueError, match="<family>"):
        Job(**{**vars(job), "name": "ingest"})
    with pytest.raises(ValueError, match="module:attribute"):
        Job(**{**vars(job), "body": "jobs.x.run"})
