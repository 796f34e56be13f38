import io
import re
import subprocess
import sys
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.errors import JobFailedError, UsageError
from common.releases import RELEASES
from deploy.package import environment
from deploy.package.build import REPOSITORY
from deploy.package.environment import build_environment, find_uv, lock_file

pytestmark = pytest.mark.unit

_LOCKS = sorted({release.lock for release in RELEASES.values()})
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def _pins(path):
    return dict(_PIN.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("lock", _LOCKS)
def test_what_is_shipped_is_what_the_tests_ran_on(lock):
    tested = _pins(REPOSITORY / "requirements" / f"{lock}.txt")
    shipped = _pins(lock_file(lock))
    assert len(shipped) > 20
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_shipped_lock_holds_every_direct_requirement_and_nothing_of_the_platform(lock):
    shipped = _pins(lock_file(lock))
    wanted = re.findall(r"^[a-z0-9-]+", (REPOSITORY / "requirements/run.in").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(wanted) <= set(shipped)
    assert not set(shipped) & {"pyspark", "delta-spark", "py4j"}


@pytest.mark.parametrize("lock", _LOCKS)
def test_a_shipped_lock_pins_hashes_and_names_no_index(lock):
    text = lock_file(lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert all("--hash=sha256:" in part for part in re.split(r"(?m)^(?=[A-Za-z])", text) if part.strip())


def test_an_unknown_lock_is_refused_with_the_known_ones():
    with pytest.raises(UsageError) as caught:
        lock_file("emr-6.0.0")
    assert caught.value.code == "PKG-005"
    assert "default, emr-7.13.0" in caught.value.remedy


def test_an_unknown_processor_is_refused():
    with pytest.raises(UsageError) as caught:
        build_environment("default", "riscv64")
    assert caught.value.code == "PKG-009"


def test_a_machine_without_uv_learns_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(environment, "REPOSITORY", tmp_path)
    with pytest.raises(UsageError) as caught:
        find_uv()
    assert caught.value.code == "PKG-006"


def test_two_that_want_the_same_archive_at_once_build_it_once(monkeypatch, tmp_path):
    built = []

    def build_slowly(archive, *_):
        built.append(archive.name)
        time.sleep(0.3)
        archive.write_bytes(b"packed")

    monkeypatch.setattr(environment, "CACHE", tmp_path)
    monkeypatch.setattr(environment, "_build", build_slowly)
    with ThreadPoolExecutor(2) as two:
        found = list(two.map(build_environment, ["default", "default"]))
    assert found == [tmp_path / built[0]] * 2
    assert len(built) == 1


@pytest.fixture
def build(monkeypatch, tmp_path):
    """Builds with a stand-in for uv that lays the given files; the archive opened for reading."""

    def run(files, cache="cache"):
        lay = "\n".join(
            f'mkdir -p "$(dirname "$target/{name}")"; printf %s {text!r} > "$target/{name}"'
            for name, text in files.items()
        )
        tool = tmp_path / "uv"
        find = 'while [ "$1" != --target ]; do shift; done; target="$2"; mkdir -p "$target"'
        tool.write_text(f"#!/bin/bash\n{find}\n{lay}\n", encoding="utf-8")
        tool.chmod(0o755)
        monkeypatch.setenv("UV", str(tool))
        monkeypatch.setattr(environment, "CACHE", tmp_path / cache)
        return build_environment("default")

    return run


_FILES = {
    "shop/__init__.py": "X = 1",
    "shop/tests/test_x.py": "",
    "shop/data.json": "{}",
    "shop/include/x.h": "",
    "bin/tool": "",
    "shop-1.dist-info/METADATA": "Name: shop",
    "shop-1.dist-info/RECORD": "",
}


def test_the_archive_is_a_relocatable_environment_without_tests_headers_and_tools(build):
    with tarfile.open(build(_FILES)) as archive:
        names = archive.getnames()
        assert archive.getmember("bin/python").linkname == "/usr/bin/python3.11"
        settings = archive.extractfile("pyvenv.cfg").read().decode()
    site = "lib/python3.11/site-packages"
    assert sorted(name for name in names if name.startswith("lib/")) == [
        f"{site}/shop-1.dist-info/METADATA",
        f"{site}/shop/__init__.py",
        f"{site}/shop/__pycache__/__init__.cpython-311.pyc",
        f"{site}/shop/data.json",
    ]
    assert settings.startswith("home = /usr/bin\n")


def test_of_the_services_that_botocore_describes_those_a_job_calls_are_shipped(build):
    kept = ["endpoints.json", "s3/2006-03-01/service-2.json.gz", "sts/2011-06-15/service-2.json.gz"]
    files = {f"botocore/data/{name}": "{}" for name in [*kept, "ec2/2016-11-15/service-2.json.gz"]}
    with tarfile.open(build({**_FILES, **files})) as archive:
        shipped = [name.partition("botocore/data/")[2] for name in archive.getnames() if "botocore" in name]
    assert shipped == kept


def test_two_builds_of_a_lock_have_one_checksum(build):
    one, two = build(_FILES, "one"), build(dict(reversed(_FILES.items())), "two")
    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()


def test_a_built_archive_is_not_built_again(build):
    first = build(_FILES)
    first.write_bytes(b"kept")
    assert build({"other/__init__.py": ""}).read_bytes() == b"kept"


def test_a_lock_that_brings_spark_fails_the_build(build):
    with pytest.raises(JobFailedError, match="would ship pyspark") as caught:
        build({**_FILES, "pyspark/__init__.py": ""})
    assert caught.value.code == "PKG-008"


def test_a_tool_that_fails_is_quoted(monkeypatch, tmp_path):
    tool = tmp_path / "uv"
    tool.write_text("#!/bin/bash\necho 'no wheel for shop' >&2; exit 2\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("UV", str(tool))
    monkeypatch.setattr(environment, "CACHE", tmp_path / "cache")
    with pytest.raises(JobFailedError) as caught:
        build_environment("default")
    assert caught.value.code == "PKG-007"
    assert "no wheel for shop" in caught.value.cause
    assert list((tmp_path / "cache").glob("*.tar.gz")) == []


def test_the_compiled_modules_are_used_wherever_the_archive_is_unpacked(build, tmp_path):
    folder = tmp_path / "node"
    with tarfile.open(fileobj=io.BytesIO(build(_FILES).read_bytes())) as archive:
        archive.extractall(folder, [member for member in archive if member.isfile()], filter="data")
    site = folder / "lib/python3.11/site-packages"
    (site / "shop/__init__.py").write_text("X = 2", encoding="utf-8")
    code = f"import sys; sys.path.insert(0, {str(site)!r}); import shop; print(shop.X)"
    shown = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "1\n"
