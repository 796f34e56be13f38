"""Dashboards and alarms ask for metrics that runs send, and the runbook has a line for each alarm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.job.graph import Graph
from common.run.console.metrics import metric_line
from deploy.templates.command import template

pytestmark = pytest.mark.unit

RUNBOOK = Path(__file__).resolve().parents[3] / "docs" / "runbook.md"
# Of application-level metrics of EMR Serverless, from its user guide.
SERVERLESS = {
    *("CPUAllocated", "MaxCPUAllowed", "MemoryAllocated", "RunningWorkerCount", "IdleWorkerCount"),
    *("PendingCreationWorkerCount", "PendingJobs", "RunningJobs", "FailedJobs"),
}
BOTH = {"ApplicationId", "ApplicationName"}


class _Reader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, of which only the operand is kept."""


def _operand(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return loader.construct_sequence(node, deep=True)


yaml.add_multi_constructor("!", _operand, Loader=_Reader)


def resources(name: str) -> dict[str, dict[str, Any]]:
    """The resources of a template; of a loop those of one turn, named by what stands behind the job."""
    found: dict[str, Any] = {}
    for key, body in yaml.load(template(name), Loader=_Reader)["Resources"].items():
        loop = {one.removeprefix("&{Job}"): inner for one, inner in body[2].items()} if "::" in key else {key: body}
        found |= loop
    return found


def sent() -> set[str]:
    """The metrics of a run over a day."""
    record = {
        "job": "a.b",
        "env": "prod",
        "run_id": "1",
        "attempt": 1,
        "status": "done",
        "code_version": "1",
        "seconds": 1,
        "exit_code": 0,
        "error": None,
        "counts": {},
        "quality": [],
        "outputs": [],
        "ended_at": datetime(2026, 11, 21, tzinfo=UTC).isoformat(),
        "days": {"first": "2026-11-20", "last": "2026-11-20"},
    }
    (directive,) = json.loads(metric_line(record))["_aws"]["CloudWatchMetrics"]
    return {metric["Name"] for metric in directive["Metrics"]}


def asked(found: Any) -> Iterator[tuple[str, str, set[str]]]:
    """Namespace, metric and dimensions of everything in an alarm that names a metric."""
    if isinstance(found, dict):
        if "MetricName" in found:
            yield found["Namespace"], found["MetricName"], {one["Name"] for one in found["Dimensions"]}
        for one in found.values():
            yield from asked(one)
    elif isinstance(found, list):
        for one in found:
            yield from asked(one)


def of_widget(row: list[Any]) -> tuple[str, str, set[str]]:
    """The same of a row of metrics in a widget of CloudWatch."""
    if isinstance(row[0], dict):
        found = re.fullmatch(
            r"""SEARCH\('\{lakejobs,Job,Env\} MetricName="(\w+)" Env="\$\{Env\}"', '(Sum|Maximum)', 3600\)""",
            row[0]["expression"],
        )
        assert found is not None, row
        return "lakejobs", found[1], {"Job", "Env"}
    return row[0], row[1], set(row[2::2])


def cloudwatch_panels() -> dict[str, list[tuple[str, str, set[str]]]]:
    """Title -> what its queries ask for, of both dashboards of CloudWatch."""
    bodies = [one["Properties"]["DashboardBody"] for one in resources("watch").values() if "Dashboard" in one["Type"]]
    widgets = [widget["properties"] for body in bodies for widget in json.loads(body)["widgets"]]
    return {widget["title"]: [of_widget(row) for row in widget["metrics"]] for widget in widgets}


def grafana_panels() -> dict[str, list[tuple[str, str, set[str]]]]:
    """The same of the dashboard for Grafana."""
    return {
        panel["title"]: [(one["namespace"], one["metricName"], set(one["dimensions"])) for one in panel["targets"]]
        for panel in json.loads(template("grafana"))["panels"]
        if panel["type"] != "row"
    }


def is_sent(namespace: str, metric: str, dimensions: set[str]) -> bool:
    """Whether such a metric is there with exactly these dimensions."""
    if namespace == "lakejobs":
        return metric in sent() and dimensions == {"Job", "Env"}
    if namespace == "AWS/EMRServerless":
        return metric in SERVERLESS and dimensions == BOTH
    return (namespace, dimensions) == ("AWS/Logs", {"LogGroupName"}) and metric.startswith("EMF")


def test_every_panel_of_both_dashboards_asks_for_metrics_that_are_sent() -> None:
    panels = cloudwatch_panels()
    assert len(panels) == 12
    assert [one for queries in panels.values() for one in queries if not is_sent(*one)] == []
    assert grafana_panels() == panels


def test_every_alarm_asks_for_metrics_that_are_sent() -> None:
    alarms = {name: body for name, body in resources("watch").items() if body["Type"] == "AWS::CloudWatch::Alarm"}
    assert set(alarms) == {"Failed", "Silent", "Stale", "Rows", "Slow", "Rejected", "WorkersWait", "MetricLinesLost"}
    questions = {name: list(asked(body["Properties"])) for name, body in alarms.items()}
    assert all(questions.values())
    assert [one for each in questions.values() for one in each if not is_sent(*one)] == []


def test_an_alarm_of_silence_rings_when_nothing_is_sent_and_no_other_does() -> None:
    alarms = {name: body["Properties"] for name, body in resources("watch").items() if "Alarm" in body["Type"]}
    ringing = [name for name, alarm in alarms.items() if alarm["TreatMissingData"] == "breaching"]
    assert ringing == ["Silent"]
    seconds = [one["MetricStat"]["Period"] for one in alarms["Silent"]["Metrics"] if "MetricStat" in one]
    assert seconds == [86_400, 86_400]


def test_a_band_is_the_threshold_of_its_own_metric() -> None:
    for name in ("Rows", "Slow"):
        alarm = resources("watch")[name]["Properties"]
        metric, band = alarm["Metrics"]
        assert alarm["ThresholdMetricId"] == band["Id"]
        assert band["Expression"].startswith(f"ANOMALY_DETECTION_BAND({metric['Id']}, ")


def test_the_jobs_that_are_watched_are_jobs_of_the_suite() -> None:
    jobs = yaml.load(template("watch"), Loader=_Reader)["Parameters"]["Jobs"]["Default"].split(",")
    assert set(jobs) <= set(Graph.of_suite().nodes)


def test_grafana_fills_every_variable_that_a_panel_names() -> None:
    board = json.loads(template("grafana"))
    variables = {one["name"] for one in board["templating"]["list"]}
    named = set(re.findall(r"\$\{?([a-z_]+)\b", json.dumps(board)))
    assert named - {"__all"} == variables
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_the_runbook_has_a_line_for_each_alarm_and_no_other() -> None:
    text = RUNBOOK.read_text(encoding="utf-8")
    section = text[text.index("## By alarm") : text.index("## After the night")]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    kinds = {"AWS::CloudWatch::Alarm", "AWS::Events::Rule"}
    alarms = {key for name in ("logs", "watch") for key, body in resources(name).items() if body["Type"] in kinds}
    assert sorted(word for row in rows for word in re.findall(r"`(\w+)`", row)) == sorted(alarms)
