"""Looks whether the files that a request names are on S3, and are those of the build's manifest."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from common.errors import UsageError
from deploy.targets.artefacts import missing_build, read_manifest
from deploy.targets.clients import ask, client, is_absent
from deploy.targets.target import EmrTarget

_ADDRESS = re.compile(r"s3://[^\s,\"'#]+")
# A file that S3 keeps no sum of is read up to this size; the dependency archive is not fetched to be looked at.
_READ_UP_TO = 16 * 1024 * 1024


def check_artefacts(target: EmrTarget, body: Mapping[str, Any], manifest: Path | None) -> list[str]:
    """Sentences about sums that could not be compared.

    Raises UsageError TGT-006 for a file that is missing, or has another size or SHA-256 than in the manifest: the one
    here, or, for a saved plan, the one that lies with the files.
    """
    s3 = client("s3", target.region)
    unseen = []
    for folder, names in _named(target, body).items():
        there = json.loads(_read(s3, folder, "manifest.json")) if manifest is None else read_manifest(manifest)
        for name in names:
            known = there["files"].get(name)
            if known is None:
                raise _other(f"{folder}/{name}", "The manifest does not know it.")
            if not _has_sum(s3, folder, name, known):
                unseen.append(f"the SHA-256 of {folder}/{name} (S3 keeps none; its size is right)")
    return unseen


def _named(target: EmrTarget, body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Folder of a build -> the files in it that the request names."""
    found: dict[str, list[str]] = {}
    prefix = f"{target.artifacts.rstrip('/')}/"
    for address in dict.fromkeys(_ADDRESS.findall(json.dumps(body))):
        build, slash, name = address.removeprefix(prefix).partition("/")
        if address.startswith(f"{prefix}lakejobs-") and slash and name:
            found.setdefault(f"{prefix}{build}", []).append(name)
    return found


def _has_sum(s3: Any, folder: str, name: str, known: Mapping[str, Any]) -> bool:
    where = f"{folder}/{name}"
    bucket, key = _place(where)
    try:
        head = ask(s3, "head_object", Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except UsageError as error:
        if is_absent(error.__cause__):
            raise missing_build(folder) from error
        raise
    if head["ContentLength"] != known["bytes"]:
        raise _other(where, f"It has {head['ContentLength']} bytes, in the manifest {known['bytes']}.")
    found = ""
    # The sum of a file that went up in parts is one of sums.
    if head.get("ChecksumSHA256") and head.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT":
        found = base64.b64decode(head["ChecksumSHA256"]).hex()
    elif head["ContentLength"] <= _READ_UP_TO:
        found = hashlib.sha256(_read(s3, folder, name)).hexdigest()
    if found and found != known["sha256"]:
        raise _other(where, "Its SHA-256 is another one.")
    return bool(found)


def _read(s3: Any, folder: str, name: str) -> bytes:
    bucket, key = _place(f"{folder}/{name}")
    try:
        return bytes(ask(s3, "get_object", Bucket=bucket, Key=key)["Body"].read())
    except UsageError as error:
        if is_absent(error.__cause__):
            raise missing_build(folder) from error
        raise


def _place(address: str) -> Iterator[str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return iter((bucket, key))


def _other(where: str, cause: str) -> UsageError:
    return UsageError(
        "TGT-006",
        f"{where} is not the file of the manifest.",
        cause=cause,
        remedy="Build again, and upload it to the folder of its own name, where nothing is ever overwritten.",
    )
