"""Free columns of transactions as features of models: their names, and their values out of the maps that carry them.

A number is the feature ``extra.<name>``, missing where the row has none. A category is one feature for each value that
a model knows, ``extra.<name>=<value>``: 1 where the row has that value, otherwise 0, so a value that the model does not
know counts as none. The names alone say how each feature is made: the list of a model's features holds its vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.sources.mapping.extra import CATEGORIES, FIELDS, NUMBERS
from common.sources.mapping.free_columns import is_name

_PREFIX = "extra."


def number_feature(name: str) -> str:
    """The feature of a number."""
    return f"{_PREFIX}{name}"


def category_feature(name: str, value: str) -> str:
    """The feature of one value of a category."""
    return f"{_PREFIX}{name}={value}"


def free_column(feature: str) -> str:
    """The name of the free column of which ``feature`` is made, empty for any other feature."""
    name = feature.removeprefix(_PREFIX).partition("=")[0]
    return name if feature.startswith(_PREFIX) and is_name(name) else ""


def public_name(feature: str) -> str:
    """A feature without the value in its name: categories are personal."""
    return number_feature(name) if (name := free_column(feature)) else feature


def may_be_missing(feature: str) -> bool:
    """Whether rows may have no value of ``feature``: numbers of free columns."""
    return bool(free_column(feature)) and "=" not in feature


def column_names(features: Sequence[str]) -> tuple[str, ...]:
    """The columns in which ``feature_columns`` gives the values of ``features``, in their order.

    Those of free columns are numbered: values may differ in case alone, which the names of columns may not.
    """
    return tuple(f"_free_{place}" if free_column(name) else name for place, name in enumerate(features))


def feature_columns(features: Sequence[str]) -> list[Column]:
    """The values of ``features`` out of rows of ``fraud.features``, named by ``column_names``."""
    return [_value(name).alias(column) for name, column in zip(features, column_names(features), strict=True)]


def _value(feature: str) -> Column:
    name = free_column(feature)
    if not name:
        return F.col(feature)
    if "=" not in feature:
        return F.try_element_at(NUMBERS, F.lit(name))
    is_value = F.try_element_at(CATEGORIES, F.lit(name)) == F.lit(feature.partition("=")[2])
    return F.coalesce(is_value.cast("double"), F.lit(0.0))


def with_free_columns(transactions: DataFrame, names: Sequence[str]) -> DataFrame:
    """``transactions`` whose maps hold the free columns ``names`` only; null where a row has none of them."""

    def kept(column: str) -> Column:
        found = F.map_filter(column, lambda name, _: name.isin(*names))
        return F.when(F.size(found) > 0, found)

    nothing = {field.name: F.lit(None).cast(field.dataType) for field in FIELDS}
    return transactions.withColumns({field.name: kept(field.name) for field in FIELDS} if names else nothing)


def is_carried(name: str) -> Column:
    """True for rows of ``fraud.features`` that carry a free column, with or without a value."""
    found = [F.map_contains_key(column, name) for column in (NUMBERS, CATEGORIES)]
    return F.coalesce(found[0], F.lit(False)) | F.coalesce(found[1], F.lit(False))
