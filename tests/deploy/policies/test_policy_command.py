"""``lakejobs policy`` and the trust policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from iam_rules import KEY, allows

from common.errors import UsageError
from deploy.policies.place import Location, checked_key, input_of, location_of
from deploy.policies.trust import base36, eks_trust, serverless_trust, step_trust

pytestmark = pytest.mark.unit

PLACE = (
    *("--lake", "s3://shop-lake/lake", "--artifacts", "s3://shop-code/lakejobs"),
    *("--region", "us-east-1", "--account", "111122223333"),
)


def lakejobs(*words: str) -> int:
    from deploy.cli import main

    return main(["policy", *words])


def test_the_command_prints_a_policy_of_several_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    assert lakejobs("+clickstream.items", "--input", "s3://shop-landing/events/2026-*/x.csv", *PLACE) == 0
    shown = capsys.readouterr()
    resources = [one for statement in json.loads(shown.out)["Statement"] for one in statement["Resource"]]
    assert "arn:aws:s3:::shop-lake/lake/gold/clickstream/event_items/*" in resources
    assert "arn:aws:s3:::shop-landing/events/2026-*" in resources
    assert "no --secret is given" in shown.err


def test_a_target_says_what_the_flags_leave_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(
        "prod: {kind: emr-serverless, application_id: 00f1abc, role_arn: 'arn:aws:iam::111122223333:role/run',"
        " lake: s3://shop-lake/lake, artifacts: s3://shop-code/lakejobs, region: us-east-1}\n"
    )
    assert lakejobs("fraud.score", "--target", "prod", "--targets", str(file)) == 0
    by_target = capsys.readouterr().out
    logs = ("--logs", "s3://shop-code/lakejobs/logs/", "--log-group", "/lakejobs/prod")
    assert lakejobs("fraud.score", *PLACE, *logs) == 0
    assert capsys.readouterr().out == by_target
    assert lakejobs("--trust", "emr-serverless", "--target", "prod", "--targets", str(file)) == 0
    assert "arn:aws:emr-serverless:us-east-1:111122223333:/applications/00f1abc" in capsys.readouterr().out
    assert lakejobs("fraud.score", "--target", "prdo", "--targets", str(file)) == 2
    assert capsys.readouterr().err.startswith("TGT-001")


def test_event_logs_of_a_target_are_written_renamed_and_looked_for_in_their_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(
        "prod: {kind: emr-step, cluster_id: j-EXAMPLE, role_arn: 'arn:aws:iam::111122223333:role/run',"
        " lake: s3://shop-lake/lake, artifacts: s3://shop-code/lakejobs, region: us-east-1,"
        " logs: {s3: 's3://shop-logs/emr/', events: true}}\n"
    )
    assert lakejobs("fraud.score", "--target", "prod", "--targets", str(file)) == 0
    policy = json.loads(capsys.readouterr().out)
    # What Spark asked of an S3 server: of the folder, and of the files of one application in it.
    folder = "arn:aws:s3:::shop-logs/emr/spark-events"
    inside = f"{folder}/eventlog_v2_app-1/appstatus_app-1.inprogress"
    assert allows(policy, "s3:GetObject", folder)
    for action in ("GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"):
        assert allows(policy, f"s3:{action}", inside)
    for prefix in ("emr/spark-events", "emr/spark-events/", "emr/spark-events/eventlog_v2_app-1/"):
        assert allows(policy, "s3:ListBucket", "arn:aws:s3:::shop-logs", {"s3:prefix": prefix})
    assert not allows(policy, "s3:DeleteObject", "arn:aws:s3:::shop-logs/emr/j-EXAMPLE/steps/s-1/stdout.gz")
    assert not allows(policy, "s3:ListBucket", "arn:aws:s3:::shop-logs", {"s3:prefix": "emr/"})


def test_the_token_of_a_lineage_server_is_read_by_any_job_and_the_pseudonym_key_is_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secrets = ("--secret", "lakejobs/pseudonyms", "--lineage-token", "secret://aws/lakejobs/lineage", "--kms-key", KEY)
    for more in ((), ("--session",)):
        assert lakejobs("fraud.score", *PLACE, *secrets, *more) == 0
        policy = json.loads(capsys.readouterr().out)
        of_secret = "arn:aws:secretsmanager:us-east-1:111122223333:secret:lakejobs"
        assert allows(policy, "secretsmanager:GetSecretValue", f"{of_secret}/lineage-a1B2c3")
        assert not allows(policy, "secretsmanager:GetSecretValue", f"{of_secret}/pseudonyms-a1B2c3")
        through = {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}
        assert allows(policy, "kms:Decrypt", KEY, through)


def test_a_session_policy_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert lakejobs("clickstream.items", "--session", *PLACE) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("clickstream.itemz", *PLACE), "PKG-001"),
        ((), "IAM-004"),
        (("fraud.ingest", *PLACE), "IAM-002"),
        (("fraud.score", *PLACE[2:], "--lake", "/data/lake"), "IAM-001"),
        (("fraud.score", *PLACE[2:], "--lake", "s3://shop-*/lake"), "IAM-001"),
        (("fraud.score", *PLACE, "--artifacts", "s3://shop-code"), "IAM-001"),
        (("fraud.score", *PLACE, "--account", "1111"), "IAM-001"),
        (("--trust", "emr-step"), "IAM-004"),
    ],
)
def test_what_cannot_stand_in_a_policy_is_refused(
    words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lakejobs(*words) == 2
    assert capsys.readouterr().err.startswith(code)


def test_places_are_buckets_and_prefixes() -> None:
    assert location_of("--lake", "s3a://shop-lake/a/b/") == Location("shop-lake", "a/b")
    assert input_of("s3://shop-landing/events/") == ("shop-landing", "events", "events/*")
    assert input_of("s3://shop-landing/day=2026-*/[ab].csv") == ("shop-landing", "day=2026-*")
    with pytest.raises(UsageError):
        checked_key("alias/lake")


def test_a_step_role_is_taken_by_the_instance_profile_alone() -> None:
    role = "arn:aws:iam::111122223333:role/lakejobs-nodes"
    (statement,) = step_trust(role)["Statement"]
    assert statement["Principal"] == {"AWS": role}
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_a_serverless_role_is_taken_for_one_application_of_the_account() -> None:
    (statement,) = serverless_trust("eu-central-1", "111122223333", "00f1abcdefgh")["Statement"]
    assert statement["Principal"] == {"Service": "emr-serverless.amazonaws.com"}
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "111122223333"},
        "ArnLike": {"aws:SourceArn": "arn:aws:emr-serverless:eu-central-1:111122223333:/applications/00f1abcdefgh*"},
    }


def test_an_eks_role_is_taken_by_the_pods_of_one_namespace_for_this_role() -> None:
    issuer = "oidc.eks.us-east-1.amazonaws.com/id/ABCDEF0123456789"
    (statement,) = eks_trust("us-east-1", "111122223333", f"https://{issuer}", "lakejobs", "ab")["Statement"]
    assert statement["Principal"] == {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{issuer}"}
    # "ab" is 97 * 256 + 98 = 24930 = 19 * 36^2 + 8 * 36 + 18, in digits j, 8, i.
    assert statement["Condition"]["StringLike"] == {
        f"{issuer}:sub": "system:serviceaccount:lakejobs:emr-containers-sa-*-*-111122223333-j8i"
    }
    assert base36("ab") == "j8i"
