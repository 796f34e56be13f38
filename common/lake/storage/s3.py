"""Objects on S3 through boto3: conditional puts decide between writers, streams keep large objects out of memory."""

from __future__ import annotations

import builtins
import hashlib
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from common.causes import cause_of
from common.errors import TransientError, UsageError
from common.lake.storage.objects import Entry, StoredObject

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from common.config.lake_settings import LakeSettings

_Result = TypeVar("_Result")
# boto3 makes clients in one thread at a time; the clients themselves may be shared.
_MAKING_CLIENTS = threading.Lock()
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound"})
_LOST_RACE = frozenset({"412", "PreconditionFailed"})
# 409: a conditional put met another one of the same key in flight. S3 asks for the request to be sent again.
_TRY_AGAIN = frozenset(
    {"409", "ConditionalRequestConflict", "SlowDown", "InternalError", "503", "500", "RequestTimeout"}
)
_DENIED = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})


class S3Store:
    """Objects below ``bucket/prefix``. Credentials come from the provider chain of boto3."""

    commits_exclude = False

    def __init__(self, bucket_and_prefix: str, settings: LakeSettings) -> None:
        self.bucket, _, prefix = bucket_and_prefix.strip("/").partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._deadline_seconds = settings.storage_deadline_seconds
        self.root = f"s3://{self.bucket}/{prefix}".rstrip("/")
        self._encryption = encryption_headers(settings.s3_kms_key)
        with _MAKING_CLIENTS:
            self._client = self._make_client(settings)

    @staticmethod
    def _make_client(settings: LakeSettings) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=settings.s3_region or ("us-east-1" if settings.s3_endpoint_url else None),
            config=Config(
                s3={"addressing_style": "path" if settings.s3_path_style else "auto"},
                retries={"mode": "standard", "max_attempts": 3},
                connect_timeout=5,
                read_timeout=30,
                # Older S3-compatible servers know no trailing checksums.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def get(self, path: str) -> StoredObject | None:
        """See ObjectStore. The age is measured by the server's clock alone: its Date against its Last-Modified."""

        def call() -> StoredObject:
            answer = self._client.get_object(Bucket=self.bucket, Key=self._key(path))
            date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
            now = parsedate_to_datetime(date) if date else datetime.fromtimestamp(time.time(), tz=UTC)
            age = (now - answer["LastModified"]).total_seconds()
            return StoredObject(answer["Body"].read(), answer["ETag"], max(age, 0.0))

        try:
            return self._sent("get", path, call)
        except FileNotFoundError:
            return None

    def read(self, path: str) -> bytes:
        """See ObjectStore."""
        stored = self.get(path)
        if stored is None:
            raise FileNotFoundError(f"{self.root}/{path}")
        return stored.body

    def open(self, path: str, *, offset: int = 0) -> BinaryIO:
        """See ObjectStore."""

        def call() -> BinaryIO:
            # botocore's body is a raw stream with read, close and iteration by lines: what a BinaryIO is used for here.
            asked: Any = {"Range": f"bytes={offset}-"} if offset else {}
            body = self._client.get_object(Bucket=self.bucket, Key=self._key(path), **asked)["Body"]
            return cast(BinaryIO, _Stream(body))

        return self._sent("get", path, call)

    def write(self, path: str, body: bytes) -> str:
        """See ObjectStore."""
        etag = self._put(path, body)
        if etag is None:
            raise TransientError("LAK-008", f"S3 refused an unconditional write of {self.root}/{path}.")
        return etag

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        """See ObjectStore: ``If-None-Match: *``."""
        return self._put(path, body, IfNoneMatch="*")

    def upload_if_absent(self, path: str, file: Path) -> bool:
        """See ObjectStore: ``If-None-Match: *``. The sum goes with it, so that S3 refuses what the network changed."""
        with file.open("rb") as stream:
            digest = b64encode(hashlib.file_digest(stream, "sha256").digest()).decode()
            return self._put(path, stream, IfNoneMatch="*", ChecksumSHA256=digest) is not None

    def fingerprint(self, path: str) -> tuple[int, str] | None:
        """See ObjectStore: the sum that S3 keeps, or, where it keeps none, that of what it sends."""
        where: Any = {"Bucket": self.bucket, "Key": self._key(path)}
        try:
            head = self._sent("get", path, lambda: self._client.head_object(**where, ChecksumMode="ENABLED"))
            kept = head.get("ChecksumSHA256", "")
            # With a dash it is a sum over the sums of parts.
            if kept and "-" not in kept:
                return head["ContentLength"], b64decode(kept).hex()
            digest = hashlib.sha256()
            with self.open(path) as stream:
                while chunk := stream.read(1_048_576):
                    digest.update(chunk)
        except FileNotFoundError:
            return None
        return head["ContentLength"], digest.hexdigest()

    def write_if_match(self, path: str, body: bytes, etag: str) -> str | None:
        """See ObjectStore: ``If-Match``."""
        try:
            return self._put(path, body, IfMatch=etag)
        except FileNotFoundError:
            return None

    def delete(self, path: str) -> None:
        """See ObjectStore."""
        self._sent("delete", path, lambda: self._client.delete_object(Bucket=self.bucket, Key=self._key(path)))

    def delete_folder(self, path: str) -> None:
        """See ObjectStore."""
        for entry in self.list(f"{path}/"):
            self.delete(entry.path)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        """See ObjectStore."""
        paginator = self._client.get_paginator("list_objects_v2")
        pages = paginator.paginate(
            Bucket=self.bucket, Prefix=self._key(prefix), StartAfter=self._key(after) if after else ""
        )
        turning = iter(pages)
        while (page := self._sent("list", prefix, lambda: next(turning, None))) is not None:
            for found in page.get("Contents", []):
                path = found["Key"].removeprefix(self._prefix)
                yield Entry(path, found["Size"], found["LastModified"].astimezone(UTC), found.get("ETag", ""))

    def children(self, prefix: str) -> builtins.list[str]:
        """See ObjectStore."""
        key = self._key(prefix)
        paginator = self._client.get_paginator("list_objects_v2")
        turning = iter(paginator.paginate(Bucket=self.bucket, Prefix=key, Delimiter="/"))
        names = []
        while (page := self._sent("list", prefix, lambda: next(turning, None))) is not None:
            names += [found["Prefix"].removeprefix(key).rstrip("/") for found in page.get("CommonPrefixes", [])]
        return names

    def _key(self, path: str) -> str:
        return f"{self._prefix}{path}"

    def _put(self, path: str, body: bytes | BinaryIO, **more: Any) -> str | None:
        def call() -> str | None:
            if not isinstance(body, bytes):
                body.seek(0)
            try:
                answer = self._client.put_object(
                    Bucket=self.bucket, Key=self._key(path), Body=body, **self._encryption, **more
                )
            except ClientError as error:
                if _code(error) in _LOST_RACE:
                    return None
                raise
            return answer["ETag"]

        return self._sent("put", path, call)

    def _sent(self, verb: str, path: str, call: Callable[[], _Result]) -> _Result:
        """The answer to a request, sent again with jitter while S3 asks for it and the deadline has not passed."""
        try:
            return Retrying(
                retry=retry_if_exception(_is_transient),
                stop=stop_after_delay(self._deadline_seconds),
                wait=wait_random_exponential(multiplier=0.1, max=5),
                reraise=True,
            )(call)
        except ClientError as error:
            raise self._explained(verb, path, error) from error
        except BotoCoreError as error:
            if not _is_transient(error):
                raise UsageError(
                    "LAK-009",
                    f"No request to {self.root} could be sent.",
                    cause=cause_of(error),
                    remedy="Check the credentials.",
                ) from error
            raise TransientError(
                "LAK-008",
                f"S3 did not answer within {self._deadline_seconds} s ({verb} {self.root}/{path}).",
                cause=cause_of(error),
                remedy="Run again later; check s3_endpoint_url and the network.",
            ) from error

    def _explained(self, verb: str, path: str, error: ClientError) -> Exception:
        code, where = _code(error), f"{self.root}/{path}"
        if code in _ABSENT:
            return FileNotFoundError(where)
        request = error.response["ResponseMetadata"].get("RequestId", "unknown")
        if code == "NoSuchBucket":
            remedy = "Check the lake root."
        elif code in _DENIED:
            remedy = f"Allow the job's role to {verb} objects there, and to use the bucket's key."
        else:
            return TransientError(
                "LAK-008",
                f"S3 could not {verb} {where}: {code}.",
                cause=f"Request {request}.",
                remedy="Run again later: it is safe.",
            )
        return UsageError(
            "LAK-009",
            f"S3 denied access: {verb} {where} failed with {code}.",
            cause=f"Request {request}.",
            remedy=remedy,
        )


def encryption_headers(kms_key: str | None) -> dict[str, Any]:
    """What a put says of its encryption: the key that Spark's puts name; without one nothing, as Spark says nothing.

    Whether S3 Bucket Keys save requests to KMS is left to the bucket, because Hadoop's S3A cannot name it.
    """
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}


class _Stream:
    """A readable, iterable stream that is also a context manager."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        return cast(bytes, self._body.read(None if size < 0 else size))

    def __iter__(self) -> Iterator[bytes]:
        return cast(Iterator[bytes], self._body.iter_lines(chunk_size=65_536))

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._body.close()


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        return _code(error) in _TRY_AGAIN
    from botocore.exceptions import ConnectionError as Unreachable
    from botocore.exceptions import HTTPClientError

    return isinstance(error, (Unreachable, HTTPClientError))
