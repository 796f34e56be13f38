"""References to secrets: fetched late, never shown."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from common.errors import UsageError
from common.secrets import reveal, revealed

pytestmark = pytest.mark.unit


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEJOBS_TEST_KEY", "hunter2")
    assert reveal("secret://env/LAKEJOBS_TEST_KEY") == "hunter2"


def test_a_secret_comes_from_a_file_without_its_last_newline(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(" hunter2 \n")
    assert reveal(f"secret://file/{file}") == " hunter2 "


def test_only_references_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEJOBS_TEST_KEY", "hunter2")
    given = {"fs.s3a.secret.key": "secret://env/LAKEJOBS_TEST_KEY", "spark.x": "1"}
    assert revealed(given) == {"fs.s3a.secret.key": "hunter2", "spark.x": "1"}


@pytest.mark.parametrize("reference", ["secret://env/LAKEJOBS_NO_SUCH", "secret://file//no/such/file"])
def test_a_secret_that_is_not_there_names_its_reference(reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        reveal(reference)
    assert caught.value.code == "SEC-001"
    assert reference in caught.value.message


def test_an_empty_secret_is_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("\n")
    with pytest.raises(UsageError, match="could not be read"):
        reveal(f"secret://file/{file}")


def test_a_secret_of_secrets_manager_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "secretsmanager", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(boto3, "client", lambda service, region_name: client)
    with Stubber(client) as stub:
        answer = {"SecretString": "hunter2", "Name": "lake/key", "ARN": "arn:aws:secretsmanager:x:y:secret:z"}
        stub.add_response("get_secret_value", answer, {"SecretId": "lake/key"})
        assert reveal("secret://aws/lake/key") == "hunter2"
        stub.add_client_error("get_secret_value", "AccessDeniedException")
        with pytest.raises(UsageError, match="secret://aws/lake/key could not be read"):
            reveal("secret://aws/lake/key")


@pytest.mark.parametrize("text", ["hunter2", "secret://vault/hunter2", "secret://env/"])
def test_another_form_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        reveal(text)
    assert caught.value.code == "SEC-002"
    assert "hunter2" not in str(caught.value)
