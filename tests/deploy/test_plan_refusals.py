"""What a real account would refuse or silently spoil is refused before anything is sent, with the way out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from common.errors import UsageError
from deploy.cli import main
from deploy.package.build import Package, build
from deploy.targets.words import check_step_words

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ENVIRONMENTS = ("environment-default-x86_64-0123456789ab.tar.gz", "environment-emr-7.13.0-x86_64-0123456789ab.tar.gz")
_EMR = "role_arn: arn:aws:iam::000000000000:role/example\n  artifacts: s3://example-artifacts/lakejobs\n"
_TARGETS = f"""steps:
  kind: emr-step
  cluster_id: j-EXAMPLE
  {_EMR}
serverless:
  kind: emr-serverless
  application_id: 00example
  env: prod
  lake: s3://example-lake/prod
  {_EMR}
eks:
  kind: emr-eks
  virtual_cluster_id: example
  {_EMR}
premises:
  kind: yarn
  artifacts: hdfs:///apps/lakejobs
  spark_version: 3.5.6
"""
_LAKE = ["--lake", "s3://example-lake/prod"]
_DAY = ["--day", "2026-11-20"]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A build with stand-ins for the dependency archives."""
    folder = tmp_path_factory.mktemp("build")
    for name in _ENVIRONMENTS:
        (folder / name).write_bytes(b"")
    return build(folder / "dist", [folder / name for name in _ENVIRONMENTS])


@pytest.fixture
def plan(dist: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """``lakejobs plan clickstream.sessionise`` in a folder with a targets.yaml: exit code, output, errors."""
    (tmp_path / "targets.yaml").write_text(_TARGETS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(target: str, more=(), arguments=(*_LAKE, *_DAY), job="clickstream.sessionise") -> tuple[int, str, str]:
        manifest = [] if "--manifest" in more else ["--manifest", str(dist.folder / "manifest.json")]
        code = main(["plan", job, "--target", target, *manifest, *more, "--", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.mark.parametrize(
    ("target", "more", "said"),
    [
        ("serverless", ["--artifacts", "foo"], "TGT-003: The target serverless: artifacts (--artifacts) is 'foo'"),
        ("serverless", ["--artifacts", "https://x.s3.amazonaws.com/y"], "TGT-003"),
        ("serverless", ["--artifacts", "s3://example artifacts/x"], "TGT-003"),
        ("serverless", ["--cluster-id", "j-EXAMPLE"], "'cluster_id' (--cluster-id) is not a key of a target of kind"),
        ("serverless", ["--application-id", "00other"], "--application-id names another one"),
        ("emr-step", ["--cluster-id", "j-AAAAA", "--cluster-id", "j-BBBBB"], "CLI-002: --cluster-id is given twice"),
        ("steps", ["--target", "eks"], "CLI-002: --target is given twice"),
        ("emr-step", ["--artifacts", "s3://example-artifacts/x"], "PKG-013: The target emr-step needs cluster_id"),
        ("serverless", ["--executor-cores", "3"], "no worker of 3 cores"),
        ("serverless", ["--executor-memory-gb", "40"], "An executor of 4 cores on EMR Serverless cannot have 47 GB"),
        ("serverless", ["--max-executors", "2"], "fewer than EMR Serverless starts with"),
        ("serverless", ["--max-executors", "-1"], "greater than or equal to 1"),
        ("serverless", ["--timeout-minutes", "0"], "greater than or equal to 1"),
        ("serverless", ["--timeout-minutes", "10081"], "less than or equal to 10080"),
        ("serverless", ["--timeout-minutes", "soon"], "should be a whole number"),
        ("serverless", ["--instance-type", "m5.xlarge"], "It is one of emr-step, emr-cluster, emr-eks."),
        ("steps", ["--executor-memory-gb", "14"], "An executor of 18.4 GB does not fit a node m5.xlarge"),
        ("steps", ["--instance-type", "m6g.2xlarge"], "is aarch64, the architecture of the target x86_64"),
        ("steps", ["--timeout-minutes", "60"], "It is one of emr-serverless."),
        ("eks", ["--instance-type", "m5.xlarge"], "does not fit a node m5.xlarge"),
        ("eks", ["--disk-gb", "50"], "'disk_gb' (--disk-gb) is not a key of a target of kind emr-eks below size"),
        ("premises", ["--release", "emr-7.13.0"], "It is one of emr-step, emr-cluster, emr-serverless, emr-eks."),
        ("premises", ["--role-arn", "x"], "It is one of"),
        ("premises", ["--spark-version", "3.3.0"], "REL-002"),
        ("steps", ["--release", "emr-spark-8.1"], "Did you mean 'emr-spark-8.1.0'?"),
        ("steps", ["--arch", "aarch64"], "lakejobs package --environment default:aarch64"),
        ("steps", ["--manifest", "nowhere.json"], "Run `lakejobs package` first"),
        ("steps", ["--manifest", "targets.yaml"], "is not the manifest of a build"),
        ("step", [], "There is no target 'step'. Did you mean 'steps'?"),
        ("steps", ["--targets", "mine.yaml"], "TGT-001: The file of targets mine.yaml could not be read"),
        ("steps", ["--max-executor", "3"], "Did you mean '--max-executors'?"),
        ("steps", ["--day", "2026-11-20"], "'--day' is a flag of the job"),
        ("steps", ["--run-id", "a b"], "CLI-008"),
        ("steps", ["--attempt", "0"], "CLI-008"),
        ("steps", ["--conf", "spark.executor.memory=30g"], "Give --executor-memory-gb."),
        ("steps", ["--conf", "spark.executor.pyspark.memory=2g"], "Give --executor-overhead-mb."),
        ("steps", ["--conf", "spark.dynamicAllocation.maxExecutors=900"], "Give --max-executors."),
        ("steps", ["--conf", "spark.dynamicAllocation.minExecutors=-1"], "Give a number from 0 to 20"),
        ("steps", ["--conf", "fs.s3a.threads.max=9"], "write spark.hadoop.fs.s3a.threads.max"),
        ("steps", ["--conf", "spark.x"], "is not KEY=VALUE"),
        ("steps", ["--conf", "spark.a b=c"], "'spark.a b' is not the name of a property"),
        ("steps", ["--conf", "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON=/x"], "Give --node-python."),
        ("steps", ["--conf", "spark.hadoop.fs.s3a.secret.key=abc"], "would show a secret"),
        ("steps", ["--conf", "spark.sql.ansi.enabled=false"], "SES-001"),
        ("steps", ["--conf", "spark.x={{PWD}}"], "TGT-005: An argument holds '{{'"),
    ],
)
def test_what_the_place_would_refuse_is_refused_here(target: str, more: list[str], said: str, plan) -> None:
    code, printed, errors = plan(target, more)
    assert said in errors
    assert (code, printed) == (2, "")
    assert "abc" not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([*_LAKE, "--dya", "2026-11-20"], "'--dya' is not a flag of clickstream.sessionise. Did you mean '--day'?"),
        ([*_LAKE, "--day", "2026-11-31"], "2026-11-31"),
        (_LAKE, "CLI-005"),
        ([*_LAKE, *_DAY, "--set", "gap_minuts=3"], "Did you mean 'gap_minutes'?"),
        ([*_LAKE, *_DAY, "--set", "gap_minutes=-3"], "gap_minutes"),
        ([*_LAKE, *_DAY, "--env", "prd"], "Did you mean 'prod'?"),
        (["--env", "prod", *_DAY], "CFG-007"),
        (["--lake", "lake", *_DAY], "CFG-008"),
        (["--lake", "https://example.com/lake", *_DAY], "LAK-001"),
    ],
)
def test_the_jobs_own_flags_and_settings_are_judged_as_the_job_would(arguments: list[str], said: str, plan) -> None:
    code, _, errors = plan("steps", arguments=arguments)
    assert said in errors
    assert code == 2


@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("premises", 0, "Not checked: the lake hdfs://name/lake could not be looked at from here (LAK-014)"),
        ("serverless", 2, "LAK-001: There is no HDFS on emr-serverless."),
        ("eks", 2, "LAK-001: There is no HDFS on emr-eks."),
    ],
)
def test_a_lake_on_hdfs_is_for_clusters_that_have_one_and_cannot_be_looked_at_from_a_laptop(
    target: str, code: int, said: str, plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.lake.storage.hdfs.driver_jvm", lambda: None)
    ended, _, errors = plan(target, arguments=["--lake", "hdfs://name/lake", *_DAY])
    assert said in errors
    assert ended == code


@pytest.mark.parametrize(
    ("target", "word", "said"),
    [
        ("steps", "lake.spark_conf.spark.x=a}}b", "holds '}}'"),
        ("steps", "lake.spark_conf.spark.x={{b", "holds '{{'"),
        ("premises", "lake.spark_conf.spark.x=a}}b", "holds '}}'"),
        ("premises", "lake.spark_conf.spark.x=a<CPS>b", "holds '<CPS>'"),
        ("eks", "lake.spark_conf.spark.x=a$$b", "holds '$$'"),
        ("eks", "lake.spark_conf.spark.x=$(HOME)", "holds '$('"),
    ],
)
def test_words_that_the_platform_swallows_are_refused(target: str, word: str, said: str, plan) -> None:
    code, _, errors = plan(target, arguments=[*_LAKE, *_DAY, "--set", word])
    assert said in errors
    assert code == 2


@pytest.mark.parametrize("word", ["", " ", "\t"])
def test_an_empty_word_is_refused_where_command_runner_would_drop_it(word: str, plan) -> None:
    with pytest.raises(UsageError, match="An argument is empty"):
        check_step_words(["spark-submit", "--set", word, "--day"])
    assert plan("steps", arguments=[*_LAKE, *_DAY, "--set", word])[0] == 2


@pytest.mark.parametrize("word", ["a}}b", "a$$b"])
def test_a_platform_that_passes_such_words_on_gets_them(word: str, plan) -> None:
    note = f"lake.spark_conf.spark.x={word}"
    code, printed, _ = plan("serverless", ["-o", "json"], [*_DAY, "--set", note])
    assert code == 0
    assert json.loads(printed)["jobDriver"]["sparkSubmit"]["entryPointArguments"][-1] == note


def test_an_unknown_release_of_a_known_line_warns_and_goes_on(plan) -> None:
    code, printed, errors = plan("steps", ["--release", "emr-7.15.0", "-o", "json"])
    assert code == 0
    assert "emr-7.15.0' is not in the table of releases: it is taken for emr-7.14.0." in errors
    assert "environment-emr-7.13.0-x86_64" in printed


def test_a_build_that_could_not_be_looked_at_is_said_to_be_that(plan) -> None:
    code, _, errors = plan("serverless")
    assert code == 0
    assert "Not checked: the build in s3://example-artifacts/lakejobs/lakejobs-" in errors


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ("nothing", "TGT-006: The build is not uploaded: there is no"),
        ("another", "holds another build than the manifest here"),
        ("it", ""),
    ],
)
def test_the_build_must_lie_where_the_run_takes_it_from(there: str, said: str, dist: Package, tmp_path, plan) -> None:
    folder = tmp_path / "shared" / dist.name
    folder.mkdir(parents=True)
    manifest = (dist.folder / "manifest.json").read_bytes()
    if there != "nothing":
        (folder / "manifest.json").write_bytes(manifest if there == "it" else manifest + b" ")
    code, _, errors = plan("premises", ["--artifacts", str(tmp_path / "shared")])
    assert said in errors
    assert code == (2 if said else 0)


def test_the_plan_names_what_is_read_written_and_left_for_python(plan) -> None:
    code, printed, _ = plan(
        "serverless", ["--run-id", "night", "--attempt", "2"], ["--from", "2026-11-19", "--to", "2026-11-20"]
    )
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    assert code == 0
    assert lines[:3] == [
        "Plan of clickstream.sessionise: nothing is sent.",
        "target serverless (emr-serverless 00example)",
        "run id night, attempt 2",
    ]
    for line in (
        "lake s3://example-lake/prod",
        "days 2026-11-19 to 2026-11-20 (2)",
        "reads clickstream.events at silver/clickstream/events",
        "writes clickstream.sessions at gold/clickstream/sessions",
        "executors at most 20, 3 at the start",
        "timeout 720 minutes",
        "emr-serverless StartJobRun:",
    ):
        assert line in lines
    (price,) = (line for line in lines if line.startswith("price "))
    assert "USD an hour, with 20 executors" in price
    (executor,) = (line for line in lines if line.startswith("executor "))
    assert "Python has 3,072 MB: 768 MB for each of 4 workers; billed as 4 vCPU, 12 GB, 20 GB disk" in executor


def test_environment_and_lake_of_the_target_are_the_jobs_unless_it_says_them(plan) -> None:
    def arguments(*given: str) -> list[str]:
        _, printed, _ = plan("serverless", ["-o", "json", "--run-id", "n"], [*_DAY, *given])
        return json.loads(printed)["jobDriver"]["sparkSubmit"]["entryPointArguments"][2:]

    assert arguments() == ["--env", "prod", "--lake", "s3://example-lake/prod", *_DAY]
    assert arguments("--lake=s3://other/x") == ["--env", "prod", *_DAY, "--lake=s3://other/x"]
    own = ["--env", "dev", "--set", "lake.root=s3://other/x"]
    assert arguments(*own) == [*_DAY, *own]
