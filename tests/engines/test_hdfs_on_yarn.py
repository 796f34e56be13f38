"""A lake on a real HDFS: objects behave as in a folder and on S3, and packaged jobs on YARN leave tables there."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import yaml
from pyspark.sql import SparkSession
from rendered import as_submitted, platform_jars, rendered_for_app, write_defaults, yarn_defaults
from submit import SEQUENCE, clean_environment, submit
from yarn import YarnCluster

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.lake.storage import hdfs
from common.lake.storage.hdfs import HdfsStore
from common.lake.storage.open import object_store
from common.sources.files.locations import find_files
from deploy.package.build import Package

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

_KEY = "a key for the pseudonyms of this test"
_SOURCE = {"name": "till", "format": "csv", "columns": {"sold_at": "when", "item_id": "item", "quantity": "units"}}


@pytest.fixture
def root(yarn: YarnCluster, spark: SparkSession, tmp_path: Path) -> str:
    """An empty folder of HDFS; the session's JVM is the driver's."""
    return f"{yarn.hdfs}/objects/{tmp_path.name}"


@pytest.fixture
def store(root: str) -> HdfsStore:
    opened = object_store(root, LakeSettings())
    assert isinstance(opened, HdfsStore)
    return opened


def test_objects_are_written_read_listed_and_deleted(store: HdfsStore) -> None:
    assert store.get("none") is None
    with pytest.raises(FileNotFoundError):
        store.read("none")
    store.delete("none")
    store.delete_folder("none")
    assert (list(store.list("none")), store.children("none/")) == ([], [])
    store.write("a/b.json", b"one")
    store.write("a/b.json", b"two\nlines\n")
    found = store.get("a/b.json")
    assert found is not None
    assert found.body == b"two\nlines\n"
    assert 0 <= found.age_seconds < 60
    with store.open("a/b.json", offset=4) as stream:
        assert stream.read() == b"lines\n"
    for path in ("ta", "t/b", "t/a-b/x", "t/a"):
        store.write(path, b"12345")
    assert [(entry.path, entry.size) for entry in store.list("t")] == [
        ("t/a", 5),
        ("t/a-b/x", 5),
        ("t/b", 5),
        ("ta", 5),
    ]
    assert [entry.path for entry in store.list("t/", after="t/a-b/x")] == ["t/b"]
    assert (store.children(""), store.children("t/")) == (["a", "t"], ["a-b"])
    store.delete("ta")
    store.delete_folder("t")
    assert [entry.path for entry in store.list()] == ["a/b.json"]
    with pytest.raises(UsageError, match="LAK-001"):
        store.read("../a/b.json")


@pytest.mark.parametrize("existing", [False, True])
def test_of_eight_threads_one_creates_and_one_replaces(root: str, existing: bool) -> None:
    first = object_store(root, LakeSettings())
    etag = first.write("race", b"old") if existing else ""
    barrier, winners = threading.Barrier(8), []

    def write(name: bytes) -> None:
        own = object_store(root, LakeSettings())
        barrier.wait()
        done = own.write_if_match("race", name, etag) if existing else own.write_if_absent("race", name)
        if done is not None:
            winners.append(name)

    threads = [threading.Thread(target=write, args=(b"%d" % number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert winners == [first.read("race")]
    assert [entry.path for entry in first.list()] == ["race"]


def test_a_file_is_put_there_once_and_its_sum_is_told(store: HdfsStore, tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert store.fingerprint("builds/abc") is None
    assert store.upload_if_absent("builds/abc", tmp_path / "abc")
    assert not store.upload_if_absent("builds/abc", tmp_path / "abc")
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1
    assert store.fingerprint("builds/abc") == (3, sha256)


def test_a_changed_object_is_not_replaced(store: HdfsStore) -> None:
    first = store.write("doc", b"first")
    assert store.write_if_match("doc", b"second", first) is not None
    assert store.write_if_match("doc", b"third", first) is None
    assert store.write_if_match("none", b"third", first) is None
    assert store.read("doc") == b"second"


def test_what_a_caller_had_moved_aside_when_it_died_comes_back(
    store: HdfsStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdfs, "_REPLACING_SECONDS", 0.2)
    store.write("leases/.lease.replaced-1", b"of long ago")
    store.write("leases/.lease.replaced-2", b"held")
    assert store.write_if_absent("leases/lease", b"mine") is None
    found = store.get("leases/lease")
    assert found is not None
    assert found.body == b"held"


def test_what_a_caller_had_no_time_to_delete_hinders_no_other_and_never_comes_back(store: HdfsStore) -> None:
    etag = store.write("days.json", b"second")
    store.write(".days.json.replaced-1", b"first")
    assert store.write_if_match("days.json", b"third", etag) is not None
    assert store.read("days.json") == b"third"
    store.delete("days.json")
    assert store.get("days.json") is None


def test_a_host_that_nobody_knows_is_a_usage_error(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match=r"LAK-009: HDFS cannot be reached at hdfs://nobody\.invalid/lake"):
        object_store("hdfs://nobody.invalid/lake", LakeSettings())


def test_input_files_on_hdfs_are_refused_before_a_task_looks_for_them(root: str) -> None:
    with pytest.raises(UsageError, match="LAK-001: Input files cannot be read"):
        find_files(f"{root}/landing", LakeSettings())


def test_a_packaged_job_leaves_its_tables_on_hdfs_a_second_finds_nothing_to_do_and_the_doctor_nothing_wrong(
    package: Package, yarn: YarnCluster, uploaded: str, spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text("when,item,units\n2024-05-06,A1,3\n2024-05-07,A2,1\n", encoding="utf-8")
    (tmp_path / "till.yaml").write_text(yaml.safe_dump(_SOURCE), encoding="utf-8")
    lake = f"{yarn.hdfs}/lake"
    key = ["--set", "lake.pseudonym_key=secret://env/LAKE_PSEUDONYM_KEY"]
    shared = ["--set", "lake.shared_folder=true"]  # the one node sees this folder
    inputs = ["--source", str(tmp_path / "till.yaml"), "--input", str(tmp_path / "sales.csv"), *shared]
    home = tmp_path / "home"
    home.mkdir()
    variables = {"spark.yarn.appMasterEnv.LAKE_PSEUDONYM_KEY": _KEY}
    write_defaults(home, {**yarn_defaults(yarn.hdfs), **variables})
    flags = {run_id: ["--env", "prod", "--lake", lake, "--run-id", run_id, *key, *inputs] for run_id in ("a", "b")}
    lines = [json.dumps(["forecast.ingest", *words]) for words in flags.values()]
    lines.append(json.dumps(["maintenance.doctor", "--env", "prod", "--lake", lake, "--run-id", "c"]))
    answer = str(tmp_path / "answer.json")
    words = rendered_for_app(package.folder, uploaded, "forecast.ingest", [answer, "", *lines])
    build = f"{uploaded}/{package.name}"
    entry = f"{build}/{package.manifest['entries']['forecast.ingest']}"
    paths = {**platform_jars(), entry: f"{build}/apps/{SEQUENCE.name}"}
    environment = clean_environment(home, HADOOP_CONF_DIR=str(yarn.conf))
    ended = submit(as_submitted(words, paths), home, environment, 400)
    assert ended.exit_code == 0, yarn.container_logs(ended.application) or ended.stderr[-4000:]
    objects = object_store(lake, LakeSettings())
    records = [json.loads(objects.read(f"runs/forecast/ingest/{run_id}.json")) for run_id in flags]
    assert [(one["status"], one["counts"].get("rows_written")) for one in records] == [("done", 2), ("done", 0)]
    found = json.loads(objects.read("runs/maintenance/doctor/c.json"))["findings"]
    assert [one["check"] for one in found if one["status"] != "ok"] == ["credentials", "region"]
    assert [entry.path for entry in objects.list("_probes/")] == []
    rows = spark.read.format("delta").load(f"{lake}/silver/forecast/sales").select("item_id", "quantity").collect()
    assert sorted(tuple(row) for row in rows) == [("A1", 3.0), ("A2", 1.0)]
