"""Sources: raw files as frames of canonical columns, with an inspection of each file before it is read."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from common.sources.model import Source, presets

if TYPE_CHECKING:
    from common.sources.inspection import bad_file_rows, inspect
    from common.sources.inventory import FileInventory, InspectedFile
    from common.sources.mapping import canonical
    from common.sources.reading import read_raw

__all__ = ["FileInventory", "InspectedFile", "Source", "bad_file_rows", "canonical", "inspect", "presets", "read_raw"]

# A plan loads a source and starts no Spark: what needs Spark, Arrow or NumPy is imported when it is first asked for.
_HOMES = {
    "FileInventory": "inventory",
    "InspectedFile": "inventory",
    "bad_file_rows": "inspection",
    "canonical": "mapping",
    "inspect": "inspection",
    "read_raw": "reading",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"common.sources.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
