"""MERGE by keys, pruned to the days that the rows touch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.days import DayRange
from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

# Raised by Spark, read by spark_writes.raise_contract.
OUTSIDE = "LAKEJOBS_ROW_OUTSIDE_OF_DAYS"
# Up to this many days are listed one by one in the condition; more are given as a range.
_MOST_DAYS_NAMED = 64


@dataclass(frozen=True)
class MergePlan:
    """How rows are merged: keys of the table, the days touched, and what decides between a stored and a new row."""

    table: Table
    days: DayRange | None
    newer: str | None
    deleted: str | None

    def execute(self, spark: SparkSession, path: str, rows: DataFrame) -> None:
        """Run the MERGE. Delta refuses two rows of one key, and rows outside of the days stop it."""
        from delta.tables import DeltaTable

        values: dict[str, str | Column] = {f"`{name}`": f"s.`{name}`" for name in self.table.schema.names}
        condition = self.condition(self.touched(rows))
        merging = DeltaTable.forPath(spark, path).alias("t").merge(self._bounded(rows).alias("s"), condition)
        alive = "TRUE"
        if self.deleted is not None:
            merging = merging.whenMatchedDelete(_all(f"s.`{self.deleted}`", self.newer))
            alive = f"NOT COALESCE(s.`{self.deleted}`, FALSE)"
        merging = merging.whenMatchedUpdate(condition=_all(self.newer), set=values)
        merging.whenNotMatchedInsert(condition=alive, values=values).execute()

    def condition(self, touched: str | None) -> str:
        """The ON clause. The days are literals, so that Delta reads, and conflicts on, those partitions only."""
        names = list(dict.fromkeys([*self.table.keys, *([self.table.day_column] if self.table.day_column else [])]))
        return " AND ".join([*([touched] if touched else []), *(f"t.`{name}` = s.`{name}`" for name in names)])

    def touched(self, rows: DataFrame) -> str | None:
        """SQL over ``t.`` that is true for the days written; asked of the rows when the caller did not say."""
        from pyspark.sql import functions as sf

        day = self.table.day_column
        if day is None:
            return None
        target = f"t.`{day}`"
        if self.days is not None:
            return self.days.predicate(day).replace(f"`{day}`", target)
        named = [row[0] for row in rows.select(day).distinct().limit(_MOST_DAYS_NAMED + 1).collect()]
        if not named:
            return "FALSE"
        if len(named) <= _MOST_DAYS_NAMED:
            listed = ", ".join(f"DATE'{one}'" for one in sorted(named))
            return f"{target} IN ({listed})"
        first, last = rows.agg(sf.min(day), sf.max(day)).first() or (None, None)
        return f"{target} >= DATE'{first}' AND {target} <= DATE'{last}'"

    def _bounded(self, rows: DataFrame) -> DataFrame:
        """Rows that stop the query when they are outside the days: the ON clause would miss them and duplicate them."""
        from pyspark.sql import functions as sf

        day = self.table.day_column
        if day is None or self.days is None:
            return rows
        stop = sf.raise_error(sf.concat(sf.lit(f"{OUTSIDE}: "), sf.col(day).cast("string"))).cast("date")
        return rows.withColumn(day, sf.when(sf.expr(self.days.predicate(day)), sf.col(day)).otherwise(stop))


def _all(*conditions: str | None) -> str | None:
    given = [f"({condition})" for condition in conditions if condition]
    return " AND ".join(given) or None
