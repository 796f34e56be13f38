"""Objects in a folder and on a real S3 server behave alike."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import boto3
import pytest
from s3_server import S3Server

from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError, UsageError
from common.lake.storage.objects import ObjectStore
from common.lake.storage.open import object_store
from common.releases import release_of
from common.spark.session import needed_conf


@pytest.fixture(params=[pytest.param("folder", marks=pytest.mark.unit), pytest.param("s3", marks=pytest.mark.engine)])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ObjectStore]:
    """Opens an empty store, the same one each time."""
    if request.param == "folder":
        settings = LakeSettings(root=str(tmp_path / "root"))
    else:
        server: S3Server = request.getfixturevalue("s3")
        settings = server.settings(f"{tmp_path.parent.name}/{tmp_path.name}")
    return lambda: object_store(settings.root, settings)


@pytest.fixture
def store(open_store: Callable[[], ObjectStore]) -> ObjectStore:
    return open_store()


def test_what_is_written_is_read(store: ObjectStore) -> None:
    store.write("a/b.json", b"one")
    store.write("a/b.json", b"two\nlines\n")
    assert store.read("a/b.json") == b"two\nlines\n"
    with store.open("a/b.json") as stream:
        assert [line.strip() for line in stream] == [b"two", b"lines"]
    with store.open("a/b.json", offset=4) as stream:
        assert stream.read() == b"lines\n"
    found = store.get("a/b.json")
    assert found is not None
    assert found.body == b"two\nlines\n"
    assert 0 <= found.age_seconds < 60


def test_a_file_is_uploaded_once_and_what_lies_there_has_a_sum(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"abc")
    (tmp_path / "two").write_bytes(b"other")
    assert store.fingerprint("a/file") is None
    assert store.upload_if_absent("a/file", tmp_path / "one")
    assert not store.upload_if_absent("a/file", tmp_path / "two")
    # SHA-256 of abc, from FIPS 180-2, appendix B.1.
    assert store.fingerprint("a/file") == (3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")


def test_a_missing_object_is_not_mistaken_for_another_failure(store: ObjectStore) -> None:
    assert store.get("none") is None
    with pytest.raises(FileNotFoundError):
        store.read("none")
    with pytest.raises(FileNotFoundError):
        store.open("none")
    store.delete("none")
    assert list(store.list("none")) == []
    assert store.children("none/") == []


def test_only_the_first_creation_succeeds(store: ObjectStore) -> None:
    assert store.write_if_absent("once", b"first") is not None
    assert store.write_if_absent("once", b"second") is None
    assert store.read("once") == b"first"


def test_of_eight_threads_exactly_one_creates_an_object(open_store: Callable[[], ObjectStore]) -> None:
    for number in range(10):
        barrier = threading.Barrier(8)
        winners: list[bytes] = []

        def create(
            name: bytes, path: str = f"race-{number}", barrier: threading.Barrier = barrier, to: list[bytes] = winners
        ) -> None:
            own = open_store()
            barrier.wait()
            if own.write_if_absent(path, name) is not None:
                to.append(name)

        threads = [threading.Thread(target=create, args=(b"%d" % n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert winners == [open_store().read(f"race-{number}")]


def test_a_changed_object_is_not_replaced(store: ObjectStore) -> None:
    first = store.write("doc", b"first")
    second = store.write_if_match("doc", b"second", first)
    assert second is not None
    assert store.write_if_match("doc", b"third", first) is None
    assert store.write_if_match("none", b"third", first) is None
    assert store.read("doc") == b"second"


def test_a_listing_is_in_order_of_whole_paths_and_can_start_behind_one(store: ObjectStore) -> None:
    before = time.time()
    for path in ("ta", "t/b", "t/a-b/x", "t/a"):
        store.write(path, b"12345")
    found = list(store.list("t/"))
    assert [entry.path for entry in found] == ["t/a", "t/a-b/x", "t/b"]
    assert {entry.size for entry in found} == {5}
    assert all(abs(entry.modified.timestamp() - before) < 60 for entry in found)
    assert [entry.path for entry in store.list("t")] == ["t/a", "t/a-b/x", "t/b", "ta"]
    assert [entry.path for entry in store.list("t/", after="t/a-b/x")] == ["t/b"]
    assert store.children("") == ["t"]
    assert store.children("t/") == ["a-b"]


@pytest.mark.unit
def test_no_half_written_file_is_ever_seen_or_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = object_store(str(tmp_path), LakeSettings())
    store.write("doc", b"old")

    def fail(handle: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("common.lake.storage.folder.os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        store.write("doc", b"new")
    assert store.read("doc") == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["doc"]


@pytest.mark.unit
@pytest.mark.parametrize("root", ["gs://bucket/x", "abfss://c@a.example/x"])
def test_a_root_of_another_kind_is_refused(root: str) -> None:
    with pytest.raises(UsageError, match="LAK-001"):
        object_store(root, LakeSettings())


@pytest.mark.unit
def test_a_path_cannot_leave_its_store(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="LAK-001"):
        object_store(str(tmp_path), LakeSettings()).read("../secret")


@pytest.mark.engine
def test_a_bucket_that_is_not_there_and_a_refused_key_are_usage_errors(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = s3.settings()
    with pytest.raises(UsageError, match="NoSuchBucket"):
        object_store("s3://nobody/x", settings).get("a")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(UsageError, match=r"LAK-009[\s\S]*Allow the job's role"):
        object_store(settings.root, settings).get("a")


@pytest.mark.unit
def test_a_server_that_does_not_answer_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    # boto3's default session keeps the first credentials that it meets: these must not outlive the test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    settings = LakeSettings.model_validate(
        {"root": "s3://b/x", "s3_endpoint_url": "http://127.0.0.1:9", "storage_deadline_seconds": 1}
    )
    with pytest.raises(LakejobsError, match="LAK-008") as caught:
        object_store(settings.root, settings).get("a")
    assert caught.value.exit_code == 75


class _Puts(BaseHTTPRequestHandler):
    # Otherwise each put waits a second for the word that its body may come.
    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str | None, str | None]]] = []

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        names = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
        self.seen.append((self.headers[names[0]], self.headers[names[1]]))
        self.send_response(200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test's output stays its own."""


@pytest.mark.unit
@pytest.mark.parametrize("key", ["arn:aws:kms:eu-west-1:000000000000:key/1a2b", None])
def test_every_put_names_the_key_that_spark_names(
    key: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setattr(_Puts, "seen", [])
    (tmp_path / "file").write_bytes(b"abc")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Puts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings = LakeSettings(
            root="s3://lake/root",
            s3_endpoint_url=f"http://127.0.0.1:{server.server_port}",
            s3_path_style=True,
            s3_kms_key=key,
        )
        store = object_store(settings.root, settings)
        store.write("a", b"1")
        store.write_if_absent("b", b"2")
        store.write_if_match("c", b"3", '"one"')
        store.upload_if_absent("d", tmp_path / "file")
    finally:
        server.shutdown()
        server.server_close()
    assert _Puts.seen == [("aws:kms", key) if key else (None, None)] * 4
    spark = needed_conf(settings, release_of("emr-spark-8.1.0"), local=False)
    assert spark.get("spark.hadoop.fs.s3a.encryption.key") == key
    assert spark.get("spark.hadoop.fs.s3a.encryption.algorithm") == ("SSE-KMS" if key else None)
