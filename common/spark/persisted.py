"""Frames that a run computes once and asks several times."""

from __future__ import annotations

from pyspark.sql import DataFrame

from common.spark.internals import planned_alone


class Persisted:
    """Frames that are computed once: each query on one of them plans nothing that led to it, only a scan.

    A persisted frame is otherwise planned in each query together with all that it was made of, which took small runs
    several times as long as their work.
    """

    def __init__(self) -> None:
        self._cached: list[DataFrame] = []

    def keep(self, rows: DataFrame) -> DataFrame:
        """``rows``, computed when they are asked for first, and kept until ``forget``."""
        self._cached.append(rows.persist())
        return planned_alone(self._cached[-1])

    def forget(self) -> None:
        """Give everything back."""
        while self._cached:
            self._cached.pop().unpersist()
