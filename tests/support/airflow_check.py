"""Airflow itself parses and runs the DAG files of ``lakejobs graph --format airflow``; `make airflow` calls it.

Needs the environment of requirements/airflow.txt. Usage: airflow_check.py FOLDER, as airflow_dags.py has filled it;
``--record FILE`` writes what the operators take instead of comparing it.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
import unittest.mock
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(sys.argv[1]).resolve()
os.environ |= {
    "AIRFLOW_HOME": str(FOLDER / "home"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
}

# Airflow and its tasks log much to both of them.
_TERMINAL = os.dup(1)
with (FOLDER / "airflow.log").open("w") as _log:
    os.dup2(_log.fileno(), 1)
    os.dup2(_log.fileno(), 2)

import yaml  # noqa: E402
from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from airflow.providers.amazon.aws.hooks.emr import EmrServerlessHook  # noqa: E402
from airflow.providers.amazon.aws.hooks.s3 import S3Hook  # noqa: E402
from airflow.providers.amazon.aws.operators import emr as operators  # noqa: E402
from airflow.providers.amazon.aws.triggers.emr import EmrServerlessStartJobTrigger  # noqa: E402
from airflow.sdk import BaseOperator  # noqa: E402
from airflow.triggers.base import TriggerEvent  # noqa: E402
from airflow.utils.db import initdb  # noqa: E402

RECORDED = Path(__file__).parents[1] / "deploy" / "graph" / "airflow_operators.yaml"
_NAMES = ("EmrServerlessStartJobOperator", "EmrContainerOperator", "EmrAddStepsOperator")


def operators_taken() -> dict[str, object]:
    """What the installed provider's operators take, as the file of arguments has it."""
    taken = {}
    for name in _NAMES:
        kind = getattr(operators, name)
        parameters = {
            one
            for parent in kind.__mro__
            if issubclass(parent, BaseOperator)
            for one, shape in inspect.signature(parent.__init__).parameters.items()
            if shape.kind in (shape.KEYWORD_ONLY, shape.POSITIONAL_OR_KEYWORD) and one != "self"
        }
        taken[name] = {"arguments": sorted(parameters), "templates": list(kind.template_fields)}
    return {"provider": version("apache-airflow-providers-amazon"), "operators": taken}


class Service:
    """EMR Serverless and the lake: each job ends as ``fate`` says, in turn, and leaves its record."""

    def __init__(self, fate: dict[str, list[int]]) -> None:
        self.fate, self.sent, self.tokens, self.records = fate, [], [], {}
        self.runs: dict[str, int] = {}

    def get_application(self, **_: str) -> dict[str, object]:
        return {"application": {"state": "STARTED"}}

    def start_job_run(self, **request: object) -> dict[str, object]:
        driver = request["jobDriver"]["sparkSubmit"]
        words = driver["entryPointArguments"]
        family, file = driver["entryPoint"].split("/")[-2:]
        job, run_id = f"{family}.{file.removesuffix('.py')}", words[words.index("--run-id") + 1]
        code = self.fate[job].pop(0) if self.fate.get(job) else 0
        self.sent.append((job, words[words.index("--day") + 1] if "--day" in words else ""))
        self.tokens.append(request["clientToken"])
        assert request["tags"]["lakejobs:run-id"] == run_id
        key = f"prod/runs/{family}/{job.partition('.')[2]}/{run_id}.json"
        self.records[key] = json.dumps({"status": "failed" if code else "done", "exit_code": code})
        self.runs[str(len(self.runs))] = code
        return {"ResponseMetadata": {"HTTPStatusCode": 200}, "jobRunId": str(len(self.runs) - 1)}

    def cancel_job_run(self, **_: str) -> None:
        raise RuntimeError("a run that has ended cannot be cancelled")


def rehearsed(dag, fate: dict[str, list[int]], day: str) -> tuple[Service, str, dict[str, str]]:
    """A run of the DAG for ``day``: what was sent, the run's state, and those of the tasks."""
    service = Service(fate)

    async def run(trigger):
        code = service.runs[trigger.job_id]
        details = {"application_id": trigger.application_id, "job_id": trigger.job_id}
        yield TriggerEvent({"status": "error" if code else "success", "job_details": details})

    for task in dag.tasks:
        task.retry_delay = timedelta(0)
    with (
        unittest.mock.patch.object(EmrServerlessHook, "conn", service),
        unittest.mock.patch.object(EmrServerlessStartJobTrigger, "run", run),
        unittest.mock.patch.object(operators.EmrServerlessStartJobOperator, "persist_links"),
        unittest.mock.patch.object(S3Hook, "read_key", lambda _, key, bucket: service.records[key] if bucket else ""),
    ):
        logical = datetime.fromisoformat(f"{day}T03:00:00+00:00") + timedelta(days=1)
        found = dag.test(logical_date=logical, run_after=logical)
    return service, str(found.state), {one.task_id: str(one.state) for one in found.get_task_instances()}


def say(sentence: str) -> None:
    """A line for the terminal, beside all that Airflow says into airflow.log."""
    os.write(_TERMINAL, f"{sentence}\n".encode())


def main() -> None:
    """All checks; an AssertionError names the first that fails."""
    if "--record" in sys.argv:
        Path(sys.argv[sys.argv.index("--record") + 1]).write_text(yaml.safe_dump(operators_taken(), sort_keys=True))
        return
    assert yaml.safe_load(RECORDED.read_text()) == operators_taken(), "record the operators' arguments again"
    bag = DagBag(FOLDER / "dags")
    assert not bag.import_errors, bag.import_errors
    expected = json.loads((FOLDER / "expected.json").read_text())
    assert bag.dags.keys() == expected.keys()
    for name, jobs in expected.items():
        dag = bag.dags[name]
        assert (dag.max_active_runs, dag.catchup) == (1, True)
        for job, before in jobs.items():
            upstream = dag.task_dict[job].get_flat_relative_ids(upstream=True)
            assert {one for one in upstream if one in jobs} == set(before), job
        say(f"{name}: {len(jobs)} jobs in the order of the graph")
    dag = bag.dags["serverless"]
    service, state, _ = rehearsed(dag, {"forecast.history": [75]}, "2026-11-20")
    assert state.endswith("success"), state
    assert service.sent[:2] == [("forecast.history", "2026-11-20")] * 2
    assert len(set(service.tokens)) == len(service.tokens)
    say("a run with one failure that another try helps: done")
    service, state, states = rehearsed(dag, {"forecast.history": [3, 0]}, "2026-11-21")
    assert state.endswith("failed"), state
    assert [job for job, _ in service.sent] == ["forecast.history", "maintenance.maintain"], service.sent
    assert states["forecast.predict"].endswith("upstream_failed")
    say("a run with one failure that no try helps: what needs it is left, the rest goes on, the run has failed")


if __name__ == "__main__":
    try:
        initdb()
        main()
    except Exception as error:
        say(f"{type(error).__name__}: {error}\nSee {FOLDER / 'airflow.log'}.")
        raise
