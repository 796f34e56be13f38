"""A file of targets: what it says is one run's place, and what it says wrongly is refused in its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import UsageError
from deploy.package.build import REPOSITORY
from deploy.targets.target import ClusterTarget, EksTarget, ServerlessTarget, StepTarget, YarnTarget
from deploy.targets.target_file import read_targets, target_of

pytestmark = pytest.mark.unit

_EXAMPLE = REPOSITORY / "targets.example.yaml"
_PROD = """prod:
  kind: emr-serverless
  application_id: 00example
  role_arn: arn:aws:iam::000000000000:role/example
  artifacts: s3://example-artifacts/lakejobs
"""


@pytest.fixture
def refused(tmp_path: Path):
    """The refusal of a target in a file that holds a text."""

    def run(text: str, name: str = "prod", flags: dict[str, tuple[str, str]] | None = None) -> str:
        file = tmp_path / "targets.yaml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UsageError) as caught:
            target_of(name, file, flags)
        return str(caught.value).replace(str(tmp_path), "")

    return run


def test_the_example_has_one_target_of_each_kind() -> None:
    targets = {name: target_of(name, _EXAMPLE) for name in read_targets(_EXAMPLE)}
    assert [type(target) for target in targets.values()] == [
        StepTarget,
        ClusterTarget,
        ServerlessTarget,
        EksTarget,
        YarnTarget,
    ]
    assert targets["prod-serverless"].size.max_executors == 20
    assert targets["on-premises"].conf == {"spark.yarn.queue": "nightly"}


def test_no_id_of_the_example_can_be_taken_for_a_real_one() -> None:
    for name in read_targets(_EXAMPLE):
        target = target_of(name, _EXAMPLE)
        assert "example" in target.identifier.lower() or not target.identifier
        assert ":000000000000:" in str(getattr(target, "role_arn", ":000000000000:"))
        assert "example" in f"{target.lake}"


def test_event_logs_need_a_place_on_s3(tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(
        "night: {kind: emr-step, cluster_id: j-EXAMPLE, artifacts: s3://example-artifacts/lakejobs,\n"
        "        logs: {s3: off, events: true}}\n",
        encoding="utf-8",
    )
    with pytest.raises(
        UsageError, match=r"logs\.events \(.*:2\) is 'true', but needs logs on S3, which are off"
    ) as found:
        target_of("night", file)
    assert found.value.code == "TGT-003"


def test_a_flag_stands_above_the_file(tmp_path: Path) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(_PROD + "  size: {max_executors: 5}\n", encoding="utf-8")
    flags = {"size.max_executors": ("--max-executors", "7"), "logs.s3": ("--log-uri", "off")}
    target = target_of("prod", file, flags)
    assert isinstance(target, ServerlessTarget)
    assert (target.size.max_executors, target.size.executor_cores, target.logs.s3) == (7, 4, "off")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("aplication_id: x", "'aplication_id' (/targets.yaml:6) is not a key of a target of kind emr-serverless."),
        ("aplication_id: x", "Did you mean 'application_id'?"),
        ("aplication_id: x", "Known keys: kind, artifacts, env, lake,"),
        ("cluster_id: j-EXAMPLE", "It is one of emr-step."),
        ("size: {max_executor: 3}", "below size. Did you mean 'max_executors'?"),
        ("logs: {s4: off}", "Known keys below logs: s3, cloudwatch."),
        (
            "logs: {events: true}",
            "'events' (/targets.yaml:6) is not a key of a target of kind emr-serverless below logs.",
        ),
        ("size: {max_executors: -2}", "size.max_executors (/targets.yaml:6) is '-2', but should be greater than"),
        ("timeout_minutes: 0", "greater than or equal to 1"),
        ("timeout_minutes: 10081", "less than or equal to 10080"),
        ("timeout_minutes: -5", "greater than or equal to 1"),
        ("timeout_minutes: a day", "timeout_minutes (/targets.yaml:6) is 'a day', but should be a whole number"),
        ("max_attempts: 11", "less than or equal to 10"),
        ("max_attempts: 0", "greater than or equal to 1"),
        ("architecture: sparc", "architecture (/targets.yaml:6) is 'sparc', but should be 'x86_64' or 'aarch64'"),
        ("lake: {root: s3://x}", "lake (/targets.yaml:6) but should be one text"),
        ("region: Ireland", "region (/targets.yaml:6) is 'Ireland'"),
        ("logs: {s3: logs/}", "logs.s3 (/targets.yaml:6) is 'logs/'"),
        ("tags: [a, b]", "tags (/targets.yaml:6) is ['a', 'b'], but should be a mapping"),
        ("size: 3", "size (/targets.yaml:6) is '3', but should be a mapping"),
        ("flex_execution: maybe", "should be true or false"),
        ("application_id: 00other", "has the key 'application_id' again, first given in line 3"),
        ("\tkind: x", "is not valid YAML"),
    ],
)
def test_what_a_target_cannot_say_is_refused_with_the_line_and_the_known_words(line: str, said: str, refused) -> None:
    assert said in refused(f"{_PROD}  {line}\n")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("application_id", "[00example, 00other]"),
        ("application_id", "00example,00other"),
        ("application_id", "00EXAMPLE"),
        ("artifacts", "foo"),
        ("artifacts", "https://example-artifacts.s3.amazonaws.com/lakejobs"),
        ("artifacts", "http://x/y"),
        ("artifacts", "s3a://example-artifacts/lakejobs"),
        ("artifacts", "hdfs:///lakejobs"),
        ("artifacts", "/lakejobs"),
        ("artifacts", "s3://"),
        ("artifacts", "s3://A_B/lakejobs"),
        ("artifacts", "'s3://example artifacts/x'"),
        ("artifacts", "'s3://example-artifacts/a b'"),
        ("role_arn", "arn:aws:iam::12:role/example"),
        ("role_arn", "example"),
        ("role_arn", "arn:aws:iam::000000000000:user/example"),
    ],
)
def test_ids_roles_and_prefixes_are_those_of_one_place_on_emr(key: str, value: str, refused) -> None:
    kept = "".join(line for line in _PROD.splitlines(keepends=True) if f" {key}:" not in line)
    assert f"TGT-003: The target prod: {key}" in refused(f"{kept}  {key}: {value}\n")


@pytest.mark.parametrize("prefix", ["foo", "https://x/y", "s3://bucket/x", "''", "ftp://x/y"])
def test_a_plain_yarn_takes_artefacts_from_what_hadoop_opens_by_itself(prefix: str, refused) -> None:
    assert "artifacts" in refused(f"prod: {{kind: yarn, artifacts: {prefix}}}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prod: {kind: emr-step, artifacts: s3://example/x}\n", "PKG-013: The target prod needs cluster_id."),
        ("prod: {kind: emr-step, artifacts: s3://example/x}\n", "add --cluster-id VALUE"),
        ("prod: {kind: emr-eks, artifacts: s3://example/x}\n", "needs virtual_cluster_id and role_arn."),
        ("prod: {artifacts: s3://example/x}\n", "has no kind"),
        ("prod: {kind: emr-severless}\n", "Did you mean 'emr-serverless'?"),
        ("prod: {kind: [emr-step]}\n", "has no kind"),
        ("prod: yarn\n", "must hold a mapping"),
        ("[prod]\n", "must hold a mapping"),
        ("prd: {kind: yarn}\n", "There is no target 'prod'. Did you mean 'prd'?"),
        ("", "Targets of /targets.yaml: none"),
    ],
)
def test_a_target_that_is_not_there_or_not_whole_is_refused(text: str, said: str, refused) -> None:
    assert said in refused(text)


def test_a_second_id_is_refused_wherever_it_comes_from(refused) -> None:
    flags = {"application_id": ("--application-id", "00other")}
    message = refused(_PROD, flags=flags)
    assert "The target prod says its application_id already (/targets.yaml:3)." in message
    assert "--application-id names another one." in message
    assert "is one of emr-step" in refused(_PROD, flags={"cluster_id": ("--cluster-id", "j-EXAMPLE")})


def test_without_a_file_the_example_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"copy targets\.example\.yaml"):
        target_of("prod")
    with pytest.raises(UsageError, match=r"TGT-001: The file of targets nowhere\.yaml could not be read"):
        target_of("prod", Path("nowhere.yaml"))
    assert target_of("yarn", None, {"artifacts": ("--artifacts", "hdfs:///apps")}).identifier == ""
