"""A real S3 server on loopback: s3proxy over a folder, started and stopped by a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

from common.config.lake_settings import LakeSettings
from deploy.laptop.jars import ensure_jars

IDENTITY = "lake-test-identity"
CREDENTIAL = "lake-test-credential"
BUCKET = "lake"


@dataclass(frozen=True)
class S3Server:
    """Where the server listens, and the folder that holds its objects."""

    endpoint: str
    folder: Path

    def settings(self, prefix: str = "root", **more: object) -> LakeSettings:
        """Lake settings with the root in this server's bucket."""
        fields = {"s3_endpoint_url": self.endpoint, "s3_region": "us-east-1", "s3_path_style": True, **more}
        return LakeSettings.model_validate({"root": f"s3://{BUCKET}/{prefix}", **fields})

    def environment(self) -> dict[str, str]:
        """The credentials, as variables for this or another process."""
        return {"AWS_ACCESS_KEY_ID": IDENTITY, "AWS_SECRET_ACCESS_KEY": CREDENTIAL, "AWS_REGION": "us-east-1"}


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Run the server over ``folder`` with one empty bucket."""
    jar = ensure_jars(["s3proxy"])[0]
    objects = folder / "objects"
    objects.mkdir(parents=True)
    server, process = _started(jar, folder, objects)
    try:
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(objects, ignore_errors=True)


def _started(jar: Path, folder: Path, objects: Path) -> tuple[S3Server, subprocess.Popen[bytes]]:
    """A server that answers. Another process may have taken the port before it: then another one is tried."""
    java = str(Path(os.environ["JAVA_HOME"]) / "bin" / "java") if os.environ.get("JAVA_HOME") else "java"
    for tries_left in (2, 1, 0):
        server = S3Server(f"http://127.0.0.1:{free_port()}", objects)
        conf = folder / "s3proxy.conf"
        conf.write_text(
            "\n".join(
                [
                    "s3proxy.authorization=aws-v2-or-v4",
                    f"s3proxy.identity={IDENTITY}",
                    f"s3proxy.credential={CREDENTIAL}",
                    f"s3proxy.endpoint={server.endpoint}",
                    "jclouds.provider=filesystem-nio2",
                    f"jclouds.filesystem.basedir={objects}",
                    "jclouds.identity=unused",
                    "jclouds.credential=unused",
                ]
            )
        )
        with (folder / "s3proxy.log").open("wb") as log:
            command = [java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-jar", str(jar)]
            process = subprocess.Popen([*command, "--properties", str(conf)], stdout=log, stderr=subprocess.STDOUT)
        try:
            _make_bucket(server, process, folder / "s3proxy.log")
        except RuntimeError:
            process.kill()
            process.wait(timeout=30)
            if not tries_left:
                raise
        else:
            break
    return server, process


def _make_bucket(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}, connect_timeout=2, read_timeout=10)
    # Not by the default session, which may have looked for credentials before.
    session = boto3.Session(aws_access_key_id=IDENTITY, aws_secret_access_key=CREDENTIAL)
    client = session.client("s3", endpoint_url=server.endpoint, region_name="us-east-1", config=config)
    deadline = time.monotonic() + 90
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            return
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the S3 server did not start: {error}\n{log.read_text()[-3000:]}") from error
            time.sleep(0.3)
