"""Rows that wait for their audit: computed once, looked at, then published or kept for inspection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from common.spark.internals import scan_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.table import Table


class StagedRows:
    """Staged rows of one table: ``rows`` is the frame to audit and to publish; nothing of it is visible to readers.

    In cache mode the executors hold the rows (memory, then disk), and rows lost with an executor are computed again; in
    files mode they lie in Parquet below ``path``, which costs one write and one read, until ``delete`` takes them
    away. In both, the plan of ``rows`` is one scan: what is built on it is not planned together with all that led to
    it. A Spark that gives no such plan of cached rows (see common.spark.internals) has them in files, too.
    """

    def __init__(self, table: Table, rows: DataFrame, path: str, *, files: bool, delete: Callable[[], None]) -> None:
        from pyspark import StorageLevel

        self.table = table
        self.path = path
        self._delete = delete
        self._kept = False
        self._lock = threading.Lock()
        scan = None
        if not files:
            self._cached = rows.select("*").persist(StorageLevel.MEMORY_AND_DISK)
            scan = scan_of(self._cached)
            if scan is None:
                self._cached.unpersist()
        self._files = scan is None
        if scan is None:
            rows.write.mode("overwrite").parquet(path)
            scan = rows.sparkSession.read.schema(rows.schema).parquet(path)
        self.rows = scan

    def keep(self, rows: DataFrame | None = None) -> str:
        """Keep the rows for inspection, as Parquet, and return where; with ``rows``, made of them, only those."""
        if rows is not None:
            place = f"{self.path}-part"
            rows.write.mode("overwrite").parquet(place)
            return place
        with self._lock:
            if not self._files and not self._kept:
                self.rows.write.mode("overwrite").parquet(self.path)
            self._kept = True
        return self.path

    def release(self) -> None:
        """Let the rows go: from the executors, and from storage unless they were kept."""
        if not self._files:
            self._cached.unpersist()
        elif not self._kept:
            self._delete()

    def __enter__(self) -> StagedRows:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
