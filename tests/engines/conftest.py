"""The package under test and the engines, each made once for the whole run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from submit import release_lock
from yarn import YarnCluster, running_yarn

from deploy.environment import build_environment
from deploy.package import Package, build


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The archive and entry files of this checkout, in a folder far from it."""
    return build(tmp_path_factory.mktemp("package") / "dist")


@pytest.fixture(scope="session")
def yarn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YarnCluster]:
    """A running YARN."""
    with running_yarn(tmp_path_factory.mktemp("yarn") / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def environment() -> Path:
    """The dependency archive of this PySpark's lock, for the interpreter of this machine."""
    return build_environment(release_lock(), python_prefix=sys.base_prefix)


@pytest.fixture(scope="session")
def environment_address(yarn: YarnCluster, environment: Path) -> str:
    """The dependency archive, laid where the cluster fetches it."""
    return yarn.upload(environment, "artefacts")


@pytest.fixture(scope="session")
def shipped_python(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of the unpacked dependency archive; the checkout is not on its path."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run(["tar", "-xf", str(environment), "-C", str(folder)], check=True)
    return str(folder / "bin" / "python")


@pytest.fixture
def bare_home(tmp_path: Path) -> Path:
    """An empty folder to submit from."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder
