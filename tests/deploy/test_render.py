import json
import shlex
import subprocess

import pytest
from botocore.session import get_session
from botocore.validate import ParamValidator

from common.errors import UsageError
from common.releases import DEFAULT_RELEASE, release_of
from deploy.cli import main
from deploy.package.build import build
from deploy.package.entries import find_entries
from deploy.targets.request_check import check_request
from deploy.targets.requests import TARGETS, Place
from deploy.targets.submission import Submission

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ENVIRONMENT = "environment-default-x86_64-0123456789ab.tar.gz"
_ARTEFACTS = "s3://shop-artefacts/lakejobs"
_PLACES = {
    "emr-step": ["--cluster-id", "j-1ABCDEFGHIJKL"],
    "emr-serverless": ["--application-id", "00f1abcdefgh"],
    "emr-eks": ["--virtual-cluster-id", "abcdefgh1234"],
    "spark-submit": [],
}
_ROLE = ["--role-arn", "arn:aws:iam::123456789012:role/lakejobs-run"]
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
def render(dist, capsys):
    """Renders a job; what was printed."""

    def run(target, *arguments, job="clickstream.sessionise", more=(), artefacts=_ARTEFACTS, lake=_LAKE, code=0):
        words = ["render", job, "--target", target, "--artifacts", artefacts]
        words += ["--manifest", str(dist.folder / "manifest.json"), *_PLACES[target], *_ROLE, *more]
        has_days = {"--day", "--from"} & {*arguments} or job.endswith((".ingest", ".ingest_labels", ".maintain"))
        assert main([*words, "--", *lake, *([] if has_days else _DAY), *arguments]) == code
        printed = capsys.readouterr()
        return (
            printed.err if code else shlex.split(printed.out) if target == "spark-submit" else json.loads(printed.out)
        )

    return run


def _arguments(target, request):
    """The words after the entry file, wherever the target keeps them."""
    if target in ("emr-step", "spark-submit"):
        words = request if target == "spark-submit" else request["Steps"][0]["HadoopJarStep"]["Args"]
        (at,) = (number for number, word in enumerate(words) if word.endswith("/sessionise.py"))
        return words[at + 1 :]
    driver = request["jobDriver"]
    return driver.get("sparkSubmit", driver.get("sparkSubmitJobDriver"))["entryPointArguments"]


def _flags_of(job):
    key = ["--set", "lake.pseudonym_key=secret://env/KEY"] if job.needs_key else []
    source = {"clickstream.ingest": "ga4", "forecast.ingest": "m5", "fraud.ingest": "sparkov"}
    feed = ["--input", "s3://shop/landing", "--source", source.get(job.name, "sparkov_labels")]
    return [*key, *(feed if job.ingests else []), *(["--day", "2026-11-20"] if job.by_day else [])]


@pytest.mark.parametrize("target", _OPERATIONS)
def test_every_job_renders_to_a_request_that_the_service_model_accepts(target, render):
    service, operation = _OPERATIONS[target]
    shape = get_session().get_service_model(service).operation_model(operation).input_shape
    for entry in find_entries():
        request = render(target, "--env", "prod", *_flags_of(entry.load()), job=entry.name)
        assert not ParamValidator().validate(request, shape).has_errors()


@pytest.mark.parametrize("target", _PLACES)
def test_arguments_arrive_as_they_were_given(target, render):
    note = "lake.spark_conf.spark.note=a, b  'c' \"d\" $e;f#g é"
    awkward = ["--day", "2026-11-20", "--set", note, "--set", note]
    assert _arguments(target, render(target, *awkward)) == [*_LAKE, *awkward]


@pytest.mark.parametrize("target", _PLACES)
def test_executors_are_bounded_on_every_target(target, render):
    assert "spark.dynamicAllocation.maxExecutors=7" in json.dumps(render(target, more=["--max-executors", "7"]))
    assert "spark.dynamicAllocation.maxExecutors=20" in json.dumps(render(target))


@pytest.mark.parametrize("target", _PLACES)
def test_code_and_environment_are_the_content_addressed_ones(target, render, dist):
    text = json.dumps(render(target))
    folder = f"{_ARTEFACTS}/{dist.archive.stem}"
    assert f"{folder}/{dist.archive.name}" in text
    assert f"{folder}/{_ENVIRONMENT}#environment" in text
    assert f"{folder}/jobs/clickstream/sessionise.py" in text
    assert "./environment/bin/python" in text
    assert "/lakejobs.zip" not in text


def test_a_step_is_the_spark_submit_command_word_by_word(render, dist):
    folder = f"{_ARTEFACTS}/{dist.archive.stem}"
    request = render("emr-step", "--day", "2026-11-20", more=["--log-uri", "s3://shop-logs/steps/"])
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
    assert words[-5:] == [f"{folder}/jobs/clickstream/sessionise.py", *_LAKE, "--day", "2026-11-20"]


@pytest.mark.parametrize("target", _PLACES)
def test_yarn_starts_a_refused_job_once_and_services_without_yarn_get_no_word_of_it(target, render):
    on_yarn = target in ("emr-step", "spark-submit")
    assert ("spark.yarn.maxAppAttempts=1" in json.dumps(render(target))) == on_yarn


def test_serverless_gets_its_own_names_for_the_interpreter_and_no_infinite_run(render):
    request = render("emr-serverless", "--day", "2026-11-20")
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
def test_eks_gets_an_image_label_and_jars_of_the_image(given, sent, render):
    request = render("emr-eks", more=["--release", given])
    assert request["releaseLabel"] == sent
    parameters = request["jobDriver"]["sparkSubmitJobDriver"]["sparkSubmitParameters"]
    assert "spark.jars=local:///usr/share/aws/delta/lib/delta-spark.jar,local:///" in parameters


def test_the_same_command_has_the_same_token_and_another_one_another(render):
    def token(*arguments, more=()):
        return render("emr-serverless", *arguments, more=more)["clientToken"]

    first = token("--day", "2026-11-20")
    assert first == token("--day", "2026-11-20")
    others = {
        token("--day", "2026-11-21"),
        token("--day", "2026-11-20", more=["--again", "1"]),
    }
    assert len(others | {first}) == 3
    assert len(first) <= 64


def test_names_stay_within_64_characters_and_apart(render):
    days = ["--from", "2026-11-01", "--to", "2026-11-20"]
    assert render("emr-eks", *days)["name"] == "clickstream.sessionise-2026-11-01-2026-11-20"
    job = "clickstream.recommendations_of_the_whole_range_of_products"
    long = Submission(job, "", "", None, tuple(days), release_of(DEFAULT_RELEASE), DEFAULT_RELEASE).name
    other = Submission(job, "", "", None, (*days, "--debug"), release_of(DEFAULT_RELEASE), DEFAULT_RELEASE).name
    assert (len(long), len(other)) == (64, 64)
    assert long != other


def test_an_entry_point_too_long_for_eks_is_refused_there_and_fine_elsewhere(render):
    deep = "s3://shop-artefacts/" + "deep/" * 45
    message = render("emr-eks", artefacts=deep, code=2)
    assert "PKG-011" in message
    assert "entryPoint has length" in message
    assert "at most 256" in message
    render("emr-serverless", artefacts=deep)


def test_an_empty_argument_is_refused_on_eks_which_does_not_take_it():
    submission = Submission("a.b", "s3://x/b.py", "s3://x/a.zip", None, ("",), release_of(DEFAULT_RELEASE), "label")
    with pytest.raises(UsageError) as caught:
        TARGETS["emr-eks"](submission, Place("abcdefgh1234", _ROLE[1]))
    assert "Invalid length for parameter jobDriver.sparkSubmitJobDriver.entryPointArguments[0]" in caught.value.cause


def test_a_prefix_with_a_blank_is_refused_where_the_service_would_split_it(render):
    assert "contains a blank" in render("emr-serverless", artefacts="s3://shop artefacts/x", code=2)


def test_more_arguments_than_serverless_takes_are_refused(render):
    message = render("emr-serverless", *["--debug"] * 1021, code=2)
    assert "entryPointArguments has length 1025, at most 1024" in message


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--release", "emr-spark-8.1"], "Did you mean 'emr-spark-8.1.0'?"),
        (["--arch", "aarch64"], "lakejobs package --environment default:aarch64"),
        (["--release", "emr-7.13.0"], "lakejobs package --environment emr-7.13.0:x86_64"),
        (["--manifest", "/nowhere/manifest.json"], "Run `lakejobs package` first"),
        (["--application-id", ""], "needs --application-id"),
        (["--role-arn", ""], "needs --role-arn"),
        (["--role-arn", "arn:aws:iam::12:role/lakejobs-run"], "executionRoleArn is"),
    ],
)
def test_what_cannot_run_is_refused_with_the_way_out(more, message, render):
    assert message in render("emr-serverless", more=more, code=2)


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
def test_a_job_whose_lake_would_be_lost_is_not_rendered(target, lake, code, said, render):
    message = render(target, "--day", "2026-11-20", lake=lake, code=2)
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
def test_a_lake_that_every_node_sees_is_rendered(lake, render):
    assert _arguments("spark-submit", render("spark-submit", lake=lake)) == [*lake, *_DAY]


def test_a_node_interpreter_takes_the_place_of_the_archive(render):
    words = render("spark-submit", more=["--node-python", "/opt/lakejobs/current/bin/python"])
    assert "--archives" not in words
    assert "spark.yarn.appMasterEnv.PYSPARK_PYTHON=/opt/lakejobs/current/bin/python" in words
    assert "spark.executorEnv.PYSPARK_PYTHON=/opt/lakejobs/current/bin/python" in words


def test_the_printed_command_survives_a_shell(render, dist, capsys):
    words = ["--day", "2026-11-20", "--set", "lake.spark_conf.spark.note=it's $HOME `x`"]
    manifest = str(dist.folder / "manifest.json")
    line = ["render", "clickstream.sessionise", "--target", "spark-submit", "--artifacts", _ARTEFACTS]
    assert main([*line, "--manifest", manifest, "--", *_LAKE, *words]) == 0
    printed = capsys.readouterr().out.replace("spark-submit", "printf '%s\\n'", 1)
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
