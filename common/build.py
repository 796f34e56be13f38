"""Which code is running: its version and a hash over its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from common import __version__

_PACKAGES = ("common", "jobs", "conf")


@dataclass(frozen=True)
class Build:
    """``version`` of the suite and ``code_hash``, SHA-256 over the names and contents of its packages."""

    version: str
    code_hash: str

    @property
    def label(self) -> str:
        """``0.1.0+1a2b3c4d5e6f``: what commits and records carry."""
        return f"{self.version}+{self.code_hash[:12]}"


@cache
def running_build() -> Build:
    """The build that packaging has stamped into ``conf/build.json``; of a checkout, the hash of what lies there."""
    stamp = resources.files("conf") / "build.json"
    if stamp.is_file():
        told = json.loads(stamp.read_text(encoding="utf-8"))
        return Build(str(told["version"]), str(told["code_sha256"]))
    return Build(__version__, _content_hash())


def _content_hash() -> str:
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for name, file in sorted(_files(resources.files(package), package)):
            digest.update(f"{name}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _files(folder: Traversable, name: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for child in folder.iterdir():
        if child.name.startswith((".", "__pycache__")) or child.name.endswith(".pyc"):
            continue
        below = f"{name}/{child.name}"
        found += _files(child, below) if child.is_dir() else [(below, child)]
    return found
