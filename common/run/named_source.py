"""The source that ``--source`` names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from common.errors import UsageError

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
    from common.lake.storage.objects import ObjectStore
    from common.sources.mapping.model import Source


def source_of(
    name: str,
    settings: LakeSettings,
    load: Callable[[str], Source],
    objects: Callable[[str, LakeSettings], ObjectStore],
) -> Source:
    """The source of that name: an object (``s3://bucket/shop.yaml``) out of ``objects``, or what ``load`` makes of it.

    Raises UsageError SRC-001 to SRC-003.
    """
    if "://" not in name:
        return load(name)
    from common.sources.mapping.model import Source, source_text

    folder, _, file = name.rpartition("/")
    try:
        body = objects(folder, settings).read(file)
    except FileNotFoundError as error:
        raise UsageError("SRC-001", f"There is no source file {name}.", remedy="Check --source.") from error
    return Source.parse(source_text(body, name), name=file.rpartition(".")[0] or file, where=name)
