"""A build put where a target takes it from, cut off and run again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s3_server import S3Server

from common.errors import LakejobsError
from common.lake.storage.folder import FolderStore
from common.lake.storage.open import object_store
from deploy.cli import main
from deploy.package.build import Package, build
from deploy.package.publish import hadoop_commands, upload, wanted_environments
from deploy.targets.event_logs import check_event_log_folder, make_event_log_folder
from deploy.targets.target import StepLogs, StepTarget
from deploy.targets.target_file import target_of

_ENVIRONMENT = "environment-default-x86_64-0123456789ab.tar.gz"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A build with a stand-in for the dependency archive."""
    folder = tmp_path_factory.mktemp("build")
    (folder / _ENVIRONMENT).write_bytes(b"packed")
    return build(folder / "dist", [folder / _ENVIRONMENT])


class _CutOff(FolderStore):
    """A folder that can be written a few times."""

    left = 3

    def upload_if_absent(self, path: str, file: Path) -> bool:
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return super().upload_if_absent(path, file)


@pytest.mark.unit
def test_a_publish_that_was_cut_off_is_finished_by_the_next_one(dist: Package, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        upload(dist.folder, dist.manifest, _CutOff(tmp_path))
    assert not (tmp_path / "manifest.json").exists()
    fates = list(upload(dist.folder, dist.manifest, FolderStore(tmp_path)).values())
    assert fates[:4] == ["there", "there", "there", "uploaded"]
    assert set(fates[3:]) == {"uploaded"}
    assert (tmp_path / "manifest.json").read_bytes() == (dist.folder / "manifest.json").read_bytes()
    assert (tmp_path / _ENVIRONMENT).read_bytes() == b"packed"
    assert set(upload(dist.folder, dist.manifest, FolderStore(tmp_path)).values()) == {"there"}


@pytest.mark.unit
def test_an_object_of_another_size_or_sum_is_refused_and_left(dist: Package, tmp_path: Path) -> None:
    (tmp_path / _ENVIRONMENT).write_bytes(b"backed")
    with pytest.raises(LakejobsError, match=f"{_ENVIRONMENT} is not the file of this build") as raised:
        upload(dist.folder, dist.manifest, FolderStore(tmp_path))
    assert (raised.value.code, raised.value.exit_code) == ("PKG-017", 3)
    assert (tmp_path / _ENVIRONMENT).read_bytes() == b"backed"
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.unit
def test_a_build_that_was_changed_here_is_not_published(tmp_path: Path) -> None:
    package = build(tmp_path / "dist")
    (package.folder / "lakejobs.zip").write_bytes(b"other")
    with pytest.raises(LakejobsError, match=r"lakejobs\.zip is not what the build left there") as raised:
        upload(package.folder, package.manifest, FolderStore(tmp_path / "there"))
    assert raised.value.code == "PKG-018"
    assert not (tmp_path / "there").exists()


@pytest.mark.unit
def test_the_command_builds_publishes_and_says_what_is_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shared = tmp_path / "shared"
    Path("targets.yaml").write_text(
        f"plain: {{kind: yarn, artifacts: {shared}, node_python: /opt/python3, env: prod, lake: 's3a://lake/root'}}\n"
    )
    assert main(["publish", "--target", "plain", "--output", "dist"]) == 0
    printed = capsys.readouterr().out
    manifest = json.loads(Path("dist/manifest.json").read_text())
    (folder,) = shared.iterdir()
    assert folder.name.startswith(manifest["archive"].removesuffix(".zip") + "-")
    assert f"{folder}/: {len(manifest['files']) + 2} files uploaded, 0 were there" in printed
    assert "Next: lakejobs plan JOB --target plain" in printed
    assert main(["publish", "--target", "plain", "--output", "dist"]) == 0
    assert ": 0 files uploaded" in capsys.readouterr().out
    assert main(["publish", "--target", "other", "--output", "dist"]) == 2


@pytest.mark.unit
def test_on_hdfs_the_commands_are_printed_and_the_manifest_is_last(dist: Package) -> None:
    lines = hadoop_commands(dist.folder, dist.manifest, "hdfs:///apps/it")
    assert lines[0].startswith("hdfs dfs -mkdir -p hdfs:///apps/it hdfs:///apps/it/bootstrap hdfs:///apps/it/jobs/")
    assert lines[-1] == (
        "hdfs dfs -test -e hdfs:///apps/it/manifest.json || "
        f"hdfs dfs -put {dist.folder}/manifest.json hdfs:///apps/it/manifest.json"
    )
    assert len(lines) == 1 + len(dist.manifest["files"]) + 2  # type: ignore[arg-type]


@pytest.mark.unit
def test_the_archives_are_those_of_the_target_and_those_asked_for() -> None:
    flags = {"artifacts": ("--artifacts", "/shared"), "spark_version": ("--spark-version", "3.5.6")}
    arm = {**flags, "architecture": ("--arch", "aarch64")}
    assert wanted_environments(target_of("yarn", None, arm), []) == [("emr-7.13.0", "aarch64")]
    given = ["default", "emr-7.13.0:aarch64"]
    assert wanted_environments(target_of("yarn", None, arm), given) == [
        ("emr-7.13.0", "aarch64"),
        ("default", "x86_64"),
    ]
    installed = {**flags, "node_python": ("--node-python", "/opt/python3")}
    assert wanted_environments(target_of("yarn", None, installed), []) == []
    with pytest.raises(LakejobsError, match="names no lock"):
        wanted_environments(target_of("yarn", None, installed), [":aarch64"])


@pytest.mark.engine
def test_on_s3_a_build_is_published_once_and_its_sums_are_verified(dist: Package, s3: S3Server, tmp_path: Path) -> None:
    settings = s3.settings(f"{tmp_path.name}/{dist.name}")
    store = object_store(settings.root, settings)
    assert set(upload(dist.folder, dist.manifest, store).values()) == {"uploaded"}
    assert set(upload(dist.folder, dist.manifest, store).values()) == {"there"}
    assert store.read(_ENVIRONMENT) == b"packed"
    target = StepTarget(
        kind="emr-step",
        artifacts=settings.root,
        cluster_id="j-EXAMPLE",
        logs=StepLogs(events=True),
    )
    with pytest.raises(LakejobsError, match=r"There is no folder .*/logs/spark-events for event logs") as raised:
        check_event_log_folder(target, settings)
    assert raised.value.code == "TGT-013"
    assert make_event_log_folder(target, settings) == make_event_log_folder(target, settings)
    assert check_event_log_folder(target, settings) == []
    store.write(_ENVIRONMENT, b"backed")
    with pytest.raises(LakejobsError, match="is not the file of this build"):
        upload(dist.folder, dist.manifest, store)
