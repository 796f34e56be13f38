"""``lakejobs graph --format airflow``: a DAG file. `make airflow` has Airflow itself parse and run such files."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from small_airflow import Dag, FinalError, read_dag

from common.job.graph import Graph
from deploy.cli import main

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ON_EMR = (
    "artifacts: s3://code/lakejobs, lake: s3://shop/prod, env: prod, role_arn: 'arn:aws:iam::111122223333:role/run'"
)
_TARGETS = f"""
serverless: {{kind: emr-serverless, application_id: 00f1abcdefgh, region: eu-west-1, timeout_minutes: 60, {_ON_EMR}}}
eks: {{kind: emr-eks, virtual_cluster_id: abcdefgh1234, max_attempts: 2, {_ON_EMR}}}
steps: {{kind: emr-step, cluster_id: j-1ABCDEFGHIJKL, {_ON_EMR}}}
yarn: {{kind: yarn, artifacts: hdfs:///apps, lake: s3a://shop/prod, env: prod}}
"""
_KEY = ["--set", "lake.pseudonym_key=secret://aws/lakejobs/key"]
_SIMULATED = ["--for", "fraud.simulate", "--set", "customers=60"]

Export = Callable[..., Any]


@pytest.fixture
def export(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    """Exports jobs; the text of the file, or what was said with another exit code."""

    def run(
        *selectors: str,
        target: str = "serverless",
        flags: Sequence[str] = ("--start", "2026-11-01"),
        words: Sequence[str] = (),
        code: int = 0,
    ) -> str:
        (tmp_path / "targets.yaml").write_text(_TARGETS)
        files = ["--targets", str(tmp_path / "targets.yaml"), "--manifest", str(built / "dist" / "manifest.json")]
        line = ["graph", *selectors, "--format", "airflow", "--target", target, *files, *flags]
        assert main([*line, "--", *_KEY, *words]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


def dag_of(text: str, records: dict[str, str] | None = None) -> Dag:
    return read_dag(text, lambda key, bucket: (records or {})[f"{bucket}/{key}"])


def dag_run(day: str | None = "2026-11-20", conf: dict[str, str] | None = None) -> SimpleNamespace:
    """A run after the night that follows ``day``; without a day it has no interval."""
    start = datetime.fromisoformat(f"{day}T03:00:00+00:00") if day else None
    after = datetime(2026, 11, 21, 3, tzinfo=UTC)
    return SimpleNamespace(conf=conf, data_interval_start=start, run_after=after, run_id="scheduled__1")


def words_of(arguments: dict[str, Any]) -> list[str]:
    words: list[str] = arguments["job_driver"]["sparkSubmit"]["entryPointArguments"]
    return words


@pytest.mark.parametrize("target", ["serverless", "eks", "steps"])
def test_the_dag_waits_as_the_graph_does_and_fails_what_needs_a_failed_job(export: Export, target: str) -> None:
    dag = dag_of(export("*", target=target, words=_SIMULATED))
    graph = Graph.of_suite()
    jobs = [name for name, task in dag.tasks.items() if "job_driver" in task.arguments or "steps" in task.arguments]
    assert set(jobs) == {name for name in graph.nodes if ".ingest" not in name}

    def reached(name: str, *, by_failures: bool) -> set[str]:
        before = dag.tasks[name].before if not by_failures or dag.tasks[name].rule == "all_success" else set()
        return before | {far for near in before for far in reached(near, by_failures=by_failures)}

    for name in jobs:
        leading = set(graph.leading_to(name, with_feeders=True)) - {name}
        if graph.nodes[name].job.maintains_all:
            leading = set(jobs) - {name}
        assert reached(name, by_failures=False) & set(jobs) == leading & set(jobs)
        assert reached(name, by_failures=True) & set(jobs) == {one for one in jobs if name in graph.needing(one)}
    # A failed job fails the run, although a job that only waited for it went well.
    assert dag.tasks["done"].before == set(jobs)
    assert dag.tasks["done"].rule == "all_success"


def test_the_file_imports_airflow_and_nothing_of_the_suite(export: Export) -> None:
    nodes = ast.walk(ast.parse(export("forecast.*")))
    modules = {one.module for one in nodes if isinstance(one, ast.ImportFrom)}
    assert {str(name).partition(".")[0] for name in modules} == {"airflow", "datetime"}


def test_a_run_is_for_the_day_of_its_interval_of_its_conf_or_the_one_before_it(export: Export) -> None:
    dag = dag_of(export("forecast.history"))
    days = []
    for run in (dag_run("2026-11-19"), dag_run("2026-11-19", {"day": "2026-11-02"}), dag_run(None)):
        words = words_of(dag.filled("forecast.history", dag_run=run))
        days.append(words[words.index("--day") + 1])
    assert days == ["2026-11-19", "2026-11-02", "2026-11-20"]
    with pytest.raises(ValueError, match="Invalid isoformat"):
        dag.filled("forecast.history", dag_run=dag_run(conf={"day": "yesterday; rm"}))


def test_the_work_has_one_run_id_and_each_try_a_token_of_its_own(export: Export) -> None:
    dag = dag_of(export("forecast.history", flags=["--name", "night"]))

    def filled(try_number: int, conf: dict[str, str] | None = None) -> dict[str, Any]:
        ti = SimpleNamespace(task_id="forecast.history", try_number=try_number)
        return dag.filled("forecast.history", dag_run=dag_run(conf=conf), ti=ti)

    first, again = filled(1), filled(2)
    for one in (first, again):
        words = words_of(one)
        assert words[words.index("--run-id") + 1] == "night-2026-11-20"
        assert one["config"]["tags"]["lakejobs:run-id"] == "night-2026-11-20"
    assert [one["config"]["tags"]["lakejobs:attempt"] for one in (first, again)] == ["1", "2"]
    assert len(first["client_request_token"]) == 64
    assert first["client_request_token"] == filled(1)["client_request_token"] != again["client_request_token"]
    assert filled(1, {"run": "by hand"})["config"]["tags"]["lakejobs:run-id"] == "by-hand-2026-11-20"


def test_all_that_the_plan_says_stands_in_the_arguments(export: Export) -> None:
    dag = dag_of(export("forecast.history", flags=["--max-executors", "7", "--start", "2026-11-01"]))
    given = dag.filled("forecast.history", dag_run=dag_run())
    assert "spark.dynamicAllocation.maxExecutors=7" in given["job_driver"]["sparkSubmit"]["sparkSubmitParameters"]
    logs = given["configuration_overrides"]["monitoringConfiguration"]
    assert logs["s3MonitoringConfiguration"] == {"logUri": "s3://code/lakejobs/logs/"}
    assert given["config"].keys() == {"mode", "executionTimeoutMinutes", "tags"}
    assert given["name"] == "forecast.history-2026-11-20"
    assert (given["deferrable"], given["region_name"], given["retries"]) == (True, "eu-west-1", 2)
    # An hour for the run, more than six for the queue before it.
    assert given["waiter_delay"] * given["waiter_max_attempts"] >= 7 * 60 * 60
    assert dag.arguments["schedule"] == ("0 3 * * *", "UTC")
    assert dag.arguments["start_date"] == datetime(2026, 11, 1, tzinfo=UTC)
    assert (dag.arguments["catchup"], dag.arguments["max_active_runs"]) == (True, 1)


def test_eks_and_steps_have_arguments_of_their_own(export: Export) -> None:
    eks = dag_of(export("forecast.history", target="eks")).filled("forecast.history", dag_run=dag_run())
    assert (eks["virtual_cluster_id"], eks["job_retry_max_attempts"]) == ("abcdefgh1234", 2)
    assert eks["tags"]["lakejobs:run-id"] == "lakejobs-eks-2026-11-20"
    step = dag_of(export("forecast.history", target="steps")).filled("forecast.history", dag_run=dag_run())
    assert (step["job_flow_id"], step["execution_role_arn"]) == (
        "j-1ABCDEFGHIJKL",
        "arn:aws:iam::111122223333:role/run",
    )
    assert step["steps"][0]["StepMonitoringConfiguration"]["S3MonitoringConfiguration"] == {
        "LogUri": "s3://code/lakejobs/logs/"
    }
    # The operator's own patience ends after half an hour.
    assert step["waiter_delay"] * step["waiter_max_attempts"] == 7 * 24 * 60 * 60


@pytest.mark.parametrize("target", ["serverless", "eks"])
@pytest.mark.parametrize(
    "odd",
    ["secret://aws/{{ds}}", "secret://aws/{%x%}", "secret://aws/{#c", "secret://aws/é'\"\\n{", "secret://aws/key.json"],
)
def test_what_looks_like_a_template_reaches_the_job_as_it_is(export: Export, target: str, odd: str) -> None:
    words = ["--set", f"lake.pseudonym_key={odd}"]
    dag = dag_of(export("forecast.history", target=target, words=words))
    (driver,) = dag.filled("forecast.history", dag_run=dag_run())["job_driver"].values()
    assert f"lake.pseudonym_key={odd}" in driver["entryPointArguments"]


def test_an_argument_of_a_step_that_ends_in_json_is_no_template(export: Export) -> None:
    words = ["--set", "lake.pseudonym_key=secret://aws/key.json"]
    step = dag_of(export("forecast.history", target="steps", words=words)).filled("forecast.history", dag_run=dag_run())
    assert "lake.pseudonym_key=secret://aws/key.json" in step["steps"][0]["HadoopJarStep"]["Args"]


@pytest.mark.parametrize("way", ["execute", "resume_execution"])
@pytest.mark.parametrize(
    ("record", "is_final"),
    [
        ({"status": "failed", "exit_code": 3}, True),
        ({"status": "failed", "exit_code": 1}, True),
        ({"status": "failed", "exit_code": 5}, False),
        ({"status": "failed", "exit_code": 75}, False),
        ({"status": "stopped", "exit_code": 143}, False),
        ({"status": "running", "exit_code": None}, False),
        (None, False),
    ],
)
def test_the_run_record_decides_whether_a_failure_is_tried_again(
    export: Export, way: str, record: dict[str, Any] | None, is_final: bool
) -> None:
    place = "shop/prod/runs/forecast/history/lakejobs-serverless-2026-11-20.json"
    dag = dag_of(export("forecast.history"), {place: json.dumps(record)} if record else {})
    task = dag.tasks["forecast.history"]

    def fail() -> None:
        raise RuntimeError("the service does not carry the code")

    task.ending = fail
    words = [{"dag_run": dag_run()}] if way == "execute" else ["execute_complete", {}, {"dag_run": dag_run()}]
    with pytest.raises(FinalError if is_final else RuntimeError):
        getattr(task, way)(*words)


def test_days_that_are_given_have_no_schedule(export: Export) -> None:
    dag = dag_of(export("forecast.history", flags=(), words=["--day", "2026-11-01"]))
    assert (dag.arguments["schedule"], dag.arguments["catchup"]) == (None, False)
    words = words_of(dag.filled("forecast.history", dag_run=dag_run()))
    assert words[words.index("--day") + 1] == "2026-11-01"


def test_what_airflow_cannot_do_is_refused(export: Export) -> None:
    assert "TGT-012" in export("forecast.history", target="yarn", code=2)
    assert "CLI-002" in export("forecast.history", flags=["--each-day"], code=2)
    assert "CLI-002" in export("forecast.history", flags=["--schedule", "daily"], code=2)
    assert "CLI-002" in export("forecast.history", flags=["--name", "a b"], code=2)
    assert "CLI-003" in export("forecast.history", flags=["--start", "yesterday"], code=2)
    assert "CLI-005" in export("forecast.history", words=["--day", "2026-11-01"], code=2)
    assert "CLI-008" in export("forecast.history", flags=["--run-id", "mine"], code=2)
