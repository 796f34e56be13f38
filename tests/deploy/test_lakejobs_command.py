import json
import os
import subprocess
import sys

import pytest

from deploy.cli import main
from deploy.package.build import REPOSITORY
from deploy.package.entries import entry_of, find_entries

pytestmark = pytest.mark.unit


def _timed(*arguments):
    """CPU seconds, finished process."""
    before = os.times()
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "deploy.cli", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, finished


def test_help_answers_in_half_a_second_without_pyspark():
    seconds, finished = _timed("--help")
    assert seconds < 0.5
    assert finished.stdout.startswith("lakejobs: ")
    assert "pyspark" not in finished.stderr


def test_the_help_of_a_job_does_not_import_pyspark():
    _, finished = _timed("run", "clickstream.sessionise", "--help")
    assert finished.stdout.startswith("clickstream.sessionise: ")
    assert "pyspark" not in finished.stderr


def test_no_word_at_all_is_answered_with_the_help(capsys):
    assert main([]) == 0
    assert "Usage: lakejobs COMMAND" in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_the_known_ones(capsys):
    assert main(["pakcage"]) == 2
    message = capsys.readouterr().err
    assert "no command 'pakcage'" in message
    assert "run, retry, graph, jobs, package, plan, source, tables, show, quarantine, config" in message


def test_an_unknown_job_is_refused_with_the_nearest_one(capsys):
    assert main(["run", "clickstream.sessionize"]) == 2
    assert "Did you mean 'clickstream.sessionise'?" in capsys.readouterr().err


def test_run_without_a_job_says_where_the_jobs_are_listed(capsys):
    assert main(["run", "--day", "2026-11-20"]) == 2
    assert "`lakejobs jobs` lists the jobs" in capsys.readouterr().err


def test_the_job_gets_the_arguments_as_they_are(capsys):
    assert main(["run", "clickstream.sessionise", "--day", "a day, with  blanks"]) == 2
    assert "a day, with  blanks" in capsys.readouterr().err


def test_the_jobs_are_listed_for_people_and_programs(capsys):
    assert main(["jobs"]) == 0
    people = capsys.readouterr().out
    assert main(["jobs", "-o", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"clickstream.ingest", "clickstream.sessionise"} <= {job["name"] for job in listed}
    assert all(f"{job['name']} " in people and job["summary"] in people and job["summary"] for job in listed)


def test_every_entry_declares_the_name_that_its_place_gives_it():
    entries = find_entries()
    assert entries
    assert [entry.load().name for entry in entries] == [entry.name for entry in entries]
    assert [entry.load().summary for entry in entries] == [entry.summary for entry in entries]


def test_an_entry_is_found_by_its_name():
    assert entry_of("clickstream.ingest").relative_path == "jobs/clickstream/ingest.py"


def test_the_schema_is_printed_and_written(capsys, tmp_path):
    assert main(["config", "schema"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert main(["config", "schema", str(tmp_path / "schema.json")]) == 0
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == printed
    assert "gap_minutes" in printed["properties"]["clickstream"]["properties"]["sessionise"]["properties"]
    assert main(["config", "show"]) == 2


def test_the_package_is_built_by_name(tmp_path, capsys):
    assert main(["package", "--output", str(tmp_path / "dist")]) == 0
    assert capsys.readouterr().out.strip().endswith(".zip")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    assert main(["package", "--output", str(tmp_path / "full")]) == 2
    assert "PKG-004" in capsys.readouterr().err
