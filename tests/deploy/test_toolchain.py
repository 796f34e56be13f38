import json
import shutil
import sys
from pathlib import Path

import pytest
from rendered import local_defaults, write_defaults
from submit import SPARK_HOME, clean_environment, delta_jars, submit

from deploy.laptop.toolchain import ensure_java, install_java, installed_java, version_of

_APP = Path(__file__).resolve().parents[1] / "engines" / "apps" / "delta_round.py"
_TOOLS = ("bash", "env", "dirname", "basename", "cat", "ps", "uname", "readlink", "nice", "sh", "ls", "rm", "chmod")


@pytest.fixture
def machine_without_java(tmp_path, monkeypatch):
    """A PATH with the everyday commands and no java."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in _TOOLS:
        found = shutil.which(tool)
        assert found, tool
        (folder / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return folder


@pytest.mark.unit
def test_a_java_too_old_for_spark_is_not_taken(machine_without_java, tmp_path, monkeypatch):
    home = tmp_path / "jdk8"
    (home / "bin").mkdir(parents=True)
    java = home / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_402\"' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(home))
    assert installed_java() is None
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\" 2025-04-15' >&2\n", encoding="utf-8")
    assert installed_java() == str(home)


@pytest.mark.unit
def test_a_java_that_cannot_be_run_has_no_version(tmp_path):
    assert version_of(tmp_path / "java") is None
    (tmp_path / "java").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    (tmp_path / "java").chmod(0o755)
    assert version_of(tmp_path / "java") is None


@pytest.mark.engine
def test_spark_writes_and_merges_a_delta_table_on_the_java_of_the_toolchain(machine_without_java, tmp_path):
    assert installed_java() is None
    home = ensure_java()
    assert home == install_java(), "a second call must find the first one's work"
    jars = [str(jar) for jar in delta_jars()]
    # The Delta jar brings its Python half too.
    python_half = next(jar for jar in jars if "/delta-spark" in jar)
    shipped = ["--jars", ",".join(jars), "--py-files", python_half, "--driver-memory", "800m"]
    arguments = [str(tmp_path / "answer.json"), str(tmp_path / "table")]
    command = [str(SPARK_HOME / "bin" / "spark-submit"), "--master", "local[2]", *shipped, str(_APP), *arguments]
    write_defaults(tmp_path, local_defaults())
    environment = clean_environment(tmp_path, PYSPARK_PYTHON=sys.executable, JAVA_HOME=home)
    environment["PATH"] = str(machine_without_java)
    done = submit(command, tmp_path, environment)
    assert done.exit_code == 0, done.stderr[-4000:]
    assert json.loads((tmp_path / "answer.json").read_text(encoding="utf-8")) == {"written": 500, "merged": 1000}
