"""The line of metrics that a run ends with, held to the rules of CloudWatch's embedded metric format."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.run.console.metrics import metric_line, print_metrics

pytestmark = pytest.mark.unit


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
        "spark_version": "3.5.6-amzn-2",
        "seconds": 12.5,
        "ended_at": "2026-11-21T03:30:00Z",
        "days": {"first": "2026-11-20", "last": "2026-11-20"},
        "counts": {**counts, "alerts": 3},
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
        "seconds": 12.5,
        "failed": 0,
        "audits_passed": 1,
        "audits_failed": 1,
        "freshness_hours": 3.5,  # the day ended at midnight
    }
    assert directive["Dimensions"] == [["Job", "Env"]]
    assert (line["Job"], line["Env"], line["run_id"], line["attempt"]) == ("fraud.score", "prod", "night-1", 2)
    assert line["_aws"]["Timestamp"] == 1_795_231_800_000


def test_the_line_is_within_the_limits_of_the_format() -> None:
    text = metric_line(record(days=None, exit_code=3, status="failed"))
    line = json.loads(text)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert "\n" not in text
    assert len(directive["Metrics"]) <= 100
    units = {"Count", "Seconds", "None"}
    assert {metric["Unit"] for metric in directive["Metrics"]} <= units
    assert all(isinstance(line[metric["Name"]], int | float) for metric in directive["Metrics"])
    assert all(isinstance(line[name], str) for name in directive["Dimensions"][0])
    assert (line["failed"], "freshness_hours" in line) == (1, False)


@pytest.mark.parametrize(
    ("wanted", "spark_version", "is_printed"),
    [
        ("auto", "3.5.6-amzn-2", True),
        ("auto", "4.1.1", False),
        ("auto", None, False),
        ("on", None, True),
        ("off", "3.5.6-amzn-2", False),
    ],
)
def test_it_is_printed_where_spark_is_that_of_emr_or_when_it_is_asked_for(
    wanted: str, spark_version: str | None, is_printed: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    print_metrics(record(spark_version=spark_version), wanted)
    printed = capsys.readouterr().out
    assert printed == (metric_line(record(spark_version=spark_version)) + "\n" if is_printed else "")
