"""``lakejobs graph --format asl``: a state machine, rehearsed against services that remember what they were sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_states import Execution, StateError

from deploy.cli import main
from deploy.package.entries import find_entries

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ON_EMR = (
    "artifacts: s3://code/lakejobs, lake: s3://shop/prod, env: prod, role_arn: 'arn:aws:iam::111122223333:role/run'"
)
_TARGETS = f"""
serverless: {{kind: emr-serverless, application_id: 00f1abcdefgh, {_ON_EMR}}}
eks: {{kind: emr-eks, virtual_cluster_id: abcdefgh1234, {_ON_EMR}}}
steps: {{kind: emr-step, cluster_id: j-1ABCDEFGHIJKL, {_ON_EMR}}}
cluster:
  {{kind: emr-cluster, service_role: emr, instance_profile: nodes, security_configuration: safe,
    subnets: [subnet-0123456789], max_units: 4, {_ON_EMR}}}
yarn: {{kind: yarn, artifacts: hdfs:///apps, lake: s3a://shop/prod, env: prod}}
"""
_KEY = ["--set", "lake.pseudonym_key=secret://aws/lakejobs/key"]
_FORECASTS = [
    "forecast.history",
    "forecast.backtest",
    "forecast.predict",
    "forecast.reconcile",
    "forecast.replenish",
    "forecast.page",
    "forecast.replay",
]

Export = Callable[..., Any]


@pytest.fixture
def export(built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Export:
    """Exports jobs; the definition, or what was said with another exit code."""

    def run(*selectors: str, target: str = "serverless", flags: Any = (), words: Any = (), code: int = 0) -> Any:
        (tmp_path / "targets.yaml").write_text(_TARGETS)
        files = ["--targets", str(tmp_path / "targets.yaml"), "--manifest", str(built / "dist" / "manifest.json")]
        line = ["graph", *selectors, "--format", "asl", "--target", target, *files, *flags, "--", *_KEY, *words]
        assert main(line) == code
        printed = capsys.readouterr()
        return printed.err if code else json.loads(printed.out)

    return run


class Lake:
    """S3 and a service: keeps records as jobs would, and what was sent. ``fate`` maps a job to exit codes in turn."""

    def __init__(self, fate: dict[str, list[int | str]] | None = None) -> None:
        self.fate = fate or {}
        self.records: dict[str, dict[str, Any]] = {}
        self.sent: list[tuple[str, str]] = []
        self.tokens: list[str] = []

    def get(self, arguments: dict[str, Any]) -> dict[str, Any]:
        assert arguments["Bucket"] == "shop"
        if arguments["Key"] not in self.records:
            raise StateError("S3.NoSuchKeyException")
        return {"Body": json.dumps(self.records[arguments["Key"]])}

    def start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        driver = next(iter(arguments["JobDriver"].values()))
        words = driver["EntryPointArguments"]
        family, file = driver["EntryPoint"].split("/")[-2:]
        job = f"{family}.{file.removesuffix('.py')}"
        run_id, day = words[words.index("--run-id") + 1], words[words.index("--day") + 1] if "--day" in words else ""
        self.sent.append((job, day))
        self.tokens.append(arguments["ClientToken"])
        code = self.fate.get(job, [0]).pop(0) if self.fate.get(job) else 0
        if isinstance(code, str):
            raise StateError(code)
        key = f"prod/runs/{family}/{job.partition('.')[2]}/{run_id}.json"
        attempt = self.records.get(key, {"attempt": 0})["attempt"] + 1
        self.records[key] = {"attempt": attempt, "status": "failed" if code else "done", "exit_code": code}
        if code:
            raise StateError("States.TaskFailed", "the service does not carry the code")
        return {}

    def run(self, definition: Any, given: Any, **more: Any) -> Execution:
        services = {
            "aws-sdk:s3:getObject": self.get,
            "emr-serverless:startJobRun.sync": self.start,
            "emr-containers:startJobRun.sync": self.start,
        }
        execution = Execution(services, **more)
        execution.run(definition, given)
        return execution

    @property
    def jobs(self) -> list[str]:
        return [job for job, _ in self.sent]


_DAY = {"day": "2026-11-20"}


def test_a_days_jobs_run_in_the_order_of_the_graph_under_one_run_id(export: Export) -> None:
    lake = Lake()
    lake.run(export("forecast.*"), _DAY)
    assert lake.sent == [(job, "2026-11-20") for job in _FORECASTS]
    assert next(iter(lake.records)) == "prod/runs/forecast/history/night-2026-11-20.json"


def test_without_a_day_in_the_input_it_is_the_day_before_the_execution(export: Export) -> None:
    lake = Lake()
    lake.run(export("forecast.history"), {}, started="2026-03-01T02:30:00.123Z")
    assert lake.sent == [("forecast.history", "2026-02-28")]


def test_days_that_are_given_stand_in_the_requests(export: Export) -> None:
    lake = Lake()
    lake.run(export("forecast.history", words=["--day", "2026-11-01"]), {})
    assert lake.sent == [("forecast.history", "2026-11-01")]
    assert list(lake.records) == ["prod/runs/forecast/history/night.json"]


@pytest.mark.parametrize("code", [5, 75])
def test_a_job_that_another_try_may_help_is_sent_again_as_another_attempt(export: Export, code: int) -> None:
    lake = Lake({"forecast.history": [code, code, 0]})
    execution = lake.run(export("forecast.history"), _DAY)
    assert lake.jobs == ["forecast.history"] * 3
    assert execution.waited == [300, 600]
    assert len(set(lake.tokens)) == 3


@pytest.mark.parametrize("code", [1, 2, 3, 4, 143])
def test_a_job_that_no_other_try_helps_is_sent_once(export: Export, code: int) -> None:
    lake = Lake({"forecast.history": [code]})
    with pytest.raises(StateError, match=r"Lakejobs\.JobsFailed"):
        lake.run(export("forecast.history"), _DAY)
    assert lake.jobs == ["forecast.history"]


def test_a_job_is_sent_three_times_at_most(export: Export) -> None:
    lake = Lake({"forecast.history": [75, 75, 75, 0]})
    with pytest.raises(StateError, match=r"Lakejobs\.JobsFailed"):
        lake.run(export("forecast.history"), _DAY)
    assert lake.jobs == ["forecast.history"] * 3


def test_a_run_that_left_no_record_is_not_sent_again(export: Export) -> None:
    lake = Lake({"forecast.history": ["States.TaskFailed"]})
    with pytest.raises(StateError, match=r"Lakejobs\.JobsFailed"):
        lake.run(export("forecast.history"), _DAY)
    assert lake.jobs == ["forecast.history"]


def test_a_request_that_was_not_taken_is_sent_again_with_the_same_token(export: Export) -> None:
    lake = Lake({"forecast.history": ["EMRServerless.ThrottlingException", 0]})
    lake.run(export("forecast.history"), _DAY)
    assert len(lake.tokens) == 2
    assert len(set(lake.tokens)) == 1


def test_what_needs_a_failed_job_is_left_and_the_rest_goes_on(export: Export) -> None:
    lake = Lake({"forecast.history": [3]})
    definition = export("forecast.history", "forecast.predict", "clickstream.sessionise", "maintenance.maintain")
    with pytest.raises(StateError) as caught:
        lake.run(definition, _DAY)
    assert sorted(lake.jobs) == ["clickstream.sessionise", "forecast.history", "maintenance.maintain"]
    assert lake.jobs[-1] == "maintenance.maintain"
    assert caught.value.cause.startswith("Failed: forecast.history. Left, as they need them: forecast.predict.")


def test_another_execution_of_the_same_run_does_what_is_left(export: Export) -> None:
    lake = Lake({"forecast.backtest": [1]})
    definition = export("forecast.*")
    with pytest.raises(StateError):
        lake.run(definition, _DAY)
    before = len(lake.sent)
    lake.run(definition, {**_DAY, "run": "night"}, name="by-hand")
    # The forecasts read the backtests, so they were left with them.
    assert lake.jobs[before:] == _FORECASTS[1:]
    assert len(set(lake.tokens)) == len(lake.tokens)


def test_a_redrive_is_a_new_attempt_and_never_the_old_answer(export: Export) -> None:
    tokens = []
    for redrives in (0, 1):
        lake = Lake()
        lake.run(export("forecast.history"), _DAY, redrives=redrives)
        tokens += lake.tokens
    assert tokens[0] != tokens[1]


@pytest.mark.parametrize(("selector", "flags"), [("*", []), ("*", ["--each-day"]), ("fraud.*", [])])
def test_every_selection_runs_through_with_each_job_once(export: Export, selector: str, flags: list[str]) -> None:
    lake = Lake()
    days = {"days": ["2026-11-20"]} if flags else _DAY
    lake.run(export(selector, flags=flags, words=["--for", "fraud.simulate", "--set", "customers=60"]), days)
    expected = {entry.name for entry in find_entries() if selector == "*" or entry.name.startswith("fraud.")}
    # Ingests are given no files here.
    assert set(lake.jobs) == {name for name in expected if ".ingest" not in name}
    assert len(lake.jobs) == len(set(lake.jobs))


def test_families_that_share_no_table_run_side_by_side(export: Export) -> None:
    definition = export("forecast.history", "forecast.predict", "clickstream.sessionise")
    (parallel,) = (state for state in definition["States"].values() if state["Type"] == "Parallel")
    assert [branch["StartAt"] for branch in parallel["Branches"]] == ["clickstream.sessionise", "forecast.history"]


def test_a_backfill_goes_day_by_day_and_ends_with_the_day_that_fails(export: Export) -> None:
    lake = Lake({"forecast.predict": [0, 3]})
    definition = export("forecast.history", "forecast.predict", "maintenance.maintain", flags=["--each-day"])
    days = {"days": ["2026-11-01", "2026-11-02", "2026-11-03"]}
    with pytest.raises(StateError, match=r"Lakejobs\.DaysFailed"):
        lake.run(definition, days)
    first = [(job, day) for day in days["days"][:2] for job in ("forecast.history", "forecast.predict")]
    assert lake.sent == first
    assert definition["States"]["Days"]["MaxConcurrency"] == 1
    lake.run(definition, {**days, "run": "night"}, name="on")
    assert lake.sent[len(first) :] == [
        ("forecast.predict", "2026-11-02"),
        ("forecast.history", "2026-11-03"),
        ("forecast.predict", "2026-11-03"),
        ("maintenance.maintain", ""),
    ]


def test_a_name_of_an_execution_that_is_no_run_id_is_made_into_one(export: Export) -> None:
    lake = Lake()
    lake.run(export("forecast.history"), _DAY, name="night+é@1")
    assert list(lake.records) == ["prod/runs/forecast/history/night---1-2026-11-20.json"]


def test_eks_gets_the_same_graph(export: Export) -> None:
    lake = Lake()
    lake.run(export("forecast.*", target="eks"), _DAY)
    assert lake.jobs == _FORECASTS


def test_a_request_says_all_that_the_plan_says_with_the_names_of_the_integration(export: Export) -> None:
    state = export("forecast.history", flags=["--max-executors", "7"])["States"]["forecast.history run"]
    assert state["Resource"] == "arn:aws:states:::emr-serverless:startJobRun.sync"
    sent = state["Arguments"]
    assert "spark.dynamicAllocation.maxExecutors=7" in sent["JobDriver"]["SparkSubmit"]["SparkSubmitParameters"]
    logs = sent["ConfigurationOverrides"]["MonitoringConfiguration"]
    assert logs["S3MonitoringConfiguration"] == {"LogUri": "s3://code/lakejobs/logs/"}
    assert logs["CloudWatchLoggingConfiguration"]["LogTypes"].keys() == {"SPARK_DRIVER", "SPARK_EXECUTOR"}
    assert sent["Tags"]["lakejobs:job"] == "forecast.history"


def test_a_step_has_no_token_so_only_what_was_surely_not_taken_is_sent_again(export: Export) -> None:
    state = export("forecast.history", target="steps")["States"]["forecast.history run"]
    assert state["Resource"] == "arn:aws:states:::elasticmapreduce:addStep.sync"
    assert state["Arguments"].keys() == {"ClusterId", "ExecutionRoleArn", "Step"}
    assert state["Arguments"]["Step"].keys() == {"Name", "ActionOnFailure", "HadoopJarStep"}
    assert state["Retry"][0]["ErrorEquals"] == ["EMR.ThrottlingException", "EMR.TooManyRequestsException"]


def test_what_step_functions_cannot_do_is_refused(export: Export) -> None:
    assert "TGT-012" in export("forecast.history", target="yarn", code=2)
    assert "TGT-012" in export("forecast.history", target="cluster", code=2)
    assert "CLI-005" in export("forecast.history", words=["--each-day", "--day", "2026-11-20"], code=2)
    assert "CLI-002" in export("forecast.history", flags=["-o", "shell"], code=2)
    assert "CLI-002" in export("forecast.history", flags=["--rest"], code=2)
    assert "CLI-008" in export("forecast.history", flags=["--run-id", "mine"], code=2)
    assert "CLI-005" in export("forecast.history", flags=["--each-day"], words=["--day", "2026-11-20"], code=2)
    assert "CLI-005" in export("maintenance.maintain", flags=["--each-day"], code=2)
    assert "PKG-001" in export("forecast.ingest", code=2)
    assert "CLI-001" in export("forecast.history", flags=["--dya", "x"], code=2)
