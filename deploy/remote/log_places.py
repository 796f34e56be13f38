"""Where the logs of a run lie, for each service, and which of them are whose."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from deploy.remote.run import SentRun, Service
from deploy.targets.clients import ask, client

_CHUNK = 1 << 16
# Of YARN, the first container of an application is its master: in cluster mode the driver.
_MASTER = re.compile(r"/container_[\w]+_0*1/")
_STREAM = re.compile(r"(?:^|/)(stdout|stderr)(?:[._-].*)?$")


@dataclass(frozen=True)
class Place:
    """A bucket or a log group, ``root``, and the prefix of what this run has written there."""

    kind: str
    root: str
    prefix: str

    @property
    def shown(self) -> str:
        """As a person would look it up."""
        return f"s3://{self.root}/{self.prefix}" if self.kind == "s3" else f"{self.root} {self.prefix}"


@dataclass(frozen=True)
class Stream:
    """Whose log, ``driver``, ``executors`` or ``step``, and ``stdout``, ``stderr`` or ``both``."""

    of: str
    stream: str

    def takes(self, path: str) -> bool:
        """Whether a path or the name of a log stream is one of these."""
        path = f"/{path}"
        found = _STREAM.search(path.removesuffix(".gz"))
        if not found or self.stream not in ("both", found.group(1)):
            return False
        return self.of == _whose(path)


def _whose(path: str) -> str:
    if "/SPARK_DRIVER/" in path or "-driver/" in path:
        return "driver"
    if "/SPARK_EXECUTOR/" in path or re.search(r"-exec-\d+", path):
        return "executors"
    if "/containers/application_" in path:
        return "driver" if _MASTER.search(path) else "executors"
    return "step"


@dataclass(frozen=True)
class LogFile:
    """One file of a log on S3."""

    bucket: str
    key: str
    etag: str

    @property
    def address(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def stream(self) -> str:
        """``stdout`` or ``stderr``."""
        found = _STREAM.search(self.key.removesuffix(".gz"))
        return found.group(1) if found else self.key

    def lines(self, s3: Any) -> Iterator[str]:
        """The lines, unpacked as they come: a log of gigabytes is never held."""
        body = ask(s3, "get_object", Bucket=self.bucket, Key=self.key)["Body"]
        chunks = iter(lambda: body.read(_CHUNK), b"")
        text = codecs.getincrementaldecoder("utf-8")("replace")
        left = ""
        for chunk in _unpacked(chunks) if self.key.endswith(".gz") else chunks:
            *whole, left = (left + text.decode(chunk)).split("\n")
            yield from whole
        if left:
            yield left


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """gzip, of several members too: logs that are appended to are written so. What is no gzip ends it."""
    unpacker = zlib.decompressobj(wbits=31)
    with suppress(zlib.error):
        for chunk in chunks:
            rest = chunk
            while rest:
                yield unpacker.decompress(rest)
                rest = unpacker.unused_data
                if unpacker.eof:
                    unpacker = zlib.decompressobj(wbits=31)


def files_on_s3(s3: Any, place: Place, wanted: Stream) -> Iterator[LogFile]:
    """The files that are wanted, in the order of their keys."""
    request = {"Bucket": place.root, "Prefix": place.prefix}
    while True:
        answer = ask(s3, "list_objects_v2", **request)
        for one in answer.get("Contents", []):
            if wanted.takes(one["Key"]):
                yield LogFile(place.root, one["Key"], one.get("ETag", ""))
        if not answer.get("NextContinuationToken"):
            return
        request["ContinuationToken"] = answer["NextContinuationToken"]


def places_of(run: SentRun, service: Service, region: str | None) -> list[Place]:
    """Where a run's logs go, as its own request says; CloudWatch, which is sooner there, comes first."""
    if service.name == "emr":
        return _of_step(run, service.place, region)
    said = (run.answer.get("configurationOverrides") or {}).get("monitoringConfiguration") or {}
    uri = (said.get("s3MonitoringConfiguration") or {}).get("logUri", "")
    if service.name == "emr-serverless":
        # With a retry policy /attempts/<n>/ comes next, and all of it lies below.
        below = f"applications/{service.place}/jobs/{run.id}/"
        group = said.get("cloudWatchLoggingConfiguration") or {}
        is_on = bool(group.get("enabled"))
    else:
        below = f"{service.place}/jobs/{run.id}/"
        group = said.get("cloudWatchMonitoringConfiguration") or {}
        is_on = bool(group)
    places = []
    if is_on:
        prefix = group.get("logStreamNamePrefix", "")
        places.append(Place("cloudwatch", group.get("logGroupName", "/aws/emr-serverless"), _joined(prefix, below)))
    return [*places, *_on_s3(uri, below)]


def _of_step(run: SentRun, cluster: str, region: str | None) -> list[Place]:
    """A step's own log, and the containers of its application: below its own prefix, or that of the cluster."""
    emr = client("emr", region)
    step = ask(emr, "describe_step", ClusterId=cluster, StepId=run.id)["Step"]
    found = ask(emr, "describe_cluster", ClusterId=cluster)["Cluster"]
    applications = (step.get("AdditionalInfo") or {}).get("ResourceManagerApplicationIds", run.applications)
    places = []
    group: Mapping[str, Any] = (found.get("MonitoringConfiguration") or {}).get("CloudWatchLogConfiguration") or {}
    if group.get("Enabled"):
        root = group.get("LogGroupName") or f"/aws/emr/{cluster}"
        below = _joined(group.get("LogStreamNamePrefix", ""), f"{cluster}/")
        places.append(Place("cloudwatch", root, below))
    for uri in dict.fromkeys(one for one in (step.get("LogUri"), found.get("LogUri")) if one):
        places += _on_s3(uri, f"{cluster}/steps/{run.id}/")
        for application in applications:
            places += _on_s3(uri, f"{cluster}/containers/{application}/")
    return places


def _on_s3(uri: str, below: str) -> list[Place]:
    if not uri:
        return []
    # A cluster's own LogUri comes back as s3n://.
    bucket, _, prefix = uri.partition("://")[2].partition("/")
    return [Place("s3", bucket, _joined(prefix, below))]


def _joined(prefix: str, below: str) -> str:
    return f"{prefix.strip('/')}/{below}" if prefix.strip("/") else below
