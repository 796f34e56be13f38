"""Builds the dependency archive shipped with the code: a relocatable environment without Spark, Delta or Hadoop.

The archive is made from a hash-pinned lock (requirements/run-<lock>.txt) for one processor and one interpreter path; no
container and no machine of that kind is needed, because only wheels go in. The same lock gives the same bytes. On a
node it is unpacked as a folder whose ``bin/python`` is a link to the node's own interpreter.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from common.errors import JobFailedError, UsageError
from deploy.package.processors import check_processors

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "environments"
PYTHON_VERSION = "3.11"
NODE_PREFIX = "/usr"
# Amazon Linux 2023 has glibc 2.34.
PLATFORMS = {"x86_64": "x86_64-manylinux_2_34", "aarch64": "aarch64-manylinux_2_34"}

_LAYOUT = 2
_SITE_PACKAGES = f"lib/python{PYTHON_VERSION}/site-packages"
_NEVER_SHIPPED = ("pyspark", "delta", "delta_spark", "hadoop", "py4j")
# Test suites, headers and static libraries that wheels carry; nothing imports them at run time.
_LEFT_OUT_FOLDERS = {"tests", "include"}
_LEFT_OUT_SUFFIXES = {".a", ".h", ".hpp", ".pxd", ".pyx"}
# botocore describes four hundred services, which is a tenth of all files. Jobs call two; the others are how a job
# comes by its credentials.
_AWS_SERVICES = {"s3", "secretsmanager", "signin", "sso", "sso-oidc", "sts"}


def lock_file(lock: str) -> Path:
    """The run-time lock of that name. Raises UsageError PKG-005 when there is none."""
    path = REPOSITORY / "requirements" / f"run-{lock}.txt"
    if not path.is_file():
        known = sorted(found.stem.removeprefix("run-") for found in path.parent.glob("run-*.txt"))
        raise UsageError("PKG-005", f"There is no lock '{lock}'.", remedy=f"Known locks: {', '.join(known)}.")
    return path


def find_uv() -> str:
    """The uv command: environment variable UV, the project's toolchain, or PATH. Raises UsageError PKG-006."""
    local = REPOSITORY / ".toolchain" / "uv" / "bin" / "uv"
    found = os.environ.get("UV") or (str(local) if local.is_file() else None) or shutil.which("uv")
    if not found:
        raise UsageError(
            "PKG-006", "The command uv was not found.", remedy="Run `make package`, or set UV to the path of uv."
        )
    return found


def run_tool(command: list[str]) -> None:
    """Runs a build tool to its end. Raises JobFailedError PKG-007 with the end of its output when it fails."""
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise JobFailedError(
            "PKG-007",
            "A build tool failed.",
            cause=f"{Path(command[0]).name} ended with {finished.returncode}: {finished.stderr.strip()[-1500:]}",
            remedy="Check that the package index can be reached and that the lock has wheels for this machine.",
        )


def _install(lock: Path, platform: str, site_packages: Path) -> None:
    target = ["--target", str(site_packages), "--python-platform", platform, "--python-version", PYTHON_VERSION]
    pinned = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy", "--quiet"]
    run_tool([find_uv(), "pip", "install", "--python", sys.executable, *target, *pinned, "-r", str(lock)])
    foreign = sorted(name for name in _NEVER_SHIPPED if (site_packages / name).exists())
    if foreign:
        raise JobFailedError(
            "PKG-008",
            f"The dependency archive would ship {', '.join(foreign)}.",
            cause="Spark, Delta and Hadoop are the platform's own; a second copy breaks the job.",
            remedy=f"Remove them from {lock.name}.",
        )
    # Compiled once here, by content instead of by time, so that no node compiles and the bytes do not depend on when.
    compiled = ["-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash", "-s", str(site_packages)]
    subprocess.run([sys.executable, *compiled, str(site_packages)], capture_output=True, check=False)


def _is_left_out(inner: Path) -> bool:
    return (
        bool(_LEFT_OUT_FOLDERS.intersection(inner.parts[:-1]))
        or inner.parts[0] == "bin"
        or inner.suffix in _LEFT_OUT_SUFFIXES
        or inner.name in {".lock", "direct_url.json", "INSTALLER", "REQUESTED", "RECORD"}
        or _is_of_another_service(inner.parts)
    )


def _is_of_another_service(parts: Sequence[str]) -> bool:
    return parts[:2] == ("botocore", "data") and len(parts) > 3 and parts[2] not in _AWS_SERVICES


def _members(site_packages: Path, python_prefix: str) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    interpreter = f"{python_prefix}/bin/python{PYTHON_VERSION}"
    for name in ("python", "python3", f"python{PYTHON_VERSION}"):
        link = tarfile.TarInfo(f"bin/{name}")
        link.type, link.linkname, link.mode = tarfile.SYMTYPE, interpreter, 0o777
        yield link, b""
    settings = f"home = {python_prefix}/bin\ninclude-system-site-packages = false\nversion = {PYTHON_VERSION}\n"
    yield _file("pyvenv.cfg", settings.encode()), settings.encode()
    for path in sorted(site_packages.rglob("*")):
        inner = path.relative_to(site_packages)
        if path.is_file() and not _is_left_out(inner):
            content = path.read_bytes()
            yield _file(f"{_SITE_PACKAGES}/{inner.as_posix()}", content), content


def _file(name: str, content: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o644
    return info


def _write_archive(path: Path, site_packages: Path, python_prefix: str) -> None:
    with (
        path.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=4, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for info, content in _members(site_packages, python_prefix):
            archive.addfile(info, io.BytesIO(content))


def build_environment(lock: str, architecture: str = "x86_64", python_prefix: str = NODE_PREFIX) -> Path:
    """The archive of a lock, built once and kept in .cache/environments under a name that says what is in it.

    ``lock`` is ``default`` or an EMR release's lock, ``architecture`` x86_64 or aarch64, ``python_prefix`` the folder
    on the node whose ``bin/python3.11`` runs the jobs. Raises UsageError PKG-005, PKG-006, PKG-009 and JobFailedError
    PKG-007, PKG-008, PKG-016.
    """
    requirements = lock_file(lock)
    if architecture not in PLATFORMS:
        raise UsageError(
            "PKG-009",
            f"There is no processor '{architecture}'.",
            remedy=f"Known processors: {', '.join(PLATFORMS)}.",
        )
    identity = f"{_LAYOUT}:{architecture}:{python_prefix}:".encode() + requirements.read_bytes()
    name = f"environment-{lock}-{architecture}-{hashlib.sha256(identity).hexdigest()[:12]}.tar.gz"
    archive = CACHE / name
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f".{name}.lock").open("w") as turn:
        # Two that want the same archive at once build it once.
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not archive.is_file():
            _build(archive, requirements, PLATFORMS[architecture], python_prefix)
    return archive


def _build(archive: Path, requirements: Path, platform: str, python_prefix: str) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        site_packages = Path(scratch) / "site-packages"
        _install(requirements, platform, site_packages)
        check_processors(site_packages, platform.partition("-")[0])
        draft = Path(scratch) / archive.name
        _write_archive(draft, site_packages, python_prefix)
        draft.replace(archive)
