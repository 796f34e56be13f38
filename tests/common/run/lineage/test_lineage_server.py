"""Events are posted to a lineage server, and whatever it does, the run ends as it would without one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from open_lineage import faults_of

from common.run.context import RunContext

pytestmark = pytest.mark.unit


class Server:
    """What a lineage server on this machine was sent: headers and events; it answers with ``status``."""

    def __init__(self, status: int, location: str = "") -> None:
        self.events: list[dict[str, Any]] = []
        self.tokens: list[str | None] = []
        self.paths: list[str] = []
        self.released = threading.Event()
        self.status, self.location = status, location
        self.url = ""

    def settings(self, *more: str) -> tuple[str, ...]:
        """The flags of a run that posts to it."""
        return tuple(word for one in (f"url={self.url}", *more) for word in ("--set", f"lake.lineage.{one}"))


@contextmanager
def serving(status: int = 201, *, location: str = "", answers: bool = True) -> Iterator[Server]:
    server = Server(status, location)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if not answers:
                server.released.wait(60)
                return
            server.events.append(json.loads(body or b"{}"))
            server.tokens.append(self.headers["Authorization"])
            server.paths.append(self.path)
            self.send_response(server.status)
            if server.location:
                self.send_header("Location", server.location)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *args: Any) -> None:
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listening.daemon_threads = True
    threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True).start()
    server.url = f"http://127.0.0.1:{listening.server_port}/api/v1/lineage"
    try:
        yield server
    finally:
        server.released.set()
        listening.shutdown()
        listening.server_close()


def nothing(context: RunContext) -> None:
    """A run without rows."""


def test_the_events_of_a_run_are_posted_in_their_order_with_the_token(
    toy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAGE_TOKEN", "t0ken")
    with serving() as server:
        assert toy.run(nothing, *server.settings("token=secret://env/LINEAGE_TOKEN")) == 0
    assert [event["eventType"] for event in server.events] == ["START", "COMPLETE"]
    assert [faults_of(event) for event in server.events] == [[], []]
    assert (server.tokens, server.paths) == (["Bearer t0ken"] * 2, ["/api/v1/lineage"] * 2)
    assert "lineage is incomplete" not in toy.err
    assert "t0ken" not in toy.out + toy.err + json.dumps(toy.record)


def test_events_are_posted_and_written_when_both_are_wanted(toy: Any) -> None:
    with serving() as server:
        toy.run(nothing, *server.settings("files=true"))
    stored = sorted((toy.lake / "runs" / "lineage" / "toy" / "run").glob("*.json"), reverse=True)
    assert [json.loads(file.read_text()) for file in stored] == server.events


@pytest.mark.parametrize(("status", "words"), [(503, "answered 503"), (401, "answered 401"), (302, "answered 302")])
def test_a_server_that_refuses_fails_no_run_and_is_said_in_the_log(toy: Any, status: int, words: str) -> None:
    with serving() as other, serving(status, location=other.url) as server:
        assert toy.run(nothing, *server.settings()) == 0
    assert words in toy.err
    assert (toy.record["status"], len(server.events), other.events) == ("done", 2, [])


def test_a_server_that_is_not_there_fails_no_run(toy: Any) -> None:
    with serving() as server:
        pass
    assert toy.run(nothing, *server.settings()) == 0
    assert "lineage is incomplete" in toy.err


def test_a_server_that_never_answers_holds_no_run_beyond_the_timeout(toy: Any) -> None:
    with serving(answers=False) as server:
        assert toy.run(nothing, *server.settings("timeout_seconds=0.3")) == 0
        assert not server.released.is_set()
    assert "lineage is incomplete" in toy.err
    assert server.events == []


def test_a_token_that_cannot_be_read_fails_no_run(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINEAGE_TOKEN", raising=False)
    with serving() as server:
        assert toy.run(nothing, *server.settings("token=secret://env/LINEAGE_TOKEN")) == 0
    assert "SEC-001" in toy.err
    assert server.events == []


def test_files_that_cannot_be_written_fail_no_run(toy: Any) -> None:
    (toy.lake / "runs").mkdir(parents=True)
    (toy.lake / "runs" / "lineage").write_text("a file where a folder should be")
    assert toy.run(nothing, "--set", "lake.lineage.files=true") == 0
    assert (toy.record["status"], "lineage is incomplete" in toy.err) == ("done", True)


def test_a_failed_run_stays_failed_for_its_own_reason(toy: Any) -> None:
    def failing(context: RunContext) -> None:
        raise ValueError("wrong")

    with serving(500) as server:
        assert toy.run(failing, *server.settings()) == 1
    assert [event["eventType"] for event in server.events] == ["START", "FAIL"]
    assert toy.record["error"]["code"] == "RUN-003"
