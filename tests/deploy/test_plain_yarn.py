"""Plans for the clusters in the docs that are not EMR's, as Spark's own launcher reads them."""

from __future__ import annotations

import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pyspark
import pytest

from deploy.cli import main
from deploy.laptop.toolchain import ensure_java
from deploy.package.build import REPOSITORY, build

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

_ENVIRONMENT = "environment-emr-7.13.0-x86_64-0123456789ab.tar.gz"
_PLATFORMS = ["on-premises", "dataproc", "hdinsight", "cloudera"]


def read_by_spark_submit(words: list[str]) -> list[str]:
    """The words of the command that spark-submit would start, as Spark's own launcher reads a line."""
    home = Path(pyspark.__file__).parent
    launcher = ["-cp", f"{home}/jars/*", "org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit"]
    read = subprocess.run(
        [f"{ensure_java()}/bin/java", *launcher, *words],
        env={"SPARK_HOME": str(home), "SPARK_SCALA_VERSION": "2.13"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert read.returncode == 0, read.stderr
    return read.stdout.replace("\n", "\0").split("\0")


def test_the_lines_of_the_docs_are_read_by_spark_submit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / _ENVIRONMENT).write_bytes(b"")
    dist = build(tmp_path / "dist", [tmp_path / _ENVIRONMENT])
    page = (REPOSITORY / "docs" / "emr.md").read_text(encoding="utf-8")
    (tmp_path / "targets.yaml").write_text(page.split("```yaml\n", 1)[1].split("```", 1)[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    manifest = ["--manifest", str(dist.folder / "manifest.json")]
    for name in _PLATFORMS:
        line = ["plan", "fraud.score", "--target", name, *manifest, "-o", "shell", "--run-id", "night"]
        assert main([*line, "--", "--day", "2026-11-20", "--set", "lake.spark_conf.spark.x=it's $HOME"]) == 0
        printed = capsys.readouterr().out
        words = shlex.split(printed)
        assert words[0] == "spark-submit"
        read = read_by_spark_submit(words[1:])
        assert "--usage-error" not in read
        for flag, value in (
            ("--master", "yarn"),
            ("--deploy-mode", "cluster"),
            ("--packages", "io.delta:delta-spark_2.12:3.3.2"),
            ("--conf", "spark.yarn.maxAppAttempts=1"),
        ):
            assert (flag, value) in list(pairwise(read)), name
        assert [word for word in read if word][-8:] == words[-8:]
        assert "/usr/share/aws" not in printed


def test_a_line_with_an_unknown_flag_is_not_read() -> None:
    assert "--usage-error" in read_by_spark_submit(["--master", "yarn", "--deploy", "cluster", "job.py"])
