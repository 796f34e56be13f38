"""Whose credentials a process has: STS is asked once, and whatever it does, the answer is a value."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from common.config.lake_settings import LakeSettings
from common.lake.storage.caller import Caller, caller
from jobs.maintenance.examination.account import account_findings

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ARN = "arn:aws:sts::000000000000:assumed-role/example/run"
_FOUND = (
    f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{_ARN}</Arn></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>"
)


def _refusal(code: str) -> str:
    return f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"


@contextmanager
def sts(status: int, body: str) -> Iterator[str]:
    """A server that gives every request the same answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def credentials(s3_out_of_reach: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, _FOUND, Caller("env", arn=_ARN)),
        (403, _refusal("AccessDenied"), Caller("env", problem="STS answered AccessDenied.")),
        (
            403,
            _refusal("InvalidClientTokenId"),
            Caller("env", problem="STS answered InvalidClientTokenId.", is_unknown=True),
        ),
    ],
)
def test_an_answer_is_taken_for_what_it_says(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, expected: Caller
) -> None:
    with sts(status, body) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", endpoint)
        assert caller("eu-west-1") == expected


@pytest.mark.usefixtures("credentials")
def test_a_place_without_sts_leaves_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    # Taken and never answered, as by an endpoint that a security group hides.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://127.0.0.1:{silent.getsockname()[1]}")
        found = caller("eu-west-1", seconds=1)
    assert (found.provider, found.arn, found.is_unknown) == ("env", "", False)
    assert found.problem.startswith("STS could not be asked: ReadTimeoutError")


def test_without_credentials_there_is_no_provider() -> None:
    assert caller("eu-west-1") == Caller("")


def _statuses(**settings: str) -> list[tuple[str, str, bool]]:
    return [(one.check, one.status, one.stops) for one in account_findings(LakeSettings(**settings))]


def test_a_lake_on_s3_without_credentials_would_stop_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    assert _statuses(root="s3://lake/prod") == [("credentials", "wrong", True), ("region", "wrong", False)]
    assert _statuses(root="s3://lake/prod", s3_region="eu-west-1")[1] == ("region", "ok", False)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(
    "settings", [{"root": "lake"}, {"root": "s3://lake/prod", "s3_endpoint_url": "http://127.0.0.1:9", "s3_region": ""}]
)
def test_credentials_of_another_server_are_not_shown_to_aws(settings: dict[str, str]) -> None:
    assert _statuses(**settings)[0] == ("credentials", "not checked", False)
