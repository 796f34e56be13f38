import hashlib
import io
import os
import platform
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from deploy.package.build import REPOSITORY

pytestmark = pytest.mark.unit

_SCRIPT = REPOSITORY / "bootstrap" / "install.sh"
_HASH = "0123456789ab"
_MACHINE = platform.machine()


def _sha256(content):
    return hashlib.sha256(content).hexdigest()


def _environment(word, interpreter=sys.base_prefix + "/bin/python3.11"):
    """A dependency archive with one module in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        link = tarfile.TarInfo("bin/python")
        link.type, link.linkname = tarfile.SYMTYPE, interpreter
        archive.addfile(link)
        files = {
            "pyvenv.cfg": f"home = {sys.base_prefix}/bin\n",
            "lib/python3.11/site-packages/word.py": f"W = {word!r}\n",
        }
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def _fill(folder, environments):
    """Lays archives and their sums into an artefact folder; the sum of the sums."""
    folder.mkdir(exist_ok=True)
    lines = ""
    for name, content in environments.items():
        (folder / name).write_bytes(content)
        lines += f"{_sha256(content)}  {name}\n"
    (folder / "SHA256SUMS").write_text(lines, encoding="utf-8")
    return _sha256(lines.encode())


def _name(lock="default", machine=_MACHINE):
    return f"environment-{lock}-{machine}-{_HASH}.tar.gz"


@pytest.fixture
def artefacts(tmp_path):
    """An artefact folder with the environments of two locks and of a foreign processor."""
    folder = tmp_path / "artefacts"
    content = {_name(): _environment("one"), _name("default-x"): _environment("x"), _name(machine="sparc"): b"other"}
    _fill(folder, content)
    return folder


def _install(artefacts, prefix, *more, path=os.environ["PATH"]):
    command = ["bash", str(_SCRIPT), "--from", str(artefacts), "--lock", "default", "--prefix", str(prefix), *more]
    environment = {"PATH": path, "HOME": str(prefix.parent), "LAKEJOBS_FETCH_ATTEMPTS": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _word(prefix):
    python = str(prefix / "current" / "bin" / "python")
    return subprocess.run(
        [python, "-c", "import word; print(word.W)"], capture_output=True, text=True, check=True
    ).stdout


def _tree(folder):
    return {path.relative_to(folder): path.lstat().st_mtime_ns for path in folder.rglob("*") if not path.is_symlink()}


def test_the_environment_is_installed_and_its_interpreter_finds_its_packages(artefacts, tmp_path):
    done = _install(artefacts, tmp_path / "opt")
    assert (done.returncode, done.stdout) == (0, "")
    assert "installed environment-default-" in done.stderr
    assert _word(tmp_path / "opt") == "one\n"
    assert [path.name for path in (tmp_path / "opt").iterdir() if path.name.startswith(".work")] == []


def test_a_second_run_changes_nothing(artefacts, tmp_path):
    _install(artefacts, tmp_path / "opt")
    before = _tree(tmp_path / "opt" / "environments")
    done = _install(artefacts, tmp_path / "opt")
    assert done.returncode == 0
    assert "is there already" in done.stderr
    assert _tree(tmp_path / "opt" / "environments") == before


def test_a_new_environment_takes_the_place_of_the_old_one_which_stays_for_running_jobs(artefacts, tmp_path):
    _install(artefacts, tmp_path / "opt")
    old = (tmp_path / "opt" / "current").resolve()
    _fill(artefacts, {_name(): _environment("two")})
    assert _install(artefacts, tmp_path / "opt").returncode == 0
    assert _word(tmp_path / "opt") == "two\n"
    assert old.is_dir()


def test_an_archive_with_another_sum_is_not_installed(artefacts, tmp_path):
    (artefacts / _name()).write_bytes(_environment("forged"))
    done = _install(artefacts, tmp_path / "opt")
    assert done.returncode == 1
    assert "does not have the sum" in done.stderr
    assert not (tmp_path / "opt" / "current").exists()


def test_forged_sums_are_refused_when_they_are_pinned(artefacts, tmp_path):
    pinned = _sha256((artefacts / "SHA256SUMS").read_bytes())
    assert _install(artefacts, tmp_path / "opt", "--sums-sha256", pinned).returncode == 0
    _fill(artefacts, {_name(): _environment("forged")})
    done = _install(artefacts, tmp_path / "opt", "--sums-sha256", pinned)
    assert done.returncode == 1
    assert _word(tmp_path / "opt") == "one\n"


def test_a_half_done_installation_is_done_again(artefacts, tmp_path):
    _install(artefacts, tmp_path / "opt")
    target = (tmp_path / "opt" / "current").resolve()
    (target / ".complete").unlink()
    (target / "lib/python3.11/site-packages/word.py").unlink()
    assert _install(artefacts, tmp_path / "opt").returncode == 0
    assert _word(tmp_path / "opt") == "one\n"


def test_an_interpreter_that_the_node_does_not_have_is_noticed(artefacts, tmp_path):
    _fill(artefacts, {_name(): _environment("one", "/nowhere/bin/python3.11")})
    done = _install(artefacts, tmp_path / "opt")
    assert done.returncode == 1
    assert "does not start on this node" in done.stderr
    assert not (tmp_path / "opt" / "current").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lock", "emr-0"], "no environment of emr-0"),
        (["--prefix", "/"], "--prefix must be"),
        (["--wheels", "x"], "unknown argument --wheels"),
        (["--lock"], "--lock needs a value"),
        (["--from", "/nowhere"], "could not fetch /nowhere/SHA256SUMS"),
    ],
)
def test_what_cannot_be_done_ends_with_a_message_and_status_1(artefacts, tmp_path, arguments, message):
    done = _install(artefacts, tmp_path / "opt", *arguments)
    assert done.returncode == 1
    assert message in done.stderr


def test_from_s3_only_the_artefact_prefix_is_read_and_a_failed_fetch_is_tried_again(artefacts, tmp_path):
    commands = tmp_path / "bin"
    commands.mkdir()
    aws = commands / "aws"
    aws.write_text(
        f'#!/usr/bin/env bash\necho "$*" >>{tmp_path}/asked\n'
        f"[[ -e {tmp_path}/second ]] || {{ touch {tmp_path}/second; exit 1; }}\n"
        f'cp "{artefacts}/${{4##*/}}" "$5"\n',
        encoding="utf-8",
    )
    aws.chmod(0o755)
    prefix = "s3://shop-artefacts/lakejobs/0.1.0-abc"
    done = subprocess.run(
        ["bash", str(_SCRIPT), "--from", f"{prefix}/", "--lock", "default", "--prefix", str(tmp_path / "opt")],
        env={"PATH": f"{commands}:{os.environ['PATH']}", "LAKEJOBS_FETCH_ATTEMPTS": "2"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    asked = [line.split()[3] for line in Path(tmp_path / "asked").read_text(encoding="utf-8").splitlines()]
    assert asked == [f"{prefix}/SHA256SUMS", f"{prefix}/SHA256SUMS", f"{prefix}/{_name()}"]
    assert _word(tmp_path / "opt") == "one\n"


def test_the_script_passes_shellcheck():
    shellcheck = Path(sys.executable).parent / "shellcheck"
    done = subprocess.run([str(shellcheck), str(_SCRIPT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
