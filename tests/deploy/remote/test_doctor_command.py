"""``lakejobs doctor --target``: what can be asked from a laptop, line by line, then the lines that the run has left."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from common.lake.storage.caller import Caller
from deploy.doctor.command import role_findings
from deploy.targets.target import StepTarget

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ARN = "arn:aws:sts::000000000000:assumed-role/planner/somebody"
_RULES = [
    {"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 7}},
    {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}},
]


class FakeAws:
    """A client of every service; ``answers`` holds what an operation gives, a text being the code of a refusal."""

    def __init__(self, files: dict[str, Any]) -> None:
        self.files = files
        self.meta = SimpleNamespace(service_model=SimpleNamespace(service_name="aws"), region_name="eu-west-1")
        key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:aws:kms:eu-west-1:000000000000:key/k"}
        self.answers: dict[str, Any] = {
            "get_application": {
                "application": {"state": "STOPPED", "releaseLabel": "emr-spark-8.1.0", "architecture": "X86_64"}
            },
            "head_bucket": {"BucketRegion": "eu-west-1"},
            "get_bucket_encryption": {
                "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault": key}]}
            },
            "get_bucket_versioning": {"Status": "Enabled"},
            "get_bucket_lifecycle_configuration": {"Rules": _RULES},
            "get_role": {},
            "simulate_principal_policy": {"EvaluationResults": []},
            "describe_log_groups": {"logGroups": [{"logGroupName": "/lakejobs/night"}]},
        }

    def __getattr__(self, operation: str) -> Any:
        def answer(**request: Any) -> Any:
            if operation == "head_object" and operation not in self.answers:
                known = self.files[request["Key"].partition("/")[2].partition("/")[2]]
                digest = base64.b64encode(bytes.fromhex(known["sha256"])).decode()
                return {"ContentLength": known["bytes"], "ChecksumSHA256": digest}
            given = self.answers[operation]
            if isinstance(given, str):
                raise ClientError({"Error": {"Code": given, "Message": "no"}}, operation)
            return given

        return answer


@pytest.fixture
def aws(emr, dist, tmp_path, monkeypatch) -> FakeAws:
    """An account in which all is well, with the lake of the target on S3."""
    file = tmp_path / "targets.yaml"
    lake = f"lake: {tmp_path / 'lake'}"
    file.write_text(file.read_text(encoding="utf-8").replace(lake, "lake: s3://example-lake/prod"), encoding="utf-8")
    fake = FakeAws(dist.manifest["files"])
    for module in ("doctor.places", "remote.artefacts_there", "remote.buckets", "remote.preflight", "remote.role"):
        monkeypatch.setattr(f"deploy.{module}.client", lambda *_, **__: fake)
    monkeypatch.setattr("deploy.doctor.laptop.caller", lambda _region: Caller("sso", arn=_ARN))
    return fake


@pytest.fixture
def doctor(lakejobs, dist) -> Any:
    """Runs the command with -o json: exit code and document."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        manifest = ["--manifest", str(dist.folder / "manifest.json")]
        code, out, _ = lakejobs("doctor", "--target", "night", *manifest, "-o", "json", *words)
        return code, json.loads(out)

    return run


def lines(shown: dict[str, Any], which: str = "laptop") -> dict[str, str]:
    """Check -> result; of several lines of a check the last that is not well."""
    found: dict[str, str] = {}
    for one in shown[which]:
        if one["status"] != "ok" or one["check"] not in found:
            found[one["check"]] = one["status"]
    return found


def test_where_all_is_well_each_question_has_its_line_and_nothing_is_sent(aws, emr, doctor) -> None:
    code, shown = doctor("--laptop-only")
    assert (code, emr.runs) == (0, {})
    assert lines(shown) == {
        "target": "ok",
        "release": "ok",
        "credentials": "ok",
        "plan": "not checked",  # the stand-in for S3 is out of the plan's reach
        "place": "ok",
        "artefacts": "ok",
        "bucket example-artifacts": "ok",
        "encryption of example-artifacts": "ok",
        "bucket example-lake": "ok",
        "encryption of example-lake": "ok",
        "lifecycle of example-lake": "ok",
        "role": "ok",
        "log group": "ok",
    }
    said = {one["check"]: one["found"] for one in shown["laptop"]}
    assert said["credentials"] == f"{_ARN}, from boto3's provider sso"
    assert said["bucket example-artifacts"] == "of artifacts, logs, in eu-west-1"
    assert said["encryption of example-lake"] == "aws:kms arn:aws:kms:eu-west-1:000000000000:key/k"


@pytest.mark.parametrize(
    ("operation", "answer", "check", "code"),
    [
        ("get_application", {"application": {"state": "TERMINATED"}}, "place", 2),
        ("head_object", {"ContentLength": 1}, "artefacts", 2),
        ("head_bucket", {"BucketRegion": "us-east-1"}, "bucket example-lake", 2),
        ("get_role", "NoSuchEntity", "role", 2),
        ("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError", "encryption of example-lake", 0),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", "lifecycle of example-lake", 0),
        ("get_bucket_lifecycle_configuration", {"Rules": _RULES[1:]}, "lifecycle of example-lake", 0),
        ("describe_log_groups", {"logGroups": [{"logGroupName": "/lakejobs/nightly"}]}, "log group", 0),
    ],
)
def test_what_is_wrong_is_wrong_on_its_line_alone_and_stops_only_if_it_would_stop_a_job(
    aws, doctor, operation: str, answer: Any, check: str, code: int
) -> None:
    aws.answers[operation] = answer
    found, shown = doctor("--laptop-only")
    wrong = [one for one in shown["laptop"] if one["status"] == "wrong"]
    assert found == code
    assert check in [one["check"] for one in wrong]
    assert len({one["check"].partition(" ")[0] for one in wrong}) == 1
    assert all(one["remedy"] for one in wrong)


@pytest.mark.parametrize(
    ("operation", "check"),
    [
        ("get_application", "place"),
        ("head_bucket", "bucket example-lake"),
        ("get_bucket_versioning", "lifecycle of example-lake"),
        ("get_role", "role"),
        ("describe_log_groups", "log group"),
    ],
)
def test_what_may_not_be_asked_from_here_is_not_checked(aws, doctor, operation: str, check: str) -> None:
    aws.answers[operation] = "AccessDenied"
    code, shown = doctor("--laptop-only")
    assert (code, lines(shown)[check]) == (0, "not checked")


def test_without_credentials_nothing_of_the_account_is_asked(aws, doctor, monkeypatch) -> None:
    monkeypatch.setattr("deploy.doctor.laptop.caller", lambda _region: Caller(""))
    aws.answers.clear()
    code, shown = doctor("--laptop-only")
    found = lines(shown)
    assert (code, found["credentials"], found["role"]) == (2, "wrong", "not checked")


def test_a_build_that_is_not_there_stops_the_plan_and_hides_no_bucket(aws, lakejobs) -> None:
    code, out, err = lakejobs("doctor", "--target", "night", "--laptop-only", "--manifest", "nowhere.json")
    assert code == 2
    assert "wrong        plan" in out
    assert "PKG-012: There is no manifest nowhere.json." in out
    assert "What to do: Run `lakejobs package` first." in out
    assert "ok           bucket example-lake" in out
    assert "Nothing is sent: plan." in err


def test_a_target_that_there_is_not_is_a_line_too(aws, lakejobs) -> None:
    code, out, _ = lakejobs("doctor", "--target", "nigth", "--laptop-only")
    assert code == 2
    assert "TGT-001: There is no target 'nigth'." in out


def _record(lake, run_id: str, **more: Any) -> None:
    path = lake / "runs" / "maintenance" / "doctor" / f"{run_id}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = {"check": "put", "status": "wrong", "found": "LAK-009: denied", "remedy": "Allow it.", "stops": True}
    times = {"started_at": "2026-11-20T03:00:30.000Z", "ended_at": "2026-11-20T03:01:00.000Z"}
    text = json.dumps({"attempt": 1, "error": None, "findings": [line], **times, **more})
    path.write_text(text, encoding="utf-8")


def test_the_lines_from_inside_are_those_of_the_record_and_the_exit_code_is_that_of_the_run(
    aws, emr, doctor, tmp_path
) -> None:
    lake = ["--", "--lake", str(tmp_path / "lake"), "--set", "lake.shared_folder=true"]
    start = emr.start_job_run

    def ends_at_once(**body: Any) -> dict[str, str]:
        sent = start(**body)
        emr.runs[sent["jobRunId"]]["state"] = "FAILED"
        arguments = body["jobDriver"]["sparkSubmit"]["entryPointArguments"]
        assert body["jobDriver"]["sparkSubmit"]["entryPoint"].endswith("/jobs/maintenance/doctor.py")
        assert "lake.storage_deadline_seconds=20" in arguments
        error = {"code": "MNT-002", "message": "1 of 20 checks", "cause": "", "remedy": ""}
        _record(tmp_path / "lake", arguments[1], status="failed", exit_code=2, error=error)
        return sent

    emr.start_job_run = ends_at_once
    code, shown = doctor(*lake)
    assert (code, shown["exit_code"], len(emr.runs)) == (2, 2, 1)
    assert (shown["run"]["outcome"], shown["run"]["state"], shown["run"]["exit_code"]) == ("sent", "FAILED", 2)
    assert lines(shown, "inside") == {"put": "wrong"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("example", [("ok", "example, as the target says")]),
        ("nodes", [("wrong", "boto3 has nodes, the target names example")]),
    ],
)
def test_the_role_inside_is_held_against_that_of_the_target(role: str, expected: list[tuple[str, str]]) -> None:
    target = StepTarget(
        kind="emr-step",
        cluster_id="j-EXAMPLE",
        artifacts="s3://example-artifacts/lakejobs",
        role_arn="arn:aws:iam::000000000000:role/shop/example",
    )
    arn = f"arn:aws:sts::000000000000:assumed-role/{role}/i-0"
    inside = [{"check": "credentials", "found": f"{arn}, from boto3's provider iam-role"}]
    assert [(one.status, one.found) for one in role_findings(target, inside)] == expected
    assert role_findings(target, [{"check": "credentials", "found": "STS could not be asked"}]) == []


def test_plain_yarn_gets_the_line_to_run_on_a_node(aws, dist, lakejobs, tmp_path) -> None:
    (tmp_path / "targets.yaml").write_text("night:\n  kind: yarn\n  artifacts: hdfs:///apps/lakejobs\n", "utf-8")
    manifest = ["--manifest", str(dist.folder / "manifest.json")]
    words = ["--target", "night", *manifest, "--", "--env", "prod", "--lake", "hdfs:///lake"]
    code, out, err = lakejobs("doctor", *words)
    assert code == 0
    assert "credentials" not in out
    assert "spark-submit --master yarn" in err
    assert "/jobs/maintenance/doctor.py" in err


def test_a_cluster_that_is_started_for_its_steps_gets_the_line_that_starts_it(aws, emr, doctor, tmp_path) -> None:
    (tmp_path / "targets.yaml").write_text(
        "night:\n  kind: emr-cluster\n  region: eu-west-1\n  service_role: example-service\n"
        "  instance_profile: example-nodes\n  security_configuration: example\n  subnets: [subnet-00000000]\n"
        "  max_units: 4\n"
        "  artifacts: s3://example-artifacts/lakejobs\n  env: prod\n  lake: s3://example-lake/prod\n",
        encoding="utf-8",
    )
    code, shown = doctor()
    assert (code, emr.runs) == (0, {})
    assert lines(shown)["place"] == "ok"
    assert lines(shown)["role"] == "not checked"
    assert shown["next_command"].startswith("aws emr create-cluster")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--laptop-only"], "goes with --target"), (["--target", "night", "-o", "shell"], "Give -o json")],
)
def test_flags_that_cannot_be_are_refused(lakejobs, words: list[str], said: str) -> None:
    code, _, err = lakejobs("doctor", *words)
    assert code == 2
    assert f"CLI-002: {words[0] if said.startswith('goes') else '-o shell'}" in err
    assert said in err
