"""What ``lakejobs graph`` prints."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from common.job.declaration import Input
from common.job.graph import Graph
from deploy.graph.show import as_mermaid, as_tree, main

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def graph() -> Graph:
    return Graph.of_suite()


def test_a_job_shows_who_writes_what_it_reads_and_what_it_writes(graph: Graph) -> None:
    assert as_tree(graph, ["forecast.replenish"], colour=False).splitlines() == [
        "forecast.replenish",
        "├─ reads  forecast.series (from forecast.history)",
        "├─ reads  forecast.forecasts (from forecast.predict)",
        "├─ reads  forecast.backtests (from forecast.backtest)",
        "├─ reads  forecast.stock (optional, from forecast.ingest_stock)",
        "├─ reads  forecast.reconciled (optional, from forecast.reconcile)",
        "└─ writes forecast.orders",
    ]


def test_no_job_stands_there_without_a_word_of_what_it_does(graph: Graph) -> None:
    assert as_tree(graph, ["fraud.simulate"], colour=False).splitlines() == [
        "fraud.simulate",
        "├─ writes files for fraud.ingest",
        "└─ writes files for fraud.ingest_labels",
    ]
    assert as_tree(graph, ["maintenance.maintain"], colour=False).splitlines() == [
        "maintenance.maintain",
        "└─ works on all tables of the lake",
    ]


def test_families_have_colours_on_a_terminal_only(graph: Graph) -> None:
    plain, coloured = (as_tree(graph, ["fraud.score"], colour=colour).splitlines()[0] for colour in (False, True))
    assert plain == "fraud.score"
    assert coloured.startswith("\x1b[1;")


def test_a_diagram_draws_an_arrow_per_table_between_the_jobs_asked_for(graph: Graph) -> None:
    assert as_mermaid(graph, ["forecast.predict", "forecast.replenish"]).splitlines() == [
        "flowchart LR",
        "  subgraph forecast",
        "    forecast_predict[forecast.predict]",
        "    forecast_replenish[forecast.replenish]",
        "  end",
        "  forecast_predict -->|forecast.forecasts| forecast_replenish",
    ]


def test_a_diagram_draws_a_table_that_no_job_writes(graph: Graph) -> None:
    """No job of the suite reads one."""
    external = (Input("jobs.forecast.tables:KNOWN_OVERRIDES", optional=True, external=True),)
    alone = Graph.of([replace(graph.nodes["forecast.predict"].job, reads=external)])
    assert as_mermaid(alone, ["forecast.predict"]).splitlines()[4:] == [
        "  forecast_overrides[(forecast.overrides)]",
        "  forecast_overrides -.->|forecast.overrides| forecast_predict",
    ]


def test_json_lists_the_jobs_that_lead_to_one_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clickstream.sessionise", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(job["job"], job["after"]) for job in found] == [
        ("clickstream.ingest", []),
        ("clickstream.sessionise", ["clickstream.ingest"]),
    ]


def test_a_job_that_there_is_not_is_refused_with_the_nearest_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["forecast.replenich"]) == 2
    assert "forecast.replenish" in capsys.readouterr().err
