"""The line of metrics that a run ends with, held to the rules of CloudWatch's embedded metric format."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from common.errors import UsageError
from common.run.console.metrics import metric_line, print_metrics
from common.run.context import RunContext

pytestmark = pytest.mark.unit


def written(table: str, rows: int, size: int) -> dict[str, Any]:
    """A write as the record has it."""
    return {"table": table, "rows_written": rows, "rows_updated": 0, "rows_deleted": 2, "bytes_written": size}


def record(**more: Any) -> dict[str, Any]:
    """What the record of a run over one day says, as far as the line needs it."""
    counts = {"rows_read": 7, "rows_written": 5, "rows_quarantined": 1, "rows_deduplicated": 1, "rows_filtered": 0}
    return {
        "job": "fraud.score",
        "env": "prod",
        "run_id": "night-1",
        "attempt": 2,
        "status": "done",
        "exit_code": 0,
        "code_version": "0.1.0+abc",
        "seconds": 12.5,
        "ended_at": "2026-11-21T03:30:00Z",
        "days": {"first": "2026-11-20", "last": "2026-11-20"},
        "counts": {**counts, "alerts": 3},
        "error": None,
        "outputs": [written("fraud.scores", 4, 1_000), written("fraud.scores", 1, 200), written("fraud.alerts", 3, 50)],
        "quality": [{"passed": True}, {"passed": False}],
        **more,
    }


def test_rows_seconds_audits_and_the_age_of_the_last_day_are_metrics_of_job_and_environment() -> None:
    line = json.loads(metric_line(record()))
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert {name: line[name] for name in names} == {
        "rows_read": 7,
        "rows_written": 5,
        "rows_quarantined": 1,
        "rows_deduplicated": 1,
        "rows_filtered": 0,
        "bytes_written": 1_250,
        "seconds": 12.5,
        "failed": 0,
        "audits_passed": 1,
        "audits_failed": 1,
        "freshness_hours": 3.5,  # the day ended at midnight
    }
    assert directive["Dimensions"] == [["Job", "Env"]]
    assert (line["Job"], line["Env"], line["run_id"], line["attempt"]) == ("fraud.score", "prod", "night-1", 2)
    assert line["_aws"]["Timestamp"] == 1_795_231_800_000


def test_rows_and_bytes_of_each_table_are_in_the_line_and_no_metrics() -> None:
    line = json.loads(metric_line(record()))
    assert line["tables"] == {
        "fraud.scores": {"rows_written": 5, "rows_updated": 0, "rows_deleted": 4, "bytes_written": 1_200},
        "fraud.alerts": {"rows_written": 3, "rows_updated": 0, "rows_deleted": 2, "bytes_written": 50},
    }
    assert "tables" not in [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]


def test_the_line_is_within_the_limits_of_the_format() -> None:
    text = metric_line(record(days=None, exit_code=3, status="failed", error={"code": "QLT-001"}))
    line = json.loads(text)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert "\n" not in text
    assert len(directive["Metrics"]) <= 100
    units = {"Count", "Seconds", "Bytes", "None"}
    assert {metric["Unit"] for metric in directive["Metrics"]} <= units
    assert all(isinstance(line[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert all(isinstance(line[name], str) for name in directive["Dimensions"][0])
    assert (line["failed"], line["error_code"], "freshness_hours" in line) == (1, "QLT-001", False)


@pytest.fixture(autouse=True)
def no_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EMR_RELEASE_LABEL", "EMR_RELEASE", "SPARK_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pyspark.__version__", "4.1.1")


@pytest.mark.parametrize(
    ("wanted", "surroundings", "is_printed"),
    [
        ("auto", {"EMR_RELEASE_LABEL": "emr-spark-8.1.0"}, True),
        ("auto", {"pyspark": "3.5.6+amzn.2"}, True),
        ("auto", {"RELEASE": "Spark 3.5.6-amzn-2 built for Hadoop 3.4.2-amzn-0"}, True),
        ("auto", {"RELEASE": "Spark 4.1.1 built for Hadoop 3.4.2"}, False),
        ("auto", {}, False),
        ("on", {}, True),
        ("off", {"EMR_RELEASE_LABEL": "emr-spark-8.1.0"}, False),
    ],
)
def test_it_is_printed_where_the_platform_is_emr_or_when_it_is_asked_for(
    wanted: str,
    surroundings: dict[str, str],
    is_printed: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in surroundings.items():
        if name == "pyspark":
            monkeypatch.setattr("pyspark.__version__", value)
        elif name == "RELEASE":
            (tmp_path / name).write_text(f"{value}\nBuild flags: -Pyarn\n")
            monkeypatch.setenv("SPARK_HOME", str(tmp_path))
        else:
            monkeypatch.setenv(name, value)
    print_metrics(record(), wanted)
    assert capsys.readouterr().out == (metric_line(record()) + "\n" if is_printed else "")


@pytest.mark.parametrize(("version", "is_printed"), [("3.5.6+amzn.2", True), ("4.1.1", False)])
def test_a_pyspark_that_is_not_loaded_tells_its_version_out_of_its_zip(
    version: str, is_printed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with ZipFile(tmp_path / "pyspark.zip", "w") as archive:
        archive.writestr("pyspark/__init__.py", "raise ImportError('dear to load')")
        archive.writestr("pyspark/version.py", f'__version__: str = "{version}"')
    monkeypatch.delitem(sys.modules, "pyspark")
    monkeypatch.syspath_prepend(tmp_path / "pyspark.zip")
    print_metrics(record(), "auto")
    assert bool(capsys.readouterr().out) == is_printed


def body(context: RunContext) -> None:
    raise AssertionError("nothing is to be run")


@pytest.mark.parametrize(
    ("flags", "env", "code"),
    [
        (("--env", "prod", "--dya", "2026-11-20"), "prod", "CLI-001"),
        (("--env", "prod", "--env=dev", "--day", "20.11."), "dev", "CLI-003"),
        (("--env", "dev", "--day", "2026-11-20", "--set", "gap_minutes=0"), "dev", "CFG-003"),
        (("--day", "2026-11-20", "--source", "toy.yaml"), "local", "CLI-007"),
        (("--env=", "--day", "2026-11-20"), "none", "CFG-004"),
    ],
)
def test_on_emr_a_run_that_is_refused_before_it_has_a_record_counts_as_failed(
    toy: Any, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], env: str, code: str
) -> None:
    monkeypatch.setenv("EMR_RELEASE_LABEL", "emr-7.13.0")
    assert toy.run(body, *flags, by_day=True) == 2
    line = json.loads(toy.out)
    assert (line["Job"], line["Env"], line["failed"], line["error_code"]) == ("toy.run", env, 1, code)
    assert [metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]] == ["failed"]


def test_a_refused_plan_and_a_refused_run_for_a_program_print_no_metrics(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMR_RELEASE_LABEL", "emr-7.13.0")
    toy.run(body, "--plan", "--dya", "1")
    assert toy.out == ""
    toy.run(body, "-o", "json", "--dya", "1")
    assert json.loads(toy.out)["error"]["code"] == "CLI-001"


def test_a_run_whose_session_did_not_open_is_counted(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(context: RunContext) -> None:
        raise UsageError("SES-002", "Delta is not on the class path.", remedy="Add its jars.")

    monkeypatch.setenv("EMR_RELEASE_LABEL", "emr-7.13.0")
    assert toy.run(failing) == 2
    line = json.loads(toy.out.splitlines()[-1])
    assert (line["failed"], line["error_code"], line["rows_read"], line["tables"]) == (1, "SES-002", 0, {})
