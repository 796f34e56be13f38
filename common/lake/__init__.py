"""The only code that touches storage. Names are loaded on first use, so that a plan needs neither PySpark nor a JVM."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.lake.audited import AuditedRows as AuditedRows
    from common.lake.lake import Lake as Lake
    from common.lake.lease import Lease as Lease
    from common.lake.objects import ObjectStore as ObjectStore
    from common.lake.objects import object_store as object_store
    from common.lake.result import WriteResult as WriteResult
    from common.lake.staging import StagedRows as StagedRows
    from common.lake.table import Table as Table

_HOMES = {
    "AuditedRows": "audited",
    "Lake": "lake",
    "Lease": "lease",
    "ObjectStore": "objects",
    "StagedRows": "staging",
    "Table": "table",
    "WriteResult": "result",
    "object_store": "objects",
}

__all__ = ["AuditedRows", "Lake", "Lease", "ObjectStore", "StagedRows", "Table", "WriteResult", "object_store"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'common.lake' has no attribute '{name}'")
    return getattr(importlib.import_module(f"common.lake.{_HOMES[name]}"), name)
