"""The job that docs/architecture.md shows works as it stands there: its blocks are written to a folder and run."""

from __future__ import annotations

import importlib
import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from audited import passed
from pyspark.sql import SparkSession

import jobs.clickstream
from common.days import DayRange
from common.lake.lake import Lake
from common.quality.expectations import Suite
from common.run.context import Services
from common.run.launch import run_job
from common.spark.few_rows import few_rows
from jobs.clickstream.sessions.tables import SESSIONS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows")]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
DAY = date(2015, 5, 20)
# The paragraph before a block begins with the path of its file.
BLOCK = re.compile(r"^`([\w./]+)`[^\n]*(?:\n[^\n`][^\n]*)*\n\n```(?:python|yaml)\n(.*?)^```$", re.M | re.S)


def shown_files() -> dict[str, str]:
    """The files of the section, by path."""
    section = PAGE.read_text(encoding="utf-8").partition("## Add a job\n")[2].partition("\n## ")[0]
    return dict(BLOCK.findall(section))


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the files, in which the family finds the new modules."""
    for name, text in shown_files().items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    (tmp_path / "jobs/clickstream/days/__init__.py").touch()
    monkeypatch.setattr(jobs.clickstream, "__path__", [*jobs.clickstream.__path__, str(tmp_path / "jobs/clickstream")])
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("jobs.clickstream.daily", "jobs.clickstream.days")):
            del sys.modules[name]
    for name in ("daily", "days"):
        vars(jobs.clickstream).pop(name, None)


def session(spark: SparkSession, name: str, visitor: str, seconds: float) -> tuple[Any, ...]:
    start = datetime(2015, 5, 20, 10, tzinfo=UTC)
    known = {"session_id": name, "session_date": DAY, "domain_userid": visitor, "duration_s": seconds}
    known |= {"is_bounce": False, "session_rules": "r", "start_hour": 10}
    known |= {field: start for field in SESSIONS.schema.names if field.endswith("_tstamp")}
    counts = ("events", "page_views", "distinct_pages", "conversions")
    known |= dict.fromkeys(counts, 1)
    return tuple(known.get(field) for field in SESSIONS.schema.names)


def test_the_job_of_the_page_runs_on_a_few_sessions_and_its_own_test_passes(
    added: Path, spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [session(spark, *facts) for facts in (("1", "ann", 1800.0), ("2", "ann", 1.0), ("3", "bob", 1799.0))]
    lake.replace_days(passed(SESSIONS, few_rows(spark, rows, SESSIONS.schema)), days=DayRange.single(DAY))
    suite = (added / "conf/expectations/clickstream.daily.yaml").read_text(encoding="utf-8")
    monkeypatch.setattr(Suite, "load", classmethod(lambda cls, name: cls.parse(suite, name)))
    job = importlib.import_module("jobs.clickstream.daily").JOB
    services = Services(session=lambda settings, name: spark)
    code = run_job(job, ["--lake", lake.settings.root, "--day", str(DAY), "-o", "json"], services=services)
    record = json.loads(capsys.readouterr().out)
    assert (code, record["error"]) == (0, None)
    assert [row["success"] for row in record["quality"][0]["results"]] == [True, True]
    table = importlib.import_module("jobs.clickstream.days.steps").DAILY
    assert [tuple(row) for row in lake.read(table).collect()] == [(DAY, 3, 2, 1)]
    assert "of 30 minutes or more" in lake.objects.read(record["report"]).decode()
    found = importlib.util.spec_from_file_location("shown_test", added / "tests/jobs/clickstream/days/test_daily.py")
    assert found is not None
    assert found.loader is not None
    shown = importlib.util.module_from_spec(found)
    found.loader.exec_module(shown)
    shown.test_sessions_and_visitors_are_counted_by_day(spark)


def test_the_page_shows_every_file_that_the_job_needs() -> None:
    assert sorted(shown_files()) == [
        "conf/expectations/clickstream.daily.yaml",
        "jobs/clickstream/daily.py",
        "jobs/clickstream/days/params.py",
        "jobs/clickstream/days/report.py",
        "jobs/clickstream/days/steps.py",
        "tests/jobs/clickstream/days/test_daily.py",
    ]
