import json
import subprocess
from datetime import UTC, date, datetime

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from common.days import DayRange
from common.errors import UsageError
from common.releases import DEFAULT_RELEASE, release_of
from deploy.cli import main
from deploy.package.build import build
from deploy.package.entries import find_entries
from deploy.targets.request_check import check_request
from deploy.targets.submission import Submission, proposed_run_id

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ENVIRONMENT = "environment-default-x86_64-0123456789ab.tar.gz"
_ARTEFACTS = "s3://shop-artefacts/lakejobs"
_PLACES = {
    "emr-step": ["--cluster-id", "j-1ABCDEFGHIJKL"],
    "emr-serverless": ["--application-id", "00f1abcdefgh"],
    "emr-eks": ["--virtual-cluster-id", "abcdefgh1234"],
    "yarn": [],
}
_ROLE = ["--role-arn", "arn:aws:iam::123456789012:role/lakejobs-run"]
_HDFS = "hdfs:///apps/lakejobs"
# The flags of every job that is rendered here begin with it.
_LAKE = ["--lake", "s3://shop-lake/prod"]
_DAY = ["--day", "2026-11-20"]
_OPERATIONS = {
    "emr-step": ("emr", "AddJobFlowSteps"),
    "emr-serverless": ("emr-serverless", "StartJobRun"),
    "emr-eks": ("emr-containers", "StartJobRun"),
}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """A build with a stand-in for the dependency archive."""
    folder = tmp_path_factory.mktemp("build")
    (folder / _ENVIRONMENT).write_bytes(b"")
    return build(folder / "dist", [folder / _ENVIRONMENT])


@pytest.fixture
def plan(dist, capsys):
    """Plans a job; what was printed."""

    def run(target, *arguments, job="clickstream.sessionise", more=(), artefacts="", lake=_LAKE, code=0, output="json"):
        prefix = artefacts or (_HDFS if target == "yarn" else _ARTEFACTS)
        words = ["plan", job, "--target", target, "--artifacts", prefix, "-o", output]
        given = [*_PLACES[target], *([] if target == "yarn" else _ROLE)]
        words += ["--manifest", str(dist.folder / "manifest.json"), *given, *more]
        takes_none = ".ingest" in job or job.endswith((".maintain", ".doctor"))
        has_days = {"--day", "--from"} & {*arguments} or takes_none
        assert main([*words, "--", *lake, *([] if has_days else _DAY), *arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else json.loads(printed.out) if output == "json" else printed.out

    return run


def _arguments(target, request):
    """The words after the entry file, wherever the target keeps them."""
    if target in ("emr-step", "yarn"):
        words = request if target == "yarn" else request["Steps"][0]["HadoopJarStep"]["Args"]
        (at,) = (number for number, word in enumerate(words) if word.endswith("/sessionise.py"))
        return _named(words[at + 1 :])
    driver = request["jobDriver"]
    return _named(driver.get("sparkSubmit", driver.get("sparkSubmitJobDriver"))["entryPointArguments"])


def _named(arguments):
    assert arguments[0] == "--run-id"
    return arguments[2:]


def _flags_of(job):
    key = ["--set", "lake.pseudonym_key=secret://env/KEY"] if job.needs_key else []
    source = {"clickstream.ingest": "ga4", "forecast.ingest": "m5", "fraud.ingest": "sparkov"}
    source |= {"forecast.ingest_stock": "stock_counts", "forecast.ingest_calendar": "planned_calendar"}
    source |= {"forecast.ingest_items": "item_list", "forecast.ingest_overrides": "planner_overrides"}
    feed = ["--input", "s3://shop/landing", "--source", source.get(job.name, "sparkov_labels")]
    return [*key, *(feed if job.ingests else []), *(["--day", "2026-11-20"] if job.by_day else [])]


@pytest.mark.parametrize("target", _OPERATIONS)
def test_every_job_has_a_request_that_the_service_model_accepts(target, plan):
    service, operation = _OPERATIONS[target]
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    for entry in find_entries():
        request = plan(target, "--env", "prod", *_flags_of(entry.load()), job=entry.name)
        assert not ParamValidator().validate(request, shape).has_errors()


@pytest.mark.parametrize("target", _PLACES)
def test_arguments_arrive_as_they_were_given(target, plan):
    note = "lake.spark_conf.spark.note=a, b  'c' \"d\" $e;f#g é"
    awkward = ["--day", "2026-11-20", "--set", note, "--set", note]
    assert _arguments(target, plan(target, *awkward)) == [*_LAKE, *awkward]


@pytest.mark.parametrize("target", _PLACES)
def test_executors_are_bounded_on_every_target(target, plan):
    assert "spark.dynamicAllocation.maxExecutors=7" in json.dumps(plan(target, more=["--max-executors", "7"]))
    assert "spark.dynamicAllocation.maxExecutors=20" in json.dumps(plan(target))


@pytest.mark.parametrize("target", _PLACES)
def test_code_and_environment_are_the_content_addressed_ones(target, plan, dist):
    text = json.dumps(plan(target))
    folder = f"{_HDFS if target == 'yarn' else _ARTEFACTS}/{dist.name}"
    assert f"{folder}/{dist.archive.name}" in text
    assert f"{folder}/{_ENVIRONMENT}#environment" in text
    assert f"{folder}/jobs/clickstream/sessionise.py" in text
    assert "./environment/bin/python" in text
    assert "/lakejobs.zip" not in text


def test_a_step_is_the_spark_submit_command_word_by_word(plan, dist):
    folder = f"{_ARTEFACTS}/{dist.name}"
    request = plan("emr-step", "--day", "2026-11-20", more=["--log-uri", "s3://shop-logs/steps/"])
    (step,) = request["Steps"]
    assert (request["JobFlowId"], step["ActionOnFailure"]) == ("j-1ABCDEFGHIJKL", "CONTINUE")
    assert step["Name"] == "clickstream.sessionise-2026-11-20"
    assert step["StepMonitoringConfiguration"]["S3MonitoringConfiguration"]["LogUri"] == "s3://shop-logs/steps/"
    assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
    words = step["HadoopJarStep"]["Args"]
    assert words[:5] == ["spark-submit", "--deploy-mode", "cluster", "--name", step["Name"]]
    assert words[5:7] == [
        "--py-files",
        f"{folder}/{dist.archive.name},/usr/share/aws/delta/lib/delta-spark.jar",
    ]
    assert words[7:9] == ["--archives", f"{folder}/{_ENVIRONMENT}#environment"]
    assert "spark.yarn.appMasterEnv.PYSPARK_PYTHON=./environment/bin/python" in words
    assert "spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python" in words
    assert words[-7:-5] == [f"{folder}/jobs/clickstream/sessionise.py", "--run-id"]
    assert words[-4:] == [*_LAKE, "--day", "2026-11-20"]


@pytest.mark.parametrize("target", _PLACES)
def test_yarn_starts_a_refused_job_once_and_services_without_yarn_get_no_word_of_it(target, plan):
    on_yarn = target in ("emr-step", "yarn")
    assert ("spark.yarn.maxAppAttempts=1" in json.dumps(plan(target))) == on_yarn


def test_serverless_gets_its_own_names_for_the_interpreter_and_no_infinite_run(plan):
    request = plan("emr-serverless", "--day", "2026-11-20")
    parameters = request["jobDriver"]["sparkSubmit"]["sparkSubmitParameters"].split(" ")
    assert parameters[::2] == ["--conf"] * (len(parameters) // 2)
    conf = dict(word.split("=", 1) for word in parameters[1::2])
    for key in ("PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON"):
        assert conf[f"spark.emr-serverless.driverEnv.{key}"] == "./environment/bin/python"
    assert conf["spark.jars"].startswith("/usr/share/aws/delta/lib/delta-spark.jar,")
    assert (request["mode"], request["executionTimeoutMinutes"]) == ("BATCH", 720)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("emr-spark-8.1.0", "emr-spark-8.1.0-latest"),
        ("emr-spark-8.1.0-20260812", "emr-spark-8.1.0-20260812"),
        ("emr-spark-8.2.0-latest", "emr-spark-8.2.0-latest"),
    ],
)
def test_eks_gets_an_image_label_and_jars_of_the_image(given, sent, plan):
    request = plan("emr-eks", more=["--release", given])
    assert request["releaseLabel"] == sent
    parameters = request["jobDriver"]["sparkSubmitJobDriver"]["sparkSubmitParameters"]
    assert "spark.jars=local:///usr/share/aws/delta/lib/delta-spark.jar,local:///" in parameters


def test_the_same_work_has_one_token_and_another_attempt_at_it_another_one(plan):
    def token(*arguments, more=(), **which):
        return plan("emr-serverless", *arguments, more=more, **which)["clientToken"]

    named = ["--run-id", "night-2026-11-20"]
    first = token(*_DAY, more=named)
    assert first.startswith("night-2026-11-20-1-")
    assert first == token(*_DAY, more=[*named, "--attempt", "1"])
    # What else a night asks for under the same name is other work.
    others = {
        token(*_DAY, more=[*named, "--attempt", "2"]),
        token(*_DAY, more=named, job="fraud.features"),
        token(*_DAY, more=["--run-id", "night-2026-11-21"]),
        token(*_DAY),
        token("--day", "2026-11-21"),
    }
    assert len(others | {first}) == 6
    assert token(*_DAY) == token(*_DAY)
    assert all(len(one) <= 64 for one in others)
    assert len(token(*_DAY, more=["--run-id", "x" * 100])) <= 64


@pytest.mark.parametrize("target", _PLACES)
def test_the_run_id_names_the_run_wherever_it_is_given(target, plan):
    for request in (plan(target, more=["--run-id", "night"]), plan(target, "--run-id", "night")):
        assert json.dumps(request).replace("\n", "").count('"--run-id", "night"') == 1


def test_the_days_name_the_work_and_where_there_are_none_the_minute_does():
    def name(job, days, minute=15):
        return proposed_run_id(job, ("--lake", "s3://x"), days, datetime(2026, 11, 28, 18, minute, tzinfo=UTC))

    day = DayRange.single(date(2026, 11, 20))
    assert name("clickstream.sessionise", day).startswith("clickstream.sessionise-2026-11-20-")
    assert name("clickstream.sessionise", day) == name("clickstream.sessionise", day, minute=16)
    assert name("clickstream.ingest", None).startswith("clickstream.ingest-20261128T1815Z-")


def test_names_stay_within_64_characters_and_apart(plan):
    days = ["--from", "2026-11-01", "--to", "2026-11-20"]
    assert plan("emr-eks", *days)["name"] == "clickstream.sessionise-2026-11-01-2026-11-20"
    release, day = release_of(DEFAULT_RELEASE), DayRange.single(date(2026, 11, 20))
    job = "clickstream.recommendations_of_the_whole_range_of_products_sold"
    first, second = (
        Submission(job, "", "", None, (), release, DEFAULT_RELEASE, run_id, days=day).name for run_id in ("one", "two")
    )
    assert (len(first), len(second)) == (64, 64)
    assert first != second


def test_an_entry_point_too_long_for_eks_is_refused_there_and_fine_elsewhere(plan):
    deep = "s3://shop-artefacts/" + "deep/" * 45
    message = plan("emr-eks", artefacts=deep, code=2)
    assert "PKG-011" in message
    assert "entryPoint has length" in message
    assert "at most 256" in message
    plan("emr-serverless", artefacts=deep)


def test_more_arguments_than_serverless_takes_are_refused(plan):
    message = plan("emr-serverless", *["--debug"] * 1019, code=2)
    assert "entryPointArguments has length 1025, at most 1024" in message


@pytest.mark.parametrize("target", _PLACES)
@pytest.mark.parametrize(
    ("lake", "code", "said"),
    [
        (["--env", "prod"], "CFG-007", "The environment 'prod' has no lake root."),
        ([], "CFG-008", "The lake root 'lake' is a folder, but Spark runs on {target}."),
        (["--env", "prod", "--lake", "/data/lake"], "CFG-008", "The lake root '/data/lake' is a folder"),
        (["--lake=file:///data/lake"], "CFG-008", "The lake root 'file:///data/lake' is a folder"),
        (["--env", "prod", "--set", "lake.root=data"], "CFG-008", "The lake root 'data' is a folder"),
    ],
)
def test_a_job_whose_lake_would_be_lost_is_not_planned(target, lake, code, said, plan):
    message = plan(target, "--day", "2026-11-20", lake=lake, code=2)
    assert code in message
    assert said.format(target=target) in message


@pytest.mark.parametrize(
    "lake",
    [
        ["--env", "prod", "--set", "lake.root=s3://shop-lake/prod"],
        ["--lake", "/mnt/lake", "--set", "lake.shared_folder=true"],
        # Where that file lies only the job may read it.
        ["--env", "prod", "--conf-file", "s3://shop-conf/prod.yaml"],
    ],
)
def test_a_lake_that_every_node_sees_is_planned(lake, plan):
    assert _arguments("yarn", plan("yarn", lake=lake)) == [*lake, *_DAY]


def test_a_node_interpreter_takes_the_place_of_the_archive(plan):
    words = plan("yarn", more=["--node-python", "/opt/lakejobs/current/bin/python"])
    assert "--archives" not in words
    assert "spark.yarn.appMasterEnv.PYSPARK_PYTHON=/opt/lakejobs/current/bin/python" in words
    assert "spark.executorEnv.PYSPARK_PYTHON=/opt/lakejobs/current/bin/python" in words


def test_the_printed_command_survives_a_shell(plan):
    words = ["--day", "2026-11-20", "--set", "lake.spark_conf.spark.note=it's $HOME `x`"]
    printed = plan("yarn", *words, output="shell").replace("spark-submit", "printf '%s\\n'", 1)
    shown = subprocess.run(["bash", "-c", printed], capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown[-4:] == words


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "NIGHTLY"}, "mode is 'NIGHTLY', not one of BATCH, STREAMING"),
        ({"clientToken": "x" * 65}, "clientToken has length 65, at most 64"),
        ({"applicationId": "00F1"}, "does not match"),
        ({"tags": {"job": 7}}, "Invalid type"),
        ({"unheard": "x"}, "Unknown parameter"),
    ],
)
def test_the_check_knows_lengths_patterns_enums_and_types(change, message):
    request = {"applicationId": "00f1", "clientToken": "t", "executionRoleArn": _ROLE[1], "mode": "BATCH"}
    check_request("emr-serverless", "StartJobRun", request)
    with pytest.raises(UsageError) as caught:
        check_request("emr-serverless", "StartJobRun", {**request, **change})
    assert message in caught.value.cause
