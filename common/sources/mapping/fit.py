"""Whether a source can feed a job at all: asked before anything is started."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import UsageError
from common.sources.mapping.model import Source


def check_fit(source: Source, target: Sequence[str], required: Sequence[Sequence[str]]) -> None:
    """Raises UsageError SRC-005 for a column that is not one of ``target``, ING-003 when the source maps too little.

    It must map all columns of at least one of the ``required`` groups.
    """
    source.check_columns(target)
    lacking = [[name for name in group if name not in source.columns] for group in required]
    if lacking and all(lacking):
        least = min(lacking, key=len)
        raise UsageError(
            "ING-003",
            f"The source {source.name} does not map {', '.join(least)}.",
            cause=f"It maps {', '.join(source.columns)}.",
            remedy="Add an expression for each of them under columns: in the source.",
        )
