"""The parameters for EMR Serverless and EMR on EKS, in what their images are: nobody's machine.

Another user without a home, who can write to no folder but /tmp and its own, and no network beyond the loopback
interface. What is submitted is what ``lakejobs plan`` prints; master, paths and sizes differ.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rendered import local_defaults, platform_jars, write_defaults
from submit import clean_environment, submit

from common.spark.session import running_release
from deploy.package.build import MANIFEST, Package
from deploy.targets.plan import make_plan
from deploy.targets.plan_flags import parse_plan_flags

# The buckets of the plan are made up: nobody is to look for them.
pytestmark = [pytest.mark.engine, pytest.mark.usefixtures("s3_out_of_reach")]

_KEY = "a key for the pseudonyms of this test"
_LAKE, _LANDING, _BUILDS = "s3://example-lake/prod", "s3://example-landing/till", "s3://example-artifacts/lakejobs"
_COMMON = {"env": "prod", "lake": _LAKE, "artifacts": _BUILDS, "region": "eu-west-1"}
_ROLE = "arn:aws:iam::000000000000:role/example"
_TARGETS = {
    "emr-serverless": {"application_id": "00example00", "role_arn": _ROLE},
    "emr-eks": {"virtual_cluster_id": "examplevirtualcluster", "role_arn": _ROLE},
}
_SALES = "when,item,units\n2024-05-06,A1,3\n2024-05-07,A2,1\n"
_SOURCE = {"name": "till", "format": "csv", "columns": {"sold_at": "when", "item_id": "item", "quantity": "units"}}
_SIZES = re.compile(
    r"spark\.((driver|executor)\.(cores|memory|memoryOverhead)|dynamicAllocation\..*|emr-serverless\..*disk)"
)
_NOBODY = 65_534


@pytest.fixture
def image(package: Package, shipped_python: str) -> Iterator[Path]:
    """A folder that everybody can read: where the service has put the build, the archive unpacked in its ``work``."""
    folder = Path(tempfile.mkdtemp(prefix="image-", dir="/tmp"))
    folder.chmod(0o755)
    shutil.copytree(package.folder, folder / "build", ignore=shutil.ignore_patterns("*.tar.gz"))
    for name in ("work", "lake", "landing"):
        (folder / name).mkdir()
    (folder / "work" / "environment").symlink_to(Path(shipped_python).parents[1])
    (folder / "landing" / "sales.csv").write_text(_SALES, encoding="utf-8")
    (folder / "landing" / "till.yaml").write_text(yaml.safe_dump(_SOURCE), encoding="utf-8")
    write_defaults(folder, local_defaults())
    if os.geteuid() == 0:
        os.chown(folder / "lake", _NOBODY, _NOBODY)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _as_in_the_image(words: list[str]) -> list[str]:
    """The command as another user, and without a network, as far as this machine lets us make such a place."""
    user: list[str] = []
    if os.geteuid() == 0:
        # It may read what the owner of the checkout can read, as everybody can read an image, and write nothing there.
        rights = [f"--{kind}-caps=-all,+dac_read_search" for kind in ("inh", "ambient")]
        user = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *rights]
    loopback = [sys.executable, str(Path(__file__).parent / "apps" / "with_loopback.py")]
    alone = ["unshare", *([] if user else ["--map-root-user"]), "--net", *loopback]
    return [*(alone if _works([*alone, "true"]) else []), *user, *words]


def _works(words: list[str]) -> bool:
    """Whether a command may be run here: a container may forbid name spaces of its own."""
    return shutil.which(words[0]) is not None and subprocess.run(words, check=False).returncode == 0


def _command(body: dict[str, Any], image: Path, build: str) -> tuple[list[str], dict[str, str]]:
    """spark-submit's words for a request, and the variables that the service gives to the driver."""
    driver = body["jobDriver"].get("sparkSubmit") or body["jobDriver"]["sparkSubmitJobDriver"]
    words = driver["sparkSubmitParameters"].split(" ")
    assert words[::2] == ["--conf"] * (len(words) // 2)
    conf = dict(word.split("=", 1) for word in words[1::2])
    variables = {}
    for key, value in conf.items():
        if key.startswith("spark.emr-serverless.driverEnv."):
            variables[key.removeprefix("spark.emr-serverless.driverEnv.")] = value
    paths = {**{f"local://{jar}": here for jar, here in platform_jars().items()}, **platform_jars()}
    paths |= {_LAKE: f"{image}/lake", _LANDING: f"{image}/landing", f"{_BUILDS}/{build}": f"{image}/build"}

    def here(text: str) -> str:
        for there, path in paths.items():
            text = text.replace(there, path)
        return text

    # The service unpacks the archive into the working folder before the driver starts; a local master does not.
    conf.pop("spark.archives")
    kept = [f"{key}={here(value)}" for key, value in conf.items() if not _SIZES.fullmatch(key)]
    arguments = [here(word) for word in driver["entryPointArguments"]]
    submitted = ["spark-submit", "--master", "local[2]", *(word for one in kept for word in ("--conf", one))]
    return [*submitted, here(driver["entryPoint"]), *arguments], variables


@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", _TARGETS)
def test_the_printed_parameters_run_as_another_user_without_home_network_or_a_folder_to_write(
    kind: str, package: Package, image: Path, tmp_path: Path
) -> None:
    release = running_release("auto").label
    targets = tmp_path / "targets.yaml"
    targets.write_text(
        yaml.safe_dump({"there": {"kind": kind, "release": release, **_COMMON, **_TARGETS[kind]}}), encoding="utf-8"
    )
    key = ["--set", "lake.pseudonym_key=secret://env/LAKE_PSEUDONYM_KEY"]
    flags = ["--run-id", "in-an-image", "--source", f"{_LANDING}/till.yaml", "--input", f"{_LANDING}/sales.csv", *key]
    manifest = str(package.folder / MANIFEST)
    plan = make_plan(
        parse_plan_flags(
            ["forecast.ingest", "--target", "there", "--targets", str(targets), "--manifest", manifest, "--", *flags]
        )
    )
    assert isinstance(plan.request.body, dict)
    words, variables = _command(plan.request.body, image, package.name)
    environment = clean_environment(image, LAKE_PSEUDONYM_KEY=_KEY, **variables)
    del environment["HOME"]
    ended = submit(_as_in_the_image(words), image / "work", environment, 300)
    assert ended.exit_code == 0, ended.stderr[-4000:]
    written = image / "lake/runs/forecast/ingest/in-an-image.json"
    assert written.stat().st_uid == (_NOBODY if os.geteuid() == 0 else os.geteuid())
    record = json.loads(written.read_text(encoding="utf-8"))
    assert (record["status"], record["counts"]["rows_written"]) == ("done", 2)
    assert (image / "lake" / record["report"]).read_bytes().startswith(b"<!")
