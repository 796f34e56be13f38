"""Which code is running: its version and a hash over its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from common import __version__

PACKAGES = ("common", "conf", "jobs")
"""What is shipped, and therefore what the identity of the code covers."""

BUILD_STAMP = "conf/build.json"


@dataclass(frozen=True)
class Build:
    """``version`` of the suite and ``code_hash`` of its packages, the same packaged and in a checkout."""

    version: str
    code_hash: str

    @property
    def label(self) -> str:
        """``0.1.0+1a2b3c4d5e6f``: what commits and records carry."""
        return f"{self.version}+{self.code_hash[:12]}"


@cache
def running_build() -> Build:
    """The build that packaging has stamped into ``conf/build.json``; of a checkout, the hash of its files."""
    folders = {package: resources.files(package) for package in PACKAGES}
    stamp = folders["conf"] / BUILD_STAMP.rpartition("/")[2]
    if stamp.is_file():
        stamped = json.loads(stamp.read_text(encoding="utf-8"))
        return Build(str(stamped["version"]), str(stamped["code_sha256"]))
    return Build(__version__, code_hash(packaged_files(folders)))


def packaged_files(folders: Mapping[str, Traversable]) -> dict[str, bytes]:
    """``common/days.py`` and the like -> bytes of every file in the folders of the packages, sorted by name.

    Hidden files, what Python has compiled, and an earlier build stamp are left out.
    """
    found = (pair for package, folder in folders.items() for pair in _files(folder, package))
    return {name: file.read_bytes() for name, file in sorted(found) if name != BUILD_STAMP}


def code_hash(files: Mapping[str, bytes]) -> str:
    """The identity of the code: hexadecimal SHA-256 over the names and contents of its files, in order of the names."""
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{len(name.encode())}:{name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(folder: Traversable, name: str) -> Iterator[tuple[str, Traversable]]:
    for child in folder.iterdir():
        if child.name.startswith(".") or child.name == "__pycache__":
            continue
        below = f"{name}/{child.name}"
        if child.is_dir():
            yield from _files(child, below)
        else:
            yield below, child
