"""Rows that wait for their audit: computed once, looked at, then published or kept for inspection."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from common.lake.table import Table


class StagedRows:
    """Staged rows of one table: ``rows`` is the frame to audit and to publish; nothing of it is visible to readers.

    In cache mode the executors hold the rows (memory, then disk), and rows lost with an executor are computed again; in
    files mode they lie in Parquet below ``path``, which costs one write and one read. In both, the plan of ``rows`` is
    one scan: what is built on it is not planned together with all that led to it.
    """

    def __init__(self, table: Table, rows: DataFrame, path: str, *, files: bool) -> None:
        from pyspark import StorageLevel

        self.table = table
        self.path = path
        self._files = files
        self._kept = False
        self._lock = threading.Lock()
        if files:
            rows.write.mode("overwrite").parquet(path)
            self.rows = rows.sparkSession.read.schema(rows.schema).parquet(path)
        else:
            self._cached = rows.select("*").persist(StorageLevel.MEMORY_AND_DISK)
            self.rows = _scan_of(self._cached)

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
            _delete(self.rows.sparkSession, self.path)

    def __enter__(self) -> StagedRows:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


def _scan_of(cached: DataFrame) -> DataFrame:
    """The same rows with a plan of one scan, which reads the columns asked for. A lost block is computed again.

    Spark offers nothing public: the cached frame is planned together with all that led to it before its cache is found,
    and a checkpoint loses the lineage.
    """
    from pyspark.sql import DataFrame

    spark: Any = cached.sparkSession
    jvm: Any = spark._jvm
    frame: Any = cached._jdf
    held = frame.queryExecution().withCachedData()
    # Without the order of the rows: Spark 4.1 cannot plan a sorted relation that a query reads twice.
    relation = held.copy(held.output(), held.cacheBuilder(), held.outputOrdering().take(0))
    getattr(relation, "statsOfPlanToCache_$eq")(held.stats())
    dataset = jvm.org.apache.spark.sql.classic.Dataset if spark.version >= "4" else jvm.org.apache.spark.sql.Dataset
    return DataFrame(dataset.ofRows(spark._jsparkSession, relation), spark)


def _delete(spark: SparkSession, path: str) -> None:
    jvm: Any = spark._jvm
    target = jvm.org.apache.hadoop.fs.Path(path)
    target.getFileSystem(jvm.org.apache.spark.deploy.SparkHadoopUtil.get().conf()).delete(target, True)
