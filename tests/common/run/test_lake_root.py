"""Where a run may write: a lake root that would lose its rows is refused before anything is read or written."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.run.context import RunContext, Services
from common.run.flags import parse_flags
from common.run.launch import run_job
from common.run.settings import settings_of
from common.spark import conf as spark_conf
from common.spark.lake_root import check_lake_root
from common.spark.session import open_session

pytestmark = pytest.mark.unit

PLAN_OR_RUN = pytest.mark.parametrize("plan", [[], ["--plan"]], ids=["run", "plan"])
YARN = ["--set", "lake.spark_conf={spark.master: yarn}"]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty current folder, and a process whose Spark nobody has set up yet; the folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(spark_conf, "declared_conf", dict)
    monkeypatch.delenv("MASTER", raising=False)
    return tmp_path


def never(context: RunContext) -> None:
    raise AssertionError("the body has run")


def without_lake(toy: Any, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str]:
    """Exit code and messages of a run for which no --lake was given."""
    sys.modules["toy_module"] = type(sys)("toy_module")
    sys.modules["toy_module"].run = never  # type: ignore[attr-defined] # the body of the toy
    code = run_job(toy.job, ["--day", "2026-11-20", *flags], services=toy.services)
    return code, capsys.readouterr().err


@PLAN_OR_RUN
@pytest.mark.parametrize("env", ["prod", "dev"])
def test_only_the_local_environment_has_a_root_by_default(
    toy: Any, capsys: pytest.CaptureFixture[str], alone: Path, env: str, plan: list[str]
) -> None:
    code, said = without_lake(toy, capsys, "--env", env, *plan)
    assert code == 2
    assert f"CFG-007: The environment '{env}' has no lake root." in said
    assert "--lake s3://bucket/prefix" in said
    assert list(alone.iterdir()) == []


def test_the_local_environment_has_the_folder_lake(toy: Any, alone: Path) -> None:
    found = settings_of(toy.job, parse_flags(toy.job, ["--day", "2026-11-20"]), Services())
    assert (found.lake.root, found.origins["lake.root"]) == ("lake", "conf/lake.yaml [local]")


@PLAN_OR_RUN
def test_an_empty_lake_flag_is_no_root(toy: Any, alone: Path, plan: list[str]) -> None:
    assert toy.run(never, "--lake", "", *plan) == 2
    assert "CFG-007" in toy.err


@PLAN_OR_RUN
@pytest.mark.parametrize("root", ["lake", "{folder}/lake", "file://{folder}/lake", "file:{folder}/lake"])
def test_a_folder_is_refused_on_a_cluster_and_stays_empty(toy: Any, alone: Path, root: str, plan: list[str]) -> None:
    assert toy.run(never, "--lake", root.format(folder=alone), *YARN, *plan) == 2
    assert "CFG-008" in toy.err
    assert "but Spark runs on yarn" in toy.err
    assert list(alone.iterdir()) == []


def test_a_folder_that_every_node_mounts_is_taken_when_the_settings_say_so(toy: Any, alone: Path) -> None:
    assert toy.run(lambda context: None, *YARN, "--set", "lake.shared_folder=true") == 0
    assert toy.record["status"] == "done"


@pytest.mark.parametrize(
    ("root", "master", "code"),
    [
        ("/data/lake", "local[4]", None),
        ("/data/lake", "yarn", "CFG-008"),
        ("/data/lake", "spark://10.0.0.1:7077", "CFG-008"),
        ("/data/lake", "k8s://https://10.0.0.1", "CFG-008"),
        ("s3://shop/lake", "yarn", None),
        ("", "local[4]", "CFG-007"),
    ],
)
@pytest.mark.parametrize("said_by", ["spark-submit", "MASTER", "lake.spark_conf"])
def test_the_master_in_force_decides_whoever_has_named_it(
    monkeypatch: pytest.MonkeyPatch, alone: Path, root: str, master: str, code: str | None, said_by: str
) -> None:
    settings = LakeSettings(root=root)
    if said_by == "spark-submit":
        monkeypatch.setattr(spark_conf, "declared_conf", lambda: {"spark.master": master})
        settings = LakeSettings(root=root, spark_conf={"spark.master": "overridden"})
    elif said_by == "MASTER":
        monkeypatch.setenv("MASTER", master)
    else:
        settings = LakeSettings(root=root, spark_conf={"spark.master": master})
    with pytest.raises(UsageError, match=code) if code else nullcontext():
        check_lake_root(settings, "prod")


def test_no_session_is_opened_on_a_cluster_for_a_lake_in_a_folder(alone: Path) -> None:
    with pytest.raises(UsageError, match="CFG-008"):
        open_session(LakeSettings(root="lake"), "probe", {"spark.master": "yarn"})


def test_settings_without_a_root_name_no_folder(alone: Path) -> None:
    with pytest.raises(UsageError, match="LAK-001"):
        Services().objects(LakeSettings().root, LakeSettings())
