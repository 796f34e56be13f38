"""Posts events to a lineage server beside the run: whatever becomes of them, the run goes on."""

from __future__ import annotations

import json
import queue
import threading
import urllib.request
from collections.abc import Mapping
from http.client import HTTPMessage
from typing import IO, TYPE_CHECKING, Any
from urllib.error import HTTPError

from common.causes import cause_of
from common.clock import monotonic_seconds
from common.errors import LakejobsError
from common.secrets import reveal

if TYPE_CHECKING:
    from common.config.lineage_settings import LineageSettings


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: following it would carry the token to another server."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow nothing."""


class Posts:
    """Events on their way to one server, in their order, sent by a thread that no run waits for but at its end."""

    def __init__(self, url: str, settings: LineageSettings, region: str | None) -> None:
        self._url = url
        self._settings = settings
        self._region = region
        self._waiting: queue.SimpleQueue[Mapping[str, Any] | None] = queue.SimpleQueue()
        self._problems: list[str] = []
        self._given = self._tried = 0
        self._opener = urllib.request.build_opener(_NoRedirect)
        # A daemon: a server that holds the connection does not hold the process.
        self._thread = threading.Thread(target=self._send_all, name="lineage", daemon=True)
        self._thread.start()

    def put(self, event: Mapping[str, Any]) -> None:
        """Have an event sent; returns at once."""
        self._given += 1
        self._waiting.put(event)

    def finish(self) -> list[str]:
        """Wait for what is not sent yet, as long as the settings allow; sentences about what could not be sent."""
        begun = monotonic_seconds()
        self._waiting.put(None)
        self._thread.join(self._settings.timeout_seconds)
        problems = list(self._problems)
        if self._thread.is_alive():
            left = self._given - self._tried
            problems.append(f"{left} of {self._given} events not sent after {monotonic_seconds() - begun:.1f} s")
        return problems

    def _send_all(self) -> None:
        while (event := self._waiting.get()) is not None:
            try:
                self._send(event)
            except HTTPError as error:
                self._problems.append(f"the server answered {error.code} to {event['eventType']}")
            except LakejobsError as error:
                self._problems.append(f"{error.code} {error.message}")
            except Exception as error:  # a server may do anything.
                self._problems.append(f"{event['eventType']} was not sent: {cause_of(error)}")
            self._tried += 1

    def _send(self, event: Mapping[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {reveal(self._settings.token, region=self._region)}"
        body = json.dumps(event).encode()
        # The settings let pass http and https only.
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310
        with self._opener.open(request, timeout=self._settings.timeout_seconds):
            pass
