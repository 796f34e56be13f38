"""A real YARN of one node manager, with an HDFS for artefacts, in a JVM of its own that is driven from Python."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyspark
from py4j.java_gateway import GatewayParameters, JavaGateway
from py4j.protocol import Py4JJavaError

from deploy.laptop.jars import ensure_jars
from deploy.laptop.toolchain import ensure_java

_OPENS = [f"--add-opens=java.base/java.{part}=ALL-UNNAMED" for part in ("lang", "util", "io")]
# Without Hadoop's native library each file of an unpacked archive costs two processes, chmod and ls; the JVM's own way
# of starting one starts a helper first.
_FORKS = "-Djdk.lang.Process.launchMechanism=VFORK"
_MEMORY_MB = 4096

_SETTINGS = {
    "dfs.replication": "1",
    "yarn.nodemanager.resource.memory-mb": str(_MEMORY_MB),
    "yarn.nodemanager.resource.cpu-vcores": "4",
    "yarn.scheduler.minimum-allocation-mb": "128",
    "yarn.scheduler.maximum-allocation-mb": str(_MEMORY_MB),
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": "100",
    "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0",
    "yarn.nodemanager.pmem-check-enabled": "false",
    "yarn.nodemanager.vmem-check-enabled": "false",
    "yarn.nodemanager.delete.debug-delay-sec": "600",
    "yarn.log-aggregation-enable": "false",
    # One node that is asked ten times a second, not once: nobody waits for the next beat.
    "yarn.resourcemanager.nodemanagers.heartbeat-interval-ms": "100",
    # A nearly full disk is no reason to call the node ill.
    "yarn.nodemanager.disk-health-checker.max-disk-utilization-per-disk-percentage": "99.5",
}
# The mini cluster's own mapping class is not on Spark's class path.
_SWITCH_MAPPING = "net.topology.node.switch.mapping.impl"


@dataclass(frozen=True)
class YarnCluster:
    """A running cluster: ``conf`` is the client's configuration folder, ``hdfs`` the root of its file system."""

    conf: Path
    work: Path
    hdfs: str
    files: Any
    jvm: Any

    def upload(self, path: Path, name: str) -> None:
        """Puts a file into HDFS under a path below its root."""
        java_path = self.jvm.org.apache.hadoop.fs.Path
        self.files.copyFromLocalFile(java_path(f"file://{path}"), java_path(f"{self.hdfs}/{name}"))

    def attempts(self, application: str) -> set[str]:
        """Which attempts of an application got a container: ``container_<cluster>_<number>_<attempt>_<container>``."""
        containers = self.work.rglob(f"*logDir*/{application}/container_*")
        return {path.name.rsplit("_", 2)[1] for path in containers}

    def container_logs(self, application: str) -> str:
        """The ends of all containers' logs of one application."""
        parts = []
        for path in sorted(self.work.rglob(f"*logDir*/{application}/container_*/*")):
            if path.is_file():
                text = path.read_text(encoding="utf-8", errors="replace")
                parts.append(f"--- {path.parent.name}/{path.name}\n{text[-6000:]}")
        return "\n".join(parts)


@contextmanager
def running_yarn(work: Path) -> Iterator[YarnCluster]:
    """Starts the cluster and stops it at the end, with everything that still runs on it."""
    home = ensure_java()
    (py4j_jar,) = (Path(pyspark.__file__).parent / "jars").glob("py4j-*.jar")
    class_path = os.pathsep.join(str(path) for path in [*ensure_jars(["minicluster"]), py4j_jar])
    command = [f"{home}/bin/java", "-Xmx600m", "-XX:+UseSerialGC", _FORKS, *_OPENS, "-cp", class_path]
    work.mkdir(parents=True)
    with (work / "yarn.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "py4j.GatewayServer", "--enable-auth", "--die-on-broken-pipe", "0"],
            cwd=work,
            env={"PATH": os.environ["PATH"], "HOME": str(work), "JAVA_HOME": home},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert server.stdout is not None
        port, token = int(server.stdout.readline()), server.stdout.readline().strip()
        gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auth_token=token))
        try:
            try:
                stop, cluster = _start(gateway.jvm, work)
            except Py4JJavaError as error:
                # The text comes from the JVM, which is about to be stopped.
                raise AssertionError(str(error)) from None
            try:
                yield cluster
            finally:
                # Stops containers too; a kill alone would leave them running.
                stop()
        finally:
            gateway.shutdown(raise_exception=False)
            server.kill()
            server.wait()


def _start(jvm: Any, work: Path) -> tuple[Callable[[], None], YarnCluster]:
    settings = jvm.org.apache.hadoop.yarn.conf.YarnConfiguration()
    for key, value in {**_SETTINGS, "hdfs.minidfs.basedir": str(work / "hdfs")}.items():
        settings.set(key, value)
    storage = jvm.org.apache.hadoop.hdfs.MiniDFSCluster.Builder(settings).numDataNodes(1).build()
    storage.waitClusterUp()
    # The storage has made itself the default; paths without a scheme are to stay local.
    settings.set("fs.defaultFS", "file:///")
    cluster = jvm.org.apache.hadoop.yarn.server.MiniYARNCluster("lakejobs", 1, 1, 1)
    cluster.init(settings)
    cluster.start()
    if not cluster.waitForNodeManagersToConnect(60_000):
        raise AssertionError(f"no node manager came up, see {work / 'yarn.log'}")
    client = cluster.getConfig()
    client.set(_SWITCH_MAPPING, "org.apache.hadoop.net.ScriptBasedMapping")
    folder = work / "conf"
    folder.mkdir()
    for name in ("core-site.xml", "yarn-site.xml"):
        stream = jvm.java.io.FileOutputStream(str(folder / name))
        client.writeXml(stream)
        stream.close()

    def stop() -> None:
        cluster.stop()
        storage.shutdown()

    root = f"hdfs://127.0.0.1:{storage.getNameNodePort()}"
    return stop, YarnCluster(folder, work, root, storage.getFileSystem(), jvm)
