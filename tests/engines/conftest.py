"""The package under test and the engines, each made once for the whole run."""

from __future__ import annotations

import fcntl
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rendered import local_defaults, write_defaults
from submit import SEQUENCE, release_lock
from yarn import YarnCluster, running_yarn

from deploy.package.build import Package, build
from deploy.package.environment import build_environment


@pytest.fixture(scope="session")
def environment() -> Path:
    """The dependency archive of this PySpark's lock, for the interpreter of this machine; kept in .cache."""
    return build_environment(release_lock(), python_prefix=sys.base_prefix)


@pytest.fixture(scope="session")
def package(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The archives and entry files of this checkout, in a folder far from it."""
    return build(tmp_path_factory.mktemp("package") / "dist", [environment])


@pytest.fixture(scope="session")
def artefacts(package: Package, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The prefix under which the package lies in the folder that ``lakejobs plan`` expects."""
    folder = tmp_path_factory.mktemp("artefacts")
    (folder / package.name).symlink_to(package.folder)
    return str(folder)


@pytest.fixture(scope="session")
def yarn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[YarnCluster]:
    """A running YARN."""
    with running_yarn(tmp_path_factory.mktemp("yarn") / "cluster") as cluster:
        yield cluster


@pytest.fixture(scope="session")
def uploaded(package: Package, yarn: YarnCluster) -> str:
    """The prefix in HDFS below which the build lies, and an application that runs several jobs.

    One place for all applications: the node unpacks an archive once for each place that it comes from.
    """
    for name in package.manifest["files"]:
        yarn.upload(package.folder / name, f"artefacts/{package.name}/{name}")
    yarn.upload(SEQUENCE, f"artefacts/{package.name}/apps/{SEQUENCE.name}")
    return f"{yarn.hdfs}/artefacts"


@pytest.fixture(scope="session")
def shipped_python(environment: Path) -> str:
    """The interpreter of the dependency archive, unpacked once beside it; the checkout is not on its path."""
    folder = environment.with_name(environment.name.removesuffix(".tar.gz"))
    with folder.with_name(f".{folder.name}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
                draft = Path(scratch) / folder.name
                draft.mkdir()
                subprocess.run(["tar", "-xf", str(environment), "-C", str(draft)], check=True)
                draft.rename(folder)
    return str(folder / "bin" / "python")


@pytest.fixture
def bare_home(tmp_path: Path) -> Path:
    """A folder to submit from, with nothing in it but what a platform lays there."""
    folder = tmp_path / "home"
    folder.mkdir()
    write_defaults(folder, local_defaults())
    return folder
