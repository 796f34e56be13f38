"""An S3 that asks IAM: a proxy before a real S3 server, which refuses what the policies of a job do not all allow.

Each request is made into the actions that S3 asks IAM for. What a job was granted and never used can be told from what
it asked for.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from iam_rules import allows, matches

from deploy.policies.statements import Policy

# Where a driver says whose run begins: S3 has no bucket of this name.
ANNOUNCED = "/_run/"

_DELETED = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
# Of one connection alone, or of what the proxy itself answers.
_NOT_FORWARDED = frozenset({"connection", "expect", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True)
class Asked:
    """One action on one resource; of a listing its prefix and delimiter, where it has them."""

    action: str
    resource: str
    prefix: str | None = None
    delimiter: str | None = None

    @property
    def context(self) -> dict[str, str]:
        """The condition keys of the request."""
        keys = {"s3:prefix": self.prefix, "s3:delimiter": self.delimiter}
        return {key: value for key, value in keys.items() if value is not None}


@dataclass
class PolicedS3:
    """The proxy: before the first announced run, and after the announcement of no job, everything is allowed."""

    upstream: str
    policies: Mapping[str, Sequence[Policy]]
    endpoint: str = ""
    job: str = ""
    asked: dict[str, set[Asked]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[str, set[Asked]] = field(default_factory=lambda: defaultdict(set))

    def allow(self, asked: list[Asked]) -> bool:
        """Whether the job that runs may do all of this."""
        if not self.job:
            return True
        self.asked[self.job].update(asked)
        refused = [one for one in asked if not self._allows(one)]
        self.refused[self.job].update(refused)
        return not refused

    def _allows(self, one: Asked) -> bool:
        return all(allows(policy, one.action, one.resource, one.context) for policy in self.policies[self.job])

    def unused(self, job: str, bucket: str) -> set[tuple[str, str]]:
        """What the first policy of a job allows in a bucket and it did not do: action, and pattern or listed prefix."""
        asked, found = self.asked[job], set()
        for statement in self.policies[job][0]["Statement"]:
            for action, arn in ((action, arn) for action in statement["Action"] for arn in statement["Resource"]):
                if not re.match(rf"arn:aws:s3:::{bucket}(/|$)", arn):
                    continue
                prefixes = [
                    pattern
                    for condition in statement.get("Condition", {}).values()
                    for pattern in condition.get("s3:prefix", [])
                ]
                for prefix in prefixes or [None]:
                    if not any(
                        one.action == action
                        and matches(arn, one.resource)
                        and (prefix is None or matches(prefix, one.prefix or ""))
                        for one in asked
                    ):
                        found.add((action, prefix or arn.removeprefix(f"arn:aws:s3:::{bucket}/")))
        return found


def actions_of(method: str, target: str, headers: Mapping[str, str], body: bytes) -> list[Asked]:
    """What S3 asks IAM for on a request with the bucket in its path. Raises ValueError for one that is not known."""
    parts = urlsplit(target)
    query = parse_qs(parts.query, keep_blank_values=True)
    bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
    of_bucket, of_object = f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"
    if not key:
        if method == "POST" and "delete" in query:
            keys = [_plain(found.decode("utf-8")) for found in _DELETED.findall(body)]
            return [Asked("s3:DeleteObject", f"{of_bucket}/{one}") for one in keys]
        if method == "GET" and "uploads" in query:
            return [Asked("s3:ListBucketMultipartUploads", of_bucket)]
        if method == "GET" and "location" in query:
            return [Asked("s3:GetBucketLocation", of_bucket)]
        if method in {"GET", "HEAD"}:
            prefix, delimiter = (query.get(name, [None])[0] for name in ("prefix", "delimiter"))
            return [Asked("s3:ListBucket", of_bucket, prefix, delimiter)]
    elif method in {"GET", "HEAD"} and not set(query) - {"x-id", "versionId", "partNumber"}:
        return [Asked("s3:GetObject", of_object)]
    elif method == "DELETE":
        return [Asked("s3:AbortMultipartUpload" if "uploadId" in query else "s3:DeleteObject", of_object)]
    elif method == "PUT" or (method == "POST" and {"uploads", "uploadId"} & set(query)):
        source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/")
        copied = [Asked("s3:GetObject", f"arn:aws:s3:::{source}")] if source else []
        return [*copied, Asked("s3:PutObject", of_object)]
    raise ValueError(f"{method} {parts.path} ? {', '.join(sorted(query))}")


def _plain(text: str) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, state: PolicedS3) -> None:
        self.state = state
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client, with one to the server behind."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self._upstream = http.client.HTTPConnection(urlsplit(self.server.state.upstream).netloc, timeout=120)

    def finish(self) -> None:
        self._upstream.close()
        super().finish()

    def log_message(self, *_: Any) -> None:
        """Nothing: a test says what was refused."""

    def answer(self) -> None:
        """Answer one request."""
        state = self.server.state
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(ANNOUNCED):
            state.job = self.path.removeprefix(ANNOUNCED)
            self._send(200, {}, b"")
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            asked = actions_of(self.command, self.path, headers, body)
        except ValueError as error:
            self._refuse(501, "NotImplemented", str(error))
            return
        if not state.allow(asked):
            self._refuse(403, "AccessDenied", f"{state.job} may not: {asked}")
            return
        status, found, content = self._forwarded(headers, body)
        if status == 404 and asked[0].action == "s3:GetObject":
            # Only who may list is told that there is no object.
            bucket, _, key = asked[0].resource.removeprefix("arn:aws:s3:::").partition("/")
            if not state.allow([Asked("s3:ListBucket", f"arn:aws:s3:::{bucket}", key)]):
                self._refuse(403, "AccessDenied", f"{state.job} may not list {key}")
                return
        self._send(status, found, content)

    def _forwarded(self, headers: Mapping[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        # The signature covers the host that the client has named.
        kept = {name: value for name, value in headers.items() if name not in _NOT_FORWARDED}
        self._upstream.request(self.command, self.path, body or None, kept)
        answer = self._upstream.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()

    def _refuse(self, status: int, code: str, message: str) -> None:
        text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        self._send(status, {"Content-Type": "application/xml"}, text.encode())

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        length = str(len(body))
        for name, value in headers.items():
            if name.lower() == "content-length" and self.command == "HEAD":
                length = value
            elif name.lower() not in _NOT_FORWARDED | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


for _verb in ("GET", "HEAD", "PUT", "POST", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler.answer)


@contextmanager
def policed_s3(upstream: str, policies: Mapping[str, Sequence[Policy]]) -> Iterator[PolicedS3]:
    """Run the proxy before the server at ``upstream``."""
    state = PolicedS3(upstream, policies)
    server = _Server(state)
    state.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
