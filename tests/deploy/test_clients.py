"""What a service of AWS refuses, in words that a person can act on."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from common.errors import LakejobsError
from deploy.targets.clients import ask, client, is_absent

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some that no service knows; nothing is sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


@pytest.mark.parametrize(
    ("code", "expected", "exit_code"),
    [
        ("AccessDeniedException", "TGT-009", 2),
        ("ExpiredTokenException", "TGT-008", 2),
        ("ThrottlingException", "TGT-011", 75),
        ("InternalServerException", "TGT-011", 75),
        ("ValidationException", "TGT-010", 2),
        ("ConflictException", "TGT-010", 2),
    ],
)
def test_a_refusal_has_a_code_that_says_whether_to_try_again(code: str, expected: str, exit_code: int) -> None:
    emr = client("emr-serverless", "eu-west-1")
    stub = Stubber(emr)
    stub.add_client_error("get_job_run", code, "in its own words")
    with stub, pytest.raises(LakejobsError) as raised:
        ask(emr, "get_job_run", applicationId="00example", jobRunId="00run")
    assert (raised.value.code, raised.value.exit_code) == (expected, exit_code)
    assert code in raised.value.message


def test_a_service_that_cannot_be_reached_is_worth_another_try() -> None:
    emr = client("emr", "eu-west-1")

    def unreachable(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://example")

    emr.describe_cluster = unreachable
    with pytest.raises(LakejobsError, match="could not be reached") as raised:
        ask(emr, "describe_cluster", ClusterId="j-EXAMPLE")
    assert raised.value.exit_code == 75


def test_without_a_region_no_client_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(LakejobsError, match="region of emr is not known"):
        client("emr")


def test_what_is_not_there_is_told_from_what_is_denied() -> None:
    missing = ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetJobRun")
    denied = ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject")
    assert is_absent(missing)
    assert not is_absent(denied)
