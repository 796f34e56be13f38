"""A build with a stand-in for the dependency archive, which every export names."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.package.build import build


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with ``dist/manifest.json``."""
    made = tmp_path_factory.mktemp("build")
    archive = made / "environment-default-x86_64-0123456789ab.tar.gz"
    archive.write_bytes(b"")
    build(made / "dist", [archive])
    return made
