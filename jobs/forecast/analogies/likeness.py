"""Which items are like a new one: those that share its attributes, or fewer of them, or all of the lake.

The attributes have an order, the most telling first. A pool is what shares the first few of them, and a new item
belongs to the narrowest pool with enough launches. What nobody knows of an item it shares with none.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.demand.hierarchy import UNKNOWN


def shared_names(series: DataFrame) -> DataFrame:
    """``key``: the names in ``attributes`` of ``series``, those with the fewest values first.

    A column of which every series has another value is none that they share.
    """
    pairs = series.where(F.col("attributes").isNotNull()).select("unique_id", F.explode("attributes"))
    known = pairs.where(F.col("value") != UNKNOWN)
    found = known.groupBy("key").agg(F.count_distinct("value").alias("values"), F.count(F.lit(1)).alias("series"))
    return found.where(F.col("values") < F.col("series")).orderBy("values", "key").select("key")


def in_pools(rows: DataFrame, names: Sequence[str]) -> DataFrame:
    """``rows`` (with ``attributes``) once for each pool: ``depth``, how many of ``names`` it shares, and ``pool``."""
    values = [F.when(_value(name) != UNKNOWN, _value(name)) for name in names]
    pools = [
        F.struct(F.lit(depth).alias("depth"), _key(depth, values[:depth]).alias("pool"))
        for depth in range(len(names) + 1)
    ]
    return (
        rows.withColumn("_pool", F.explode(F.array(*pools)))
        .where(F.col("_pool.pool").isNotNull())
        .select(*(name for name in rows.columns if name != "attributes"), "_pool.depth", "_pool.pool")
    )


def _value(name: str) -> Column:
    return F.try_element_at("attributes", F.lit(name))


def _key(depth: int, values: Sequence[Column]) -> Column:
    key = F.concat_ws("\x1f", F.lit(str(depth)), *values)
    for value in values:
        key = F.when(value.isNotNull(), key)
    return key


def narrowest(new: DataFrame, analogues: DataFrame, *, fewest: int) -> DataFrame:
    """``new`` (``in_pools``, ``is_sold``) in the deepest pool with ``fewest`` launches, one row each, with ``others``.

    ``others`` are the launches of ``analogues`` (``in_pools``) in the pool without the item itself. Where no pool has
    enough, it is the widest with any.
    """
    counts = analogues.groupBy("pool").agg(F.count(F.lit(1)).alias("launches"))
    met = new.join(counts, "pool", "inner")
    met = met.withColumn("others", F.col("launches") - F.col("is_sold").cast("int")).where(F.col("others") > 0)
    depth = F.when(F.col("others") >= fewest, F.col("depth")).otherwise(F.lit(-1) - F.col("depth"))
    best = met.groupBy("unique_id").agg(F.max_by(F.struct("pool", "depth", "launches", "others"), depth).alias("_best"))
    rest = [name for name in new.columns if name not in {"depth", "pool"}]
    return new.where("depth = 0").select(*rest).join(best.select("unique_id", "_best.*"), "unique_id", "inner")
