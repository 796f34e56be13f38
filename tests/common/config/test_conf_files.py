"""A conf file from outside names families, jobs and parameters of the suite, also those of jobs that do not run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from common.config.resolve import Resolved, resolve
from common.errors import UsageError
from common.job import catalogue

pytestmark = pytest.mark.unit


def sessionise(folder: Path, text: str) -> Resolved:
    """The settings of clickstream.sessionise with a conf file of this text."""
    (folder / "extra.yaml").write_text(text)
    params = catalogue.params_of("clickstream", "sessionise")
    return resolve("clickstream", "sessionise", params, conf_files=[str(folder / "extra.yaml")], suite=catalogue)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("fruad: {score: {alerts_per_day: 3}}", "CFG-002", "'fruad' ({file}:1) is not a family. Did you mean 'fraud'?"),
        # A file of that name lies in conf/, which makes no family of it.
        ("referrers: {search: [a]}", "CFG-002", "'referrers' ({file}:1) is not a family."),
        ("fraud: {scores: {}}", "CFG-002", "'scores' ({file}:1) is not a job of fraud. Did you mean 'score'?"),
        (
            "fraud:\n  score: {alert_per_day: 3}",
            "CFG-002",
            "The parameter 'fraud.score.alert_per_day' ({file}:2) is not known. Did you mean 'alerts_per_day'?",
        ),
        (
            "clickstream: {ingest: {site_host: [a]}}",
            "CFG-002",
            "The parameter 'clickstream.ingest.site_host' ({file}:1) is not known. Did you mean 'site_hosts'?",
        ),
        ("fraud: {score: 3}", "CFG-001", "{file}:1 must hold a mapping."),
    ],
)
def test_an_unknown_name_anywhere_in_a_conf_file_is_refused(tmp_path: Path, text: str, code: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        sessionise(tmp_path, text)
    assert (caught.value.code, caught.value.message) == (code, said.format(file=tmp_path / "extra.yaml"))


def test_known_names_of_other_jobs_and_empty_sections_are_taken(tmp_path: Path) -> None:
    found = sessionise(
        tmp_path,
        "fraud: {score: {alerts_per_day: 3}, train:}\nforecast:\nlake:\nclickstream: {sessionise: {gap_minutes: 9}}\n",
    )
    assert found.params.model_dump()["gap_minutes"] == 9


def test_values_of_another_job_are_judged_where_it_runs(tmp_path: Path) -> None:
    found = sessionise(tmp_path, "fraud: {score: {alerts_per_day: -1}}\n")
    assert found.job_name == "sessionise"


def test_the_parameters_of_every_job_are_known_without_pyspark() -> None:
    ask = (
        "import sys; from common.job.catalogue import families, job_names, params_of\n"
        "for family in families():\n"
        "    for name in job_names(family): params_of(family, name)\n"
        "print('pyspark' in sys.modules)"
    )
    asked = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert asked.stdout.split() == ["False"]
