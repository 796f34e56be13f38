"""Opens the store for a root: a folder or S3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import UsageError

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
from common.lake.storage.folder import FolderStore
from common.lake.storage.objects import ObjectStore


def object_store(root: str, settings: LakeSettings) -> ObjectStore:
    """The store for a root: ``s3://bucket/prefix`` (also s3a, s3n) or a folder (also ``file:``).

    Raises UsageError LAK-001 for any other scheme and for an empty root, which is no folder.
    """
    if not root:
        raise UsageError(
            "LAK-001", "The store has no root.", cause="It is empty.", remedy="Give a folder, or s3://bucket/prefix."
        )
    scheme, separator, rest = root.partition("://")
    if separator and scheme in {"s3", "s3a", "s3n"}:
        from common.lake.storage.s3 import S3Store

        return S3Store(rest, settings)
    if root.startswith("file:"):
        return FolderStore(Path("/" + root.removeprefix("file:").lstrip("/")))
    if separator:
        raise UsageError(
            "LAK-001",
            f"The root '{root}' is not supported.",
            cause=f"The scheme is '{scheme}'.",
            remedy="Give a folder, or s3://bucket/prefix.",
        )
    return FolderStore(Path(root))
