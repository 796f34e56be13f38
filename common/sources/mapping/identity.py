"""What tells one version of a source from another: how it reads files, and how it maps what was read."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from common.sources.mapping.model import Source

# Neither changes a row.
_WORDS = {"name", "description", "ignore_files", "on_bad_file", "max_bad_share"}
_READING = {"format", "options", "encoding", "max_line_bytes", "max_nesting", "max_undecodable_share"}


def reading_of(source: Source) -> str:
    """A short id of how files are cut into records; bronze rows of another one have to be read again."""
    fields = source.model_dump(mode="json", include=_READING)
    # JSON names its own fields; a csv line without a header has the names of the schema.
    if source.format != "json":
        fields["raw_schema"] = source.raw_schema
    return _digest(fields)


def mapping_of(source: Source) -> str:
    """A short id of everything in ``source`` that decides what becomes of the files: the reading included."""
    # Left out where there is none: a source of an earlier release is still the same one.
    left_out = {name for name in ("extra", "optional") if not getattr(source, name)}
    fields = source.model_dump(mode="json", exclude=_WORDS | left_out)
    if source.extra:
        fields["extra"] = {name: [one.type, one.expr] for name, one in source.extra.items()}
    return _digest(fields)


def _digest(fields: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]
