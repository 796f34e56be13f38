"""The archive of Spark's classes that shortens the start of a local session."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from common.spark.session import running_release
from deploy.laptop import class_archive

pytestmark = pytest.mark.unit


def test_the_jvm_of_a_local_session_maps_the_archive_that_setup_made(spark: SparkSession) -> None:
    archive = class_archive.archive_of(running_release("auto").lock)
    options = spark._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()
    assert (f"-XX:SharedArchiveFile={archive}" in list(options)) == archive.is_file()


def test_the_archive_is_made_once_for_each_java_and_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    java = ["17.0.1"]

    def make(archive: Path) -> bool:
        made.append(java[0])
        archive.touch()
        return True

    (tmp_path / "default").mkdir()
    monkeypatch.setattr(class_archive, "JAR_ROOT", tmp_path)
    monkeypatch.setattr(class_archive, "_versions", lambda: java[0])
    monkeypatch.setattr(
        class_archive, "make_archive", lambda archive: (made.append(java[0]), archive.touch(), True)[-1]
    )
    first, again = class_archive.ensure_archive("default"), class_archive.ensure_archive("default")
    java[0] = "21.0.2"
    class_archive.ensure_archive("default")
    assert first == again == tmp_path / "default" / "spark-classes.jsa"
    assert made == ["17.0.1", "21.0.2"]


@pytest.mark.parametrize(("session_ran", "times_asked"), [(True, 1), (False, 2)])
def test_a_java_that_makes_no_archive_is_asked_again_only_if_its_session_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, session_ran: bool, times_asked: int
) -> None:
    asked: list[Path] = []

    def make(archive: Path) -> bool:
        asked.append(archive)
        return session_ran

    (tmp_path / "default").mkdir()
    monkeypatch.setattr(class_archive, "JAR_ROOT", tmp_path)
    monkeypatch.setattr(class_archive, "make_archive", make)
    assert class_archive.ensure_archive("default") is None
    assert class_archive.ensure_archive("default") is None
    assert len(asked) == times_asked
