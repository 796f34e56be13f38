"""Published rows whose place a row of a batch takes, and those that an earlier run of the batch has published."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.intake.fates import DISPLACED, FATE, NEW, UNCHANGED
from common.lake.table import Table
from common.quality.rules import REASONS

_IS_DISPLACED, _BEFORE = "_is_displaced", "_content_before"


def with_displaced(rows: DataFrame, published: str, columns: Sequence[str], reasons: Column) -> DataFrame:
    """``rows`` of a batch, and with each new one the published row whose place it takes, if there is one.

    ``rows`` has ``_fate``, ``reasons`` and the struct ``published`` of ``columns``, null where no row is published
    under the key of the row; it is dropped. A published row comes back with the fate ``displaced``, its own values of
    ``columns``, ``reasons``, and null in all other columns. Rows are read once: nothing is joined again.
    """
    takes_a_place = (F.col(FATE) == NEW) & F.col(published).isNotNull()
    both = F.when(takes_a_place, F.array(F.lit(False), F.lit(True))).otherwise(F.array(F.lit(False)))
    doubled = rows.withColumn(_IS_DISPLACED, F.explode(both))
    own = {FATE: F.lit(DISPLACED), REASONS: reasons, **{name: F.col(published)[name] for name in columns}}
    names = [name for name in rows.columns if name != published]
    values = [F.when(F.col(_IS_DISPLACED), own.get(name, F.lit(None))).otherwise(F.col(name)) for name in names]
    return doubled.select(*(value.alias(name) for name, value in zip(names, values, strict=True)))


def with_own(settled: DataFrame, own: DataFrame, table: Table, stamps: Sequence[str]) -> DataFrame:
    """``settled``, with ``unchanged`` rows that ``own`` holds already, and with the rest of ``own`` as ``displaced``.

    ``settled`` has the columns of ``table``, ``_fate`` and ``reasons``, ``own`` those of ``table``.

    Rows are the same when all their columns but ``stamps`` are. Of a key that the batch publishes again no row is
    added: the new row takes its place.
    """
    keys, content = list(table.keys), [name for name in table.schema.names if name not in stamps]
    # A hash passes over nulls: a value that moved from one column to another would not be seen.
    hashed = F.xxhash64(*(F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in content))
    before = own.select(*keys, hashed.alias(_BEFORE))
    marked = settled.join(before, keys, "left")
    is_same = (F.col(FATE) == NEW) & (hashed == F.col(_BEFORE))
    marked = marked.withColumn(FATE, F.when(is_same, F.lit(UNCHANGED)).otherwise(F.col(FATE))).drop(_BEFORE)
    kept = settled.where(F.col(FATE) == NEW).select(*keys).distinct()
    none = F.array().cast("array<string>")
    gone = own.join(kept, keys, "left_anti").withColumns({FATE: F.lit(DISPLACED), REASONS: none})
    return marked.unionByName(gone, allowMissingColumns=True)
