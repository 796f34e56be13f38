"""A standalone Spark master with two workers of one core, each a separate process that a test may kill."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from submit import SPARK_HOME, clean_environment

_MASTER = "org.apache.spark.deploy.master.Master"
_WORKER = "org.apache.spark.deploy.worker.Worker"
_START_SECONDS = 120


@dataclass
class Daemon:
    """A running master or worker and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first match in the log, awaited."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            found = re.search(pattern, self.log.read_text(encoding="utf-8", errors="replace"))
            if found:
                return found
            time.sleep(0.2)
        raise AssertionError(f"'{pattern}' did not come:\n{self.log.read_text(encoding='utf-8')[-3000:]}")

    def kill(self) -> None:
        """Ends the daemon and all that it has started at once, as a lost machine does."""
        if self.process.poll() is None:
            family = psutil.Process(self.process.pid)
            for process in [family, *family.children(recursive=True)]:
                with_it_gone(process)
        self.process.wait()


def with_it_gone(process: psutil.Process) -> None:
    """Kills one process; one that has ended by itself is as good."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


@dataclass
class Standalone:
    """A running cluster: ``url`` is its master, ``workers`` the daemons."""

    url: str
    workers: list[Daemon] = field(default_factory=list)


def _start(work: Path, name: str, *arguments: str) -> Daemon:
    log = work / f"{name}.log"
    environment = clean_environment(work, SPARK_DAEMON_MEMORY="256m", SPARK_LOCAL_IP="127.0.0.1")
    with log.open("wb") as stream:
        command = [str(SPARK_HOME / "bin" / "spark-class"), *arguments]
        return Daemon(
            subprocess.Popen(command, cwd=work, env=environment, stdout=stream, stderr=subprocess.STDOUT), log
        )


@contextmanager
def running_standalone(work: Path) -> Iterator[Standalone]:
    """Starts the cluster and stops it at the end."""
    work.mkdir(parents=True)
    daemons = [_start(work, "master", _MASTER, "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")]
    try:
        cluster = Standalone(daemons[0].wait_for(r"Starting Spark master at (spark://[\d.]+:\d+)").group(1))
        for number in (1, 2):
            size = ["--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", "1g"]
            folder = str(work / f"worker{number}")
            daemons.append(_start(work, f"worker{number}", _WORKER, *size, "-d", folder, cluster.url))
        cluster.workers = daemons[1:]
        for worker in cluster.workers:
            worker.wait_for("Successfully registered with master")
        yield cluster
    finally:
        for daemon in reversed(daemons):
            daemon.kill()
