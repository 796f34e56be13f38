"""What a real account would refuse, or charge for ever, is refused before anything is sent."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from common.errors import UsageError
from deploy.remote import artefacts_there, buckets, preflight, role
from deploy.targets.clients import client
from deploy.targets.target import EksTarget, ServerlessTarget, StepTarget

pytestmark = pytest.mark.unit

_ROLE = "arn:aws:iam::000000000000:role/example"
_SHARED = {"region": "eu-west-1", "role_arn": _ROLE, "artifacts": "s3://artefacts/lakejobs", "lake": "s3://lake/prod"}
_SERVERLESS = ServerlessTarget(kind="emr-serverless", application_id="00example", **_SHARED)
_EKS = EksTarget(kind="emr-eks", virtual_cluster_id="example", **_SHARED)
_CLUSTER = {"kind": "emr-step", "cluster_id": "j-EXAMPLE", **_SHARED}
_ZIP = b"code"
_NAME = "lakejobs-0.1.0-0123456789ab.zip"
_FOLDER = "lakejobs/lakejobs-0.1.0-0123456789ab"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stubber]:
    """Service -> what it is to answer; each answer is checked against its service model."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    stubs = {
        name: Stubber(client(name, "eu-west-1")) for name in ("emr", "emr-serverless", "emr-containers", "s3", "iam")
    }
    for module in (artefacts_there, buckets, preflight, role):
        monkeypatch.setattr(module, "client", lambda name, _region: stubs[name].client)
    for stub in stubs.values():
        stub.activate()
    return stubs


def _refused(target: Any) -> str:
    with pytest.raises(UsageError) as raised:
        preflight.check_place(target)
    return str(raised.value)


def _cluster(state: str = "WAITING", **more: Any) -> dict[str, Any]:
    return {"Cluster": {"Status": {"State": state}, "ReleaseLabel": "emr-spark-8.1.0", **more}}


def test_a_cluster_without_auto_termination_is_refused_with_the_remedy(aws: dict[str, Stubber]) -> None:
    aws["emr"].add_response("describe_cluster", _cluster())
    aws["emr"].add_response("get_auto_termination_policy", {})
    said = _refused(StepTarget(**_CLUSTER))
    assert "SUB-007" in said
    assert "aws emr put-auto-termination-policy --cluster-id j-EXAMPLE" in said


def test_a_cluster_that_ends_by_itself_or_is_meant_to_go_on_is_taken(aws: dict[str, Stubber]) -> None:
    aws["emr"].add_response("describe_cluster", _cluster(AutoTerminate=True))
    assert preflight.check_place(StepTarget(**_CLUSTER)) == []
    aws["emr"].add_response("describe_cluster", _cluster("RUNNING"))
    aws["emr"].add_response("get_auto_termination_policy", {"AutoTerminationPolicy": {"IdleTimeout": 3600}})
    assert preflight.check_place(StepTarget(**_CLUSTER)) == []
    aws["emr"].add_response("describe_cluster", _cluster())
    assert preflight.check_place(StepTarget(**_CLUSTER, keeps_running=True)) == []


@pytest.mark.parametrize("state", ["TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS"])
def test_a_cluster_that_is_gone_takes_no_step(aws: dict[str, Stubber], state: str) -> None:
    aws["emr"].add_response("describe_cluster", _cluster(state))
    assert f"SUB-006: j-EXAMPLE is {state}" in _refused(StepTarget(**_CLUSTER))


def _application(**more: Any) -> dict[str, Any]:
    fields = {
        "applicationId": "00example",
        "arn": f"arn:aws:emr-serverless:eu-west-1:000000000000:/applications/{'0' * 30}",
        "releaseLabel": "emr-spark-8.1.0",
        "type": "SPARK",
        "state": "STOPPED",
        "createdAt": 0,
        "updatedAt": 0,
        "architecture": "X86_64",
    }
    return {"application": {**fields, **more}}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"state": "TERMINATED"}, "is TERMINATED"),
        ({"autoStartConfiguration": {"enabled": False}}, "is STOPPED"),
        ({"architecture": "ARM64"}, "processors of aarch64, the target says x86_64"),
        ({"releaseLabel": "emr-7.13.0"}, "runs emr-7.13.0, the target says emr-spark-8.1.0"),
    ],
)
def test_an_application_of_another_kind_is_refused(aws: dict[str, Stubber], more: dict[str, Any], said: str) -> None:
    aws["emr-serverless"].add_response("get_application", _application(**more))
    refusal = _refused(_SERVERLESS)
    assert "SUB-006" in refusal
    assert said in refusal


def test_a_stopped_application_that_starts_by_itself_is_taken(aws: dict[str, Stubber]) -> None:
    aws["emr-serverless"].add_response("get_application", _application())
    assert preflight.check_place(_SERVERLESS) == []


def test_a_virtual_cluster_that_ends_takes_no_run(aws: dict[str, Stubber]) -> None:
    aws["emr-containers"].add_response("describe_virtual_cluster", {"virtualCluster": {"state": "TERMINATING"}})
    assert "example is TERMINATING" in _refused(_EKS)


def _body() -> dict[str, Any]:
    address = f"s3://artefacts/{_FOLDER}/{_NAME}"
    return {
        "jobDriver": {"sparkSubmit": {"sparkSubmitParameters": f"--conf spark.submit.pyFiles={address},/usr/a.jar"}}
    }


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Of a build with one file."""
    files = {_NAME: {"sha256": hashlib.sha256(_ZIP).hexdigest(), "bytes": len(_ZIP)}}
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({"archive": _NAME, "entries": {}, "files": files}), encoding="utf-8")
    return path


def _sum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def test_an_artefact_with_the_sum_of_the_manifest_is_taken(aws: dict[str, Stubber], manifest: Path) -> None:
    expected = {"Bucket": "artefacts", "Key": f"{_FOLDER}/{_NAME}", "ChecksumMode": "ENABLED"}
    aws["s3"].add_response("head_object", {"ContentLength": 4, "ChecksumSHA256": _sum(_ZIP)}, expected)
    assert artefacts_there.check_artefacts(_SERVERLESS, _body(), manifest) == []


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"ContentLength": 5}, "It has 5 bytes, in the manifest 4."),
        ({"ContentLength": 4, "ChecksumSHA256": _sum(b"edoc")}, "Its SHA-256 is another one."),
    ],
)
def test_an_artefact_other_than_the_manifest_says_is_refused(
    aws: dict[str, Stubber], manifest: Path, head: dict[str, Any], said: str
) -> None:
    aws["s3"].add_response("head_object", head)
    with pytest.raises(UsageError, match="TGT-006") as raised:
        artefacts_there.check_artefacts(_SERVERLESS, _body(), manifest)
    assert raised.value.cause == said


def test_an_artefact_that_is_not_there_is_refused(aws: dict[str, Stubber], manifest: Path) -> None:
    aws["s3"].add_client_error("head_object", "404", http_status_code=404)
    with pytest.raises(UsageError, match="The build is not uploaded"):
        artefacts_there.check_artefacts(_SERVERLESS, _body(), manifest)


def test_a_bucket_of_another_region_is_refused(aws: dict[str, Stubber]) -> None:
    aws["s3"].add_response("head_bucket", {"BucketRegion": "eu-west-1"}, {"Bucket": "artefacts"})
    aws["s3"].add_response("head_bucket", {"BucketRegion": "us-east-1"}, {"Bucket": "lake"})
    with pytest.raises(UsageError, match="SUB-008: The bucket lake is in us-east-1, the target in eu-west-1"):
        buckets.check_buckets(_SERVERLESS, ["s3://lake/prod"])


def test_a_bucket_that_may_not_be_looked_at_is_named_and_one_that_nobody_has_is_refused(
    aws: dict[str, Stubber],
) -> None:
    aws["s3"].add_client_error("head_bucket", "403", http_status_code=403)
    aws["s3"].add_response("head_bucket", {"BucketRegion": "eu-west-1"})
    assert buckets.check_buckets(_SERVERLESS, ["s3://lake/prod"]) == ["the region of the bucket artefacts (TGT-009)"]
    aws["s3"].add_client_error("head_bucket", "404", http_status_code=404)
    with pytest.raises(UsageError, match="SUB-008: There is no bucket artefacts"):
        buckets.check_buckets(_SERVERLESS, ["s3://lake/prod"])


def _role_there(aws: dict[str, Stubber]) -> None:
    fields = {"Path": "/", "RoleName": "example", "RoleId": "A" * 16, "Arn": _ROLE, "CreateDate": 0}
    aws["iam"].add_response("get_role", {"Role": fields}, {"RoleName": "example"})


def _simulated(aws: dict[str, Stubber], resource: str, decisions: dict[str, str]) -> None:
    results = [{"EvalActionName": action, "EvalDecision": decision} for action, decision in decisions.items()]
    expected = {
        "PolicySourceArn": _ROLE,
        "ActionNames": list(decisions),
        "ResourceArns": [f"arn:aws:s3:::{resource}/any"],
    }
    aws["iam"].add_response("simulate_principal_policy", {"EvaluationResults": results}, expected)


def test_a_role_without_a_right_on_a_table_is_refused(aws: dict[str, Stubber]) -> None:
    _role_there(aws)
    read, write = "s3:GetObject", "s3:PutObject"
    _simulated(aws, "artefacts/lakejobs", {read: "allowed"})
    _simulated(aws, "lake/prod/runs/clickstream/sessionise", {read: "allowed", write: "implicitDeny"})
    _simulated(aws, "lake/prod/silver/clickstream/events", {read: "allowed"})
    for table in ("session_events", "sessions"):
        rights = dict.fromkeys((read, write, "s3:DeleteObject"), "allowed")
        _simulated(aws, f"lake/prod/gold/clickstream/{table}", rights)
    with pytest.raises(UsageError, match="SUB-009") as raised:
        role.check_role(_SERVERLESS, [("clickstream.sessionise", "s3://lake/prod")])
    assert "s3:PutObject below s3://lake/prod/runs/clickstream/sessionise" in raised.value.cause


def test_a_role_that_is_not_there_is_refused(aws: dict[str, Stubber]) -> None:
    aws["iam"].add_client_error("get_role", "NoSuchEntity")
    with pytest.raises(UsageError, match="There is no role"):
        role.check_role(_SERVERLESS, [])
