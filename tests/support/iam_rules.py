"""What IAM would answer to a request, and a store that asks it: for policies of plain Allow statements."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from common.lake.storage.folder import FolderStore
from common.lake.storage.objects import Entry, StoredObject
from deploy.policies.place import Location, Place

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PLACE = Place(
    lake=Location("shop-lake", "lake"),
    artefacts=Location("shop-code", "lakejobs"),
    region="us-east-1",
    account="111122223333",
    key_arn=KEY,
    secrets=("lakejobs/pseudonyms",),
    inputs=(("shop-landing", "events/*"),),
    logs=Location("shop-logs", "emr"),
    log_group="/lakejobs/prod",
    glue=True,
)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern of a policy, with ``*`` and ``?``, stands for a text."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def allows(policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether a statement allows the action; a condition holds only for a key that the request has."""
    return any(
        action in statement["Action"]
        and any(matches(pattern, resource) for pattern in statement["Resource"])
        and all(
            key in (context or {}) and any(matches(value, (context or {})[key]) for value in values)
            for condition in statement.get("Condition", {}).values()
            for key, values in condition.items()
        )
        for statement in policy["Statement"]
    )


class PolicedStore:
    """A folder that answers as S3 would to a role with these policies, all of which must allow a request.

    What is refused raises PermissionError with the action and the object. An object that is missing is said to be so
    only to those who may list it.
    """

    commits_exclude = False

    def __init__(self, folder: Path, bucket: str, prefix: str, *policies: Mapping[str, Any]) -> None:
        self._store = FolderStore(folder)
        self._bucket, self._prefix, self._policies = bucket, prefix, policies
        self.root = f"s3://{bucket}/{prefix}"

    def _ask(self, action: str, path: str) -> None:
        if not all(allows(one, action, f"arn:aws:s3:::{self._bucket}/{self._prefix}/{path}") for one in self._policies):
            raise PermissionError(f"{action} {path}")

    def _ask_list(self, prefix: str) -> None:
        context = {"s3:prefix": f"{self._prefix}/{prefix}"}
        if not all(allows(one, "s3:ListBucket", f"arn:aws:s3:::{self._bucket}", context) for one in self._policies):
            raise PermissionError(f"s3:ListBucket {prefix}")

    def get(self, path: str) -> StoredObject | None:
        self._ask("s3:GetObject", path)
        found = self._store.get(path)
        if found is None:
            self._ask_list(path)
        return found

    def read(self, path: str) -> bytes:
        found = self.get(path)
        if found is None:
            raise FileNotFoundError(path)
        return found.body

    def open(self, path: str, *, offset: int = 0) -> BinaryIO:
        self.get(path)
        return self._store.open(path, offset=offset)

    def write(self, path: str, body: bytes) -> str:
        self._ask("s3:PutObject", path)
        return self._store.write(path, body)

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        self._ask("s3:PutObject", path)
        return self._store.write_if_absent(path, body)

    def write_if_match(self, path: str, body: bytes, etag: str) -> str | None:
        self._ask("s3:PutObject", path)
        self._ask("s3:GetObject", path)
        return self._store.write_if_match(path, body, etag)

    def delete(self, path: str) -> None:
        self._ask("s3:DeleteObject", path)
        self._store.delete(path)

    def delete_folder(self, path: str) -> None:
        for entry in builtins.list(self.list(f"{path}/")):
            self.delete(entry.path)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        self._ask_list(prefix)
        yield from self._store.list(prefix, after=after)

    def children(self, prefix: str) -> builtins.list[str]:
        self._ask_list(prefix)
        return self._store.children(prefix)
