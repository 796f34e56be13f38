"""MERGE by keys, pruned to the days that the rows touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.days import DayRange
from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass(frozen=True)
class MergePlan:
    """How rows are merged: keys of the table, the days touched, and what decides between a stored and a new row."""

    table: Table
    days: DayRange | None
    newer: str | None
    deleted: str | None

    def condition(self) -> str:
        """The ON clause. The days are literals, so that Delta reads, and conflicts on, those partitions only."""
        names = list(dict.fromkeys([*self.table.keys, *([self.table.day_column] if self.table.day_column else [])]))
        parts = [f"t.`{name}` = s.`{name}`" for name in names]
        if self.days is not None and self.table.day_column is not None:
            touched = self.days.predicate(self.table.day_column)
            parts.insert(0, touched.replace(f"`{self.table.day_column}`", f"t.`{self.table.day_column}`"))
        return " AND ".join(parts)

    def execute(self, spark: SparkSession, path: str, rows: DataFrame) -> None:
        """Run the MERGE. Two rows with the same keys make Delta refuse it."""
        from delta.tables import DeltaTable

        values = {f"`{name}`": f"s.`{name}`" for name in self.table.schema.names}
        merging = DeltaTable.forPath(spark, path).alias("t").merge(rows.alias("s"), self.condition())
        if self.deleted is not None:
            merging = merging.whenMatchedDelete(self._and(f"s.`{self.deleted}`", self.newer))
        merging = merging.whenMatchedUpdate(condition=self._and(self.newer), set=values)
        alive = f"NOT COALESCE(s.`{self.deleted}`, FALSE)" if self.deleted else None
        merging.whenNotMatchedInsert(condition=alive, values=values).execute()

    @staticmethod
    def _and(*conditions: str | None) -> str | None:
        given = [f"({condition})" for condition in conditions if condition]
        return " AND ".join(given) or None
