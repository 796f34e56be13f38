"""Objects as files in a folder, without a JVM."""

from __future__ import annotations

import builtins
import fcntl
import hashlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from common.errors import UsageError
from common.lake.storage.objects import Entry, StoredObject


class FolderStore:
    """Objects as files under a folder. Writes are atomic by rename, creation by link, replacement under a file lock."""

    commits_exclude = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.root = str(self.folder)

    def _file(self, path: str) -> Path:
        file = self.folder / path
        if ".." in Path(path).parts or Path(path).is_absolute():
            raise UsageError(
                "LAK-001", f"The path '{path}' points outside the store.", remedy="Use a path below the root."
            )
        return file

    def get(self, path: str) -> StoredObject | None:
        """See ObjectStore."""
        try:
            with self._file(path).open("rb") as stream:
                body = stream.read()
                modified = os.fstat(stream.fileno()).st_mtime
        except FileNotFoundError:
            return None
        return StoredObject(body, _etag(body), time.time() - modified)

    def read(self, path: str) -> bytes:
        """See ObjectStore."""
        return self._file(path).read_bytes()

    def open(self, path: str, *, offset: int = 0) -> BinaryIO:
        """See ObjectStore."""
        stream = self._file(path).open("rb")
        stream.seek(offset)
        return stream

    def write(self, path: str, body: bytes) -> str:
        """See ObjectStore."""
        with self._temporary_copy(path, body) as temporary:
            temporary.replace(self._file(path))
        return _etag(body)

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        """See ObjectStore. A hard link is made of a complete file, so no reader sees half an object."""
        with self._temporary_copy(path, body) as temporary:
            try:
                os.link(temporary, self._file(path))
            except FileExistsError:
                return None
        return _etag(body)

    def upload_if_absent(self, path: str, file: Path) -> bool:
        """See ObjectStore."""
        with file.open("rb") as source, self._temporary(path, source) as temporary:
            try:
                os.link(temporary, self._file(path))
            except FileExistsError:
                return False
        return True

    def fingerprint(self, path: str) -> tuple[int, str] | None:
        """See ObjectStore."""
        try:
            with self._file(path).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
                return os.fstat(stream.fileno()).st_size, digest
        except FileNotFoundError:
            return None

    def write_if_match(self, path: str, body: bytes, etag: str) -> str | None:
        """See ObjectStore. Comparison and rename happen under a lock that the kernel drops when its holder dies."""
        file = self._file(path)
        if not file.parent.is_dir():
            return None
        with (file.parent / f".{file.name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            current = self.get(path)
            if current is None or current.etag != etag:
                return None
            return self.write(path, body)

    def delete(self, path: str) -> None:
        """See ObjectStore."""
        with suppress(FileNotFoundError):
            self._file(path).unlink()

    def delete_folder(self, path: str) -> None:
        """See ObjectStore."""
        shutil.rmtree(self._file(path), ignore_errors=True)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        """See ObjectStore. Hidden files (locks, unfinished writes) are left out; etags are empty."""
        found = self._walk(self._file(prefix.rpartition("/")[0]), prefix)
        yield from (entry for entry in found if entry.path > after)

    def children(self, prefix: str) -> builtins.list[str]:
        """See ObjectStore."""
        with suppress(FileNotFoundError), os.scandir(self._file(prefix)) as found:
            return sorted(child.name for child in found if child.is_dir() and not child.name.startswith("."))
        return []

    def _walk(self, folder: Path, prefix: str) -> Iterator[Entry]:
        with suppress(FileNotFoundError), os.scandir(folder) as found:
            # A folder sorts as its name with the slash, as its paths do on S3.
            children = sorted(found, key=lambda child: child.name + "/" * child.is_dir())
            for child in children:
                path = Path(child.path).relative_to(self.folder).as_posix()
                if child.is_dir():
                    if prefix.startswith(f"{path}/") or f"{path}/".startswith(prefix):
                        yield from self._walk(Path(child.path), prefix)
                elif path.startswith(prefix) and not child.name.startswith("."):
                    with suppress(FileNotFoundError):
                        status = child.stat()
                        modified = datetime.fromtimestamp(status.st_mtime, tz=UTC)
                        yield Entry(path, status.st_size, modified, "")

    def _temporary_copy(self, path: str, body: bytes) -> AbstractContextManager[Path]:
        return self._temporary(path, io.BytesIO(body))

    @contextmanager
    def _temporary(self, path: str, source: BinaryIO) -> Iterator[Path]:
        file = self._file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                shutil.copyfileobj(source, stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o644)
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
