"""What the writing half of a lake, and its upkeep, know of it: where it is and for whom it is written."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from common.lake.result import WriteResult
from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from common.config.lake_settings import LakeSettings
    from common.lake.lease import Lease
    from common.lake.storage.objects import ObjectStore


class Site(Protocol):
    """A lake as one run sees it; ``writes`` collects what the run has written."""

    spark: SparkSession
    settings: LakeSettings
    objects: ObjectStore
    run_id: str
    job: str
    code_version: str
    writes: list[WriteResult]

    def path(self, table: Table) -> str:
        """Where a table is, as Spark spells it."""
        ...

    def version(self, table: Table) -> int | None:
        """The latest version, None when there is no such table."""
        ...

    def lease(self, table: Table, *, wait_seconds: float | None = None) -> AbstractContextManager[Lease]:
        """Hold the lease of a table. Raises WriteConflictError LEA-001."""
        ...
