"""Which free columns a model takes, and which values of categories it knows: learned from its training rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.sources.mapping.extra import CATEGORIES, CATEGORY, NUMBER, NUMBERS
from jobs.fraud.velocity.free_features import category_feature, number_feature

if TYPE_CHECKING:
    from jobs.fraud.training.params import TrainParams

_LONGEST_VALUE = 100


def carried_names() -> Column:
    """Aggregate: the names of all free columns that the rows carry, ``array<string>``."""
    # Rows of one source have the same names, so there are few different sets of them.
    sets = [F.flatten(F.collect_set(F.map_keys(column))) for column in (NUMBERS, CATEGORIES)]
    return F.array_sort(F.array_distinct(F.concat(*sets)))


def frequent_values(rows: DataFrame, names: Sequence[str], params: TrainParams) -> DataFrame:
    """What a model learns of the free columns ``names``: ``kind, name, value``, few rows for each name.

    A number (``value`` is empty) needs a value in some row. Of a category the ``most_categories`` most frequent values
    count, those in at least ``smallest_category_rows`` rows: rarer ones could name a person, and the model's card shows
    them.
    """
    numbers = F.transform(F.map_keys(_given(NUMBERS)), lambda name: _entry(NUMBER, name, F.lit("")))
    categories = F.transform(
        F.map_entries(_given(CATEGORIES)), lambda entry: _entry(CATEGORY, entry["key"], entry["value"])
    )
    none = F.array().cast("array<struct<kind:string,name:string,value:string>>")
    both = F.concat(F.coalesce(numbers, none), F.coalesce(categories, none))
    entries = rows.select(F.inline(both)).where(F.col("name").isin(*names) & (F.length("value") <= _LONGEST_VALUE))
    counted = entries.groupBy("kind", "name", "value").agg(F.count(F.lit(1)).alias("rows"))
    frequent = counted.where((F.col("kind") == NUMBER) | (F.col("rows") >= params.smallest_category_rows))
    place = F.row_number().over(Window.partitionBy("kind", "name").orderBy(F.col("rows").desc(), "value"))
    placed = frequent.withColumn("place", place).where(F.col("place") <= params.most_categories)
    return placed.select("kind", "name", "value")


def features_of(values: Iterable[tuple[str, str, str]]) -> list[str]:
    """The features of ``frequent_values`` (kind, name, value): numbers, then categories, each by name and value."""
    ordered = sorted((kind == CATEGORY, name, value) for kind, name, value in values)
    return [
        category_feature(name, value) if is_category else number_feature(name) for is_category, name, value in ordered
    ]


def _given(column: str) -> Column:
    return F.map_filter(column, lambda _, value: value.isNotNull())


def _entry(kind: str, name: Column, value: Column) -> Column:
    return F.struct(F.lit(kind).alias("kind"), name.alias("name"), value.alias("value"))
