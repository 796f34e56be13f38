"""Objects on HDFS through Hadoop's own client in the driver's JVM: renames that never overwrite decide between writers.

HDFS has no conditional put. An object is replaced by moving it aside, which one of several callers can, and moving the
new one into its place, which fails where somebody has put another one there. One that was moved aside by a caller that
died is moved back by the next who looks for it.
"""

from __future__ import annotations

import builtins
import hashlib
import io
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from common.causes import cause_of
from common.errors import LakejobsError, TransientError, UsageError
from common.lake.storage.jvm_stream import JvmStream
from common.lake.storage.objects import Entry, StoredObject
from common.spark.internals import driver_jvm

if TYPE_CHECKING:
    from py4j.protocol import Py4JJavaError

# How long a replacement may take before its caller is taken for dead, and how often one looks meanwhile.
_REPLACING_SECONDS = 3.0
_LOOK_SECONDS = 0.05
_CHUNK_BYTES = 1_048_576


class HdfsStore:
    """Objects as files below ``hdfs://name/path`` (also viewfs), for drivers that spark-submit has started."""

    commits_exclude = True

    def __init__(self, root: str) -> None:
        jvm = driver_jvm()
        if jvm is None:
            raise UsageError(
                "LAK-014",
                f"The root '{root}' cannot be opened here.",
                cause="HDFS is read through the JVM that spark-submit starts, and there is none.",
                remedy="Run the job by spark-submit, or give a folder or s3://bucket/prefix.",
            )
        self.root = root.rstrip("/")
        self._jvm = jvm
        configuration = jvm.org.apache.hadoop.conf.Configuration()
        with self._explained("open", ""):
            address = jvm.java.net.URI.create(self.root)
            self._files = jvm.org.apache.hadoop.fs.FileSystem.get(address, configuration)
            self._context = jvm.org.apache.hadoop.fs.FileContext.getFileContext(address, configuration)
        self._options = jvm.org.apache.hadoop.fs.Options.Rename
        self._ahead_seconds: float | None = None

    def get(self, path: str) -> StoredObject | None:
        """See ObjectStore."""
        self._put_back(path)
        try:
            with self._explained("get", path):
                modified = self._files.getFileStatus(self._path(path)).getModificationTime() / 1000
            body = self.read(path)
        except FileNotFoundError:
            return None
        return StoredObject(body, _etag(body), max(self._now() - modified, 0.0))

    def read(self, path: str) -> bytes:
        """See ObjectStore."""
        with self.open(path) as stream:
            return stream.read()

    def open(self, path: str, *, offset: int = 0) -> BinaryIO:
        """See ObjectStore."""
        with self._explained("open", path):
            stream = self._files.open(self._path(path))
            stream.seek(offset)
        return cast(BinaryIO, io.BufferedReader(JvmStream(stream), _CHUNK_BYTES))

    def write(self, path: str, body: bytes) -> str:
        """See ObjectStore."""
        with self._draft(path, [body]) as draft, self._explained("put", path):
            self._rename(draft, self._path(path), self._options.OVERWRITE)
        return _etag(body)

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        """See ObjectStore."""
        self._put_back(path)
        with self._draft(path, [body]) as draft:
            return _etag(body) if self._moved(draft, self._path(path)) else None

    def upload_if_absent(self, path: str, file: Path) -> bool:
        """See ObjectStore."""
        self._put_back(path)
        with file.open("rb") as source, self._draft(path, iter(lambda: source.read(_CHUNK_BYTES), b"")) as draft:
            return self._moved(draft, self._path(path))

    def fingerprint(self, path: str) -> tuple[int, str] | None:
        """See ObjectStore."""
        digest, size = hashlib.sha256(), 0
        try:
            with self.open(path) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    size += len(chunk)
        except FileNotFoundError:
            return None
        return size, digest.hexdigest()

    def write_if_match(self, path: str, body: bytes, etag: str) -> str | None:
        """See ObjectStore."""
        current = self.get(path)
        if current is None or current.etag != etag:
            return None
        aside = f"{_aside(path)}{uuid.uuid4()}"
        with self._draft(path, [body]) as draft, suppress(FileNotFoundError):
            self._moved(self._path(path), self._path(aside))
            # What was moved may be newer than what was looked at. Nobody else moves what is aside, but who takes us for
            # dead, and then the object is back in its place.
            if _etag(self.read(aside)) == etag:
                is_replaced = self._moved(draft, self._path(path))
                self._remove(self._path(aside))
                return _etag(body) if is_replaced else None
            if not self._moved(self._path(aside), self._path(path)):
                self._remove(self._path(aside))
        return None

    def delete(self, path: str) -> None:
        """See ObjectStore."""
        for _, aside in self._left_aside(path):
            self._remove(aside)
        self._remove(self._path(path))

    def delete_folder(self, path: str) -> None:
        """See ObjectStore."""
        with suppress(FileNotFoundError), self._explained("delete", path):
            self._files.delete(self._path(path), True)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        """See ObjectStore. Hidden files (unfinished writes) are left out; etags are empty."""
        folder = prefix.rpartition("/")[0]
        yield from (entry for entry in self._walk(folder, prefix) if entry.path > after)

    def children(self, prefix: str) -> builtins.list[str]:
        """See ObjectStore."""
        found = self._status(prefix.rstrip("/"))
        return sorted(name for name, status in found if status.isDirectory() and not name.startswith("."))

    def _walk(self, folder: str, prefix: str) -> Iterator[Entry]:
        # A folder sorts as its name with the slash, as its paths do on S3.
        found = [(name + "/" * status.isDirectory(), status) for name, status in self._status(folder)]
        for name, status in sorted(found, key=lambda one: one[0]):
            path = f"{folder}/{name}" if folder else name
            if name.endswith("/"):
                if prefix.startswith(path) or path.startswith(prefix):
                    yield from self._walk(path.rstrip("/"), prefix)
            elif path.startswith(prefix) and not name.startswith("."):
                modified = datetime.fromtimestamp(status.getModificationTime() / 1000, tz=UTC)
                yield Entry(path, int(status.getLen()), modified, "")

    def _status(self, folder: str) -> builtins.list[tuple[str, Any]]:
        try:
            with self._explained("list", folder):
                found = self._files.listStatus(self._path(folder))
        except FileNotFoundError:
            return []
        return [(str(status.getPath().getName()), status) for status in found]

    def _path(self, path: str) -> Any:
        if ".." in path.split("/") or path.startswith("/"):
            raise UsageError(
                "LAK-001", f"The path '{path}' points outside the store.", remedy="Use a path below the root."
            )
        return self._jvm.org.apache.hadoop.fs.Path(f"{self.root}/{path}" if path else self.root)

    @contextmanager
    def _draft(self, path: str, chunks: Iterable[bytes]) -> Iterator[Any]:
        """A whole file beside the object, which is gone afterwards if nobody has moved it."""
        folder, _, name = path.rpartition("/")
        draft = self._path(f"{folder}/.{name}.{uuid.uuid4()}.part".lstrip("/"))
        try:
            with self._explained("put", path):
                stream = self._files.create(draft, False)
                try:
                    for chunk in chunks:
                        stream.write(bytearray(chunk))
                finally:
                    stream.close()
            yield draft
        finally:
            with suppress(LakejobsError, FileNotFoundError):
                self._remove(draft)

    def _moved(self, source: Any, target: Any) -> bool:
        """Whether the file was moved: not where the target is there. Raises FileNotFoundError for a missing source."""
        try:
            with self._explained("put", str(target.getName())):
                self._rename(source, target, self._options.NONE)
        except FileExistsError:
            return False
        return True

    def _rename(self, source: Any, target: Any, option: Any) -> None:
        options = self._jvm.java.lang.reflect.Array.newInstance(option.getClass(), 1)
        options[0] = option
        self._context.rename(source, target, options)

    def _remove(self, path: Any) -> None:
        with self._explained("delete", str(path.getName())):
            self._files.delete(path, False)

    def _put_back(self, path: str) -> None:
        """Wait for a replacement that is under way; undo one whose caller has died."""
        deadline, target = time.monotonic() + _REPLACING_SECONDS, self._path(path)
        while not self._is_there(target) and (left := self._left_aside(path)):
            if time.monotonic() > deadline:
                # An older one is what a caller had no time to delete after its replacement.
                with suppress(FileNotFoundError):
                    self._moved(left[-1][1], target)
                return
            time.sleep(_LOOK_SECONDS)

    def _left_aside(self, path: str) -> builtins.list[tuple[int, Any]]:
        """When they were written, and where they are: what callers have moved aside of an object, the oldest first."""
        folder, _, name = _aside(path).rpartition("/")
        found = [status for other, status in self._status(folder) if other.startswith(name)]
        return sorted(((int(one.getModificationTime()), one.getPath()) for one in found), key=lambda one: one[0])

    def _is_there(self, path: Any) -> bool:
        with self._explained("get", str(path.getName())):
            return bool(self._files.exists(path))

    def _now(self) -> float:
        """The time by HDFS's own clock, in seconds: a file is made once to see how far it is ahead of ours."""
        if self._ahead_seconds is None:
            with self._draft("clock", []) as draft, self._explained("get", "clock"):
                modified = self._files.getFileStatus(draft).getModificationTime() / 1000
                self._ahead_seconds = modified - time.time()
        return time.time() + self._ahead_seconds

    @contextmanager
    def _explained(self, verb: str, path: str) -> Iterator[None]:
        from py4j.protocol import Py4JError, Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            yield
        except Py4JJavaError as error:
            raise self._error(verb, path, error) from error
        except PySparkException as error:
            # What PySpark makes of Java's illegal arguments: a host without an address, for one.
            raise UsageError(
                "LAK-009",
                f"HDFS cannot be reached at {self.root}.",
                cause=cause_of(error),
                remedy="Check the lake root and HADOOP_CONF_DIR.",
            ) from error
        except Py4JError as error:
            raise TransientError(
                "LAK-008",
                f"HDFS could not {verb} {self.root}/{path}.",
                cause=f"The driver's JVM did not answer: {cause_of(error)}.",
                remedy="Run again: it is safe.",
            ) from error

    def _error(self, verb: str, path: str, error: Py4JJavaError) -> Exception:
        kind = str(error.java_exception.getClass().getSimpleName())
        where = f"{self.root}/{path}"
        if kind == "FileNotFoundException":
            return FileNotFoundError(where)
        if kind == "FileAlreadyExistsException":
            return FileExistsError(where)
        if kind in {"AccessControlException", "UnsupportedFileSystemException", "UnknownHostException"}:
            return UsageError(
                "LAK-009",
                f"HDFS denied access: {verb} {where} failed with {kind}.",
                remedy="Check the lake root, HADOOP_CONF_DIR and the rights of the user who runs the job.",
            )
        return TransientError(
            "LAK-008",
            f"HDFS could not {verb} {where}: {kind}.",
            remedy="Run again later: it is safe.",
        )


def _aside(path: str) -> str:
    folder, _, name = path.rpartition("/")
    return f"{folder}/.{name}.replaced-".lstrip("/")


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
