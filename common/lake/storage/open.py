"""Opens the store for a root: a folder, S3 or HDFS."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import UsageError

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
from common.lake.storage.folder import FolderStore
from common.lake.storage.objects import ObjectStore


def object_store(root: str, settings: LakeSettings) -> ObjectStore:
    """The store for a root: ``s3://bucket/prefix`` (also s3a, s3n), ``hdfs://`` (also viewfs) or a folder (``file:``).

    Raises UsageError LAK-001 for any other scheme and for an empty root, which is no folder; LAK-014 for HDFS where no
    JVM runs.
    """
    if not root:
        raise UsageError(
            "LAK-001", "The store has no root.", cause="It is empty.", remedy="Give a folder, or s3://bucket/prefix."
        )
    scheme, separator, rest = root.partition("://")
    if separator and scheme in {"s3", "s3a", "s3n"}:
        from common.lake.storage.s3 import S3Store

        return S3Store(rest, settings)
    if separator and scheme in {"hdfs", "viewfs"}:
        from common.lake.storage.hdfs import HdfsStore

        return HdfsStore(root)
    if root.startswith("file:"):
        return FolderStore(Path("/" + root.removeprefix("file:").lstrip("/")))
    if separator:
        raise UsageError(
            "LAK-001",
            f"The root '{root}' is not supported.",
            cause=f"The scheme is '{scheme}'.",
            remedy="Give a folder, s3://bucket/prefix or hdfs://name/path.",
        )
    return FolderStore(Path(root))


def is_for_drivers_only(root: str) -> bool:
    """Whether tasks, which have no JVM, cannot open a root."""
    return root.startswith(("hdfs://", "viewfs://"))
