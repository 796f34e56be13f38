import json
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from common.errors import UsageError
from common.run.record.build import PACKAGES, code_hash
from deploy.package.build import REPOSITORY, build, shipped_files, write_archive

pytestmark = pytest.mark.unit

_BUILD = (
    "import sys; from pathlib import Path; from deploy.package.build import build;"
    "build(Path(sys.argv[1]), (), Path(sys.argv[2]))"
)
_ENTRY = """JOB = Job(name="clickstream.sessionise", summary="Groups events.")

if __name__ == "__main__":
    sys.exit(run_job(JOB))
"""


@pytest.fixture
def sources(tmp_path):
    """A small repository of the same shape as this one."""
    root = tmp_path / "sources"
    files = {
        "common/__init__.py": "",
        "conf/__init__.py": "",
        "conf/clickstream.yaml": "default: {}\n",
        "jobs/__init__.py": "",
        "jobs/clickstream/__init__.py": "",
        "jobs/clickstream/sessionise.py": _ENTRY,
        "jobs/clickstream/gaps.py": "GAP = 30\n",
        "bootstrap/install.sh": "exit 0\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    shutil.copyfile(REPOSITORY / "pyproject.toml", root / "pyproject.toml")
    return root


def _names(archive):
    with zipfile.ZipFile(archive) as opened:
        return opened.namelist()


def test_two_builds_in_unlike_surroundings_have_one_checksum(tmp_path):
    surroundings = [
        {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "1", "umask": "077", "mtime": "946684800"},
        {"TZ": "America/New_York", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "umask": "002", "mtime": "1700000000"},
    ]
    archives = []
    for number, around in enumerate(surroundings):
        copy = tmp_path / f"copy {number}"
        for part in (*PACKAGES, "bootstrap"):
            shutil.copytree(REPOSITORY / part, copy / part, copy_function=shutil.copyfile)
        shutil.copyfile(REPOSITORY / "pyproject.toml", copy / "pyproject.toml")
        for path in copy.rglob("*"):
            os.utime(path, (int(around["mtime"]),) * 2)
            path.chmod(0o755 if number else 0o700)
        command = [sys.executable, "-c", _BUILD, str(tmp_path / f"out{number}"), str(copy)]
        subprocess.run(
            ["bash", "-c", f'umask {around["umask"]}; exec "$@"', "_", *command],
            env={"PATH": os.environ["PATH"], **{key: around[key] for key in ("TZ", "LC_ALL", "PYTHONHASHSEED")}},
            cwd=REPOSITORY,
            check=True,
        )
        archives.append(next((tmp_path / f"out{number}").glob("lakejobs-*.zip")))
    assert archives[0].name == archives[1].name
    assert archives[0].read_bytes() == archives[1].read_bytes()


def test_the_archive_of_this_repository_is_below_one_megabyte_and_holds_only_the_shipped_packages(tmp_path):
    package = build(tmp_path / "dist")
    assert package.archive.stat().st_size < 1_000_000
    names = _names(package.archive)
    assert {name.split("/")[0] for name in names} == {"common", "conf", "jobs"}
    assert names == sorted(names)
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", "/"))]


def test_a_changed_line_changes_the_name_and_a_changed_mtime_does_not(sources, tmp_path):
    before = build(tmp_path / "one", (), sources)
    os.utime(sources / "conf/clickstream.yaml", (1, 1))
    touched = build(tmp_path / "two", (), sources)
    (sources / "conf/clickstream.yaml").write_text("default: {sessionise: {}}\n", encoding="utf-8")
    changed = build(tmp_path / "three", (), sources)
    assert before.archive.name == touched.archive.name
    assert before.archive.name != changed.archive.name
    assert before.manifest["code_sha256"] != changed.manifest["code_sha256"]


def test_a_moved_boundary_between_name_and_content_is_another_code():
    assert code_hash({"a": b"bc"}) != code_hash({"ab": b"c"})
    assert code_hash({"a": b"b", "c": b""}) != code_hash({"a": b"", "c": b"b"})


def test_caches_hidden_files_and_an_old_build_stamp_stay_out(sources, tmp_path):
    plain = build(tmp_path / "one", (), sources).archive.name
    (sources / "common/__pycache__").mkdir()
    (sources / "common/__pycache__/x.cpython-311.pyc").write_bytes(b"x")
    (sources / "conf/.DS_Store").write_bytes(b"x")
    (sources / "conf/build.json").write_text("{}", encoding="utf-8")
    assert build(tmp_path / "two", (), sources).archive.name == plain


def test_a_file_of_an_undeclared_kind_is_refused_instead_of_left_out(sources):
    (sources / "conf/bots.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"conf/bots\.parquet") as caught:
        shipped_files(sources)
    assert caught.value.code == "PKG-002"


def test_a_folder_without_init_is_refused(sources):
    (sources / "conf/sources").mkdir()
    (sources / "conf/sources/web.yaml").write_text("format: csv\n", encoding="utf-8")
    with pytest.raises(UsageError, match="conf/sources has no __init__") as caught:
        shipped_files(sources)
    assert caught.value.code == "PKG-003"


def test_a_second_build_removes_what_the_first_left_and_nothing_else(sources, tmp_path):
    dist = tmp_path / "dist"
    build(dist, (), sources)
    (dist / "notes.txt").write_text("mine", encoding="utf-8")
    (sources / "common/extra.py").write_text("X = 1\n", encoding="utf-8")
    package = build(dist, (), sources)
    assert [path.name for path in dist.glob("lakejobs-*.zip")] == [package.archive.name]
    assert (dist / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_folder_with_other_things_in_it_is_refused(sources, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/thesis.tex").write_text("", encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        build(tmp_path / "home", (), sources)
    assert caught.value.code == "PKG-004"
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["thesis.tex"]


def test_only_modules_that_run_a_job_become_entry_files(sources, tmp_path):
    package = build(tmp_path / "dist", (), sources)
    assert package.manifest["entries"] == {"clickstream.sessionise": "jobs/clickstream/sessionise.py"}
    assert [path.name for path in (tmp_path / "dist/jobs/clickstream").iterdir()] == ["sessionise.py"]


def test_the_checksums_cover_every_file_and_sha256sum_agrees(sources, tmp_path):
    dist = tmp_path / "dist"
    build(dist, (), sources)
    listed = {line.split("  ")[1] for line in (dist / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    there = {path.relative_to(dist).as_posix() for path in dist.rglob("*") if path.is_file()}
    assert listed == there - {"SHA256SUMS"}
    assert listed - {"manifest.json"} == set(json.loads((dist / "manifest.json").read_text(encoding="utf-8"))["files"])
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=dist, check=True, capture_output=True)
    (dist / "lakejobs.zip").write_bytes(b"")
    assert subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=dist, capture_output=True).returncode == 1


def test_code_and_conf_are_read_from_the_archive_without_the_checkout(tmp_path):
    archive = build(tmp_path / "dist").archive
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import common, jobs, importlib.resources as r;"
        "stamp = json.loads(r.files('conf').joinpath('build.json').read_text());"
        "print(stamp['version'] == common.__version__, len(stamp['code_sha256']), common.__file__)"
    )
    finished = subprocess.run(
        [sys.executable, "-I", "-c", code, str(archive)], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert finished.stdout.split() == ["True", "64", str(archive / "common" / "__init__.py")]


def test_a_tree_is_the_same_code_packaged_and_as_a_checkout(tmp_path):
    checkout = tmp_path / "checkout"
    for part in PACKAGES:
        shutil.copytree(REPOSITORY / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(REPOSITORY / "pyproject.toml", checkout / "pyproject.toml")

    def identity(code):
        seen = "from common.run.record.build import running_build as b; print(b())"
        ask = f"import sys; sys.path.insert(0, sys.argv[1]); {seen}"
        command = [sys.executable, "-I", "-c", ask, str(code)]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    package = build(tmp_path / "dist", (), checkout)
    assert identity(package.archive) == identity(checkout)
    # What Python has compiled and what an editor hides is no code.
    (checkout / "common/__pycache__").mkdir(exist_ok=True)
    (checkout / "common/__pycache__/x.cpython-311.pyc").write_bytes(b"x")
    (checkout / "jobs/.hidden").write_bytes(b"x")
    assert identity(package.archive) == identity(checkout)
    (checkout / "conf/lake.yaml").write_text("default: {lease_seconds: 61}\n", encoding="utf-8")
    assert identity(package.archive) != identity(checkout)


def test_an_archive_says_nothing_of_the_machine_that_built_it(tmp_path):
    write_archive(tmp_path / "a.zip", {"common/__init__.py": b""})
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        (info,) = opened.infolist()
    assert (info.date_time, info.create_system, info.external_attr >> 16) == ((1980, 1, 1, 0, 0, 0), 3, 0o100644)
