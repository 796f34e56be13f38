"""What an earlier run of a batch has published, against what this one would publish."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.intake.fates import DISPLACED, FATE, NEW, UNCHANGED
from common.lake.table import Table
from common.quality.rules import REASONS

_BEFORE = "_content_before"


def with_own(settled: DataFrame, own: DataFrame, table: Table, stamps: Sequence[str]) -> DataFrame:
    """``settled``, with ``unchanged`` rows that ``own`` holds already, and with the rest of ``own`` as ``displaced``.

    ``settled`` has the columns of ``table``, ``_fate`` and ``reasons``, ``own`` those of ``table``.

    Rows are the same when all their columns but ``stamps`` are. Of a key that the batch publishes again no row is
    added: the new row takes its place.
    """
    keys, content = list(table.keys), [name for name in table.schema.names if name not in stamps]
    hashed = F.xxhash64(*(F.col(name).cast("string") for name in content))
    before = own.select(*keys, hashed.alias(_BEFORE))
    marked = settled.join(before, keys, "left")
    is_same = (F.col(FATE) == NEW) & (hashed == F.col(_BEFORE))
    marked = marked.withColumn(FATE, F.when(is_same, F.lit(UNCHANGED)).otherwise(F.col(FATE))).drop(_BEFORE)
    kept = settled.where(F.col(FATE) == NEW).select(*keys).distinct()
    none = F.array().cast("array<string>")
    gone = own.join(kept, keys, "left_anti").withColumns({FATE: F.lit(DISPLACED), REASONS: none})
    return marked.unionByName(gone, allowMissingColumns=True)
