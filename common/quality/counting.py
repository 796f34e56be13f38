"""Expectations that are plain conditions, counted by two aggregates over the staged rows.

They mean what Great Expectations means by them: nulls break no condition but their own, NaN lies above every number,
and a share is one of the rows that have a value. Whatever is asked in another way is left to Great Expectations.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.errors import UsageError
from common.quality.expectations import Expectation

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import StructType

_ROWS = "expect_table_row_count_to_be_between"
_MEAN = "expect_column_mean_to_be_between"
_NOT_NULL = "expect_column_values_to_not_be_null"
_IN_SET = "expect_column_values_to_be_in_set"
_BETWEEN = "expect_column_values_to_be_between"
_REGEX = "expect_column_values_to_match_regex"
_GREATER = "expect_column_pair_values_a_to_be_greater_than_b"
_UNIQUE = "expect_column_values_to_be_unique"
_COMPOUND = "expect_compound_columns_to_be_unique"

# Expectation -> the arguments it must have, and those it may have; with any other Great Expectations has its say.
_ARGUMENTS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    _ROWS: (frozenset(), frozenset({"min_value", "max_value"})),
    _MEAN: (frozenset({"column"}), frozenset({"min_value", "max_value"})),
    _NOT_NULL: (frozenset({"column"}), frozenset({"mostly"})),
    _IN_SET: (frozenset({"column", "value_set"}), frozenset({"mostly"})),
    _BETWEEN: (frozenset({"column"}), frozenset({"min_value", "max_value", "mostly"})),
    _REGEX: (frozenset({"column", "regex"}), frozenset({"mostly"})),
    _GREATER: (frozenset({"column_A", "column_B"}), frozenset({"or_equal", "mostly"})),
    _UNIQUE: (frozenset({"column"}), frozenset({"mostly"})),
    _COMPOUND: (frozenset({"column_list"}), frozenset({"mostly"})),
}
_OF_ONE_VALUE = frozenset({_NOT_NULL, _IN_SET, _BETWEEN, _REGEX})
_NUMBERS = ("byte", "short", "integer", "long", "float", "double")
# Java and Python read these alike: no groups, no look-around, no classes by name.
_PLAIN_REGEX = re.compile(r"\^?(?:(?:\[\^?(?:\w-\w|\w)+\]|\\d|[\w/:@ -])(?:[*+?]|\{\d+(?:,\d*)?\})?)+\$?", re.ASCII)


@dataclass(frozen=True)
class Counted:
    """What was counted for one expectation, in the form in which Great Expectations gives it."""

    success: bool
    result: Mapping[str, Any]
    exception_info: None = None


def check_arguments(item: Expectation, suite: str) -> None:
    """Raise UsageError QLT-003 when an expectation that is counted here lacks an argument that it must have."""
    needed = _ARGUMENTS[item.expectation][0] if item.expectation in _ARGUMENTS else frozenset()
    lacking = sorted(name for name in needed if item.kwargs.get(name) is None)
    if lacking:
        raise UsageError(
            "QLT-003",
            f"The expectation suite '{suite}' is not valid.",
            cause=f"{item.expectation} needs {', '.join(lacking)}.",
            remedy="Use the names and arguments that Great Expectations 1.x documents.",
        )


def is_countable(item: Expectation, schema: StructType) -> bool:
    """Whether an expectation on rows of ``schema`` can be counted here with the result of Great Expectations."""
    if item.expectation not in _ARGUMENTS:
        return False
    needed, possible = _ARGUMENTS[item.expectation]
    given = item.kwargs
    if not needed <= given.keys() <= needed | possible or not _is_share(given.get("mostly", 1)):
        return False
    kinds = {field.name: field.dataType.typeName() for field in schema.fields}
    if item.expectation == _ROWS:
        return _are_bounds(given, (int,))
    if item.expectation == _COMPOUND:
        names = given["column_list"]
        return isinstance(names, list) and len({*names}) > 1 and all(_has_atom(kinds, name) for name in names)
    if item.expectation == _GREATER:
        left, right = given["column_A"], given["column_B"]
        comparable = left != right and _has_atom(kinds, left) and kinds.get(left) == kinds.get(right)
        return comparable and isinstance(given.get("or_equal", False), bool)
    return _has_atom(kinds, given["column"]) and _fits(item, kinds[given["column"]])


def _fits(item: Expectation, kind: str) -> bool:
    given = item.kwargs
    if item.expectation in {_BETWEEN, _MEAN}:
        return kind in _NUMBERS and _are_bounds(given, (int, float))
    if item.expectation == _REGEX:
        regex = given["regex"]
        return kind == "string" and isinstance(regex, str) and _PLAIN_REGEX.fullmatch(regex) is not None
    if item.expectation == _IN_SET:
        wanted = {"string": str, "boolean": bool, "integer": int, "long": int}.get(kind)
        values = given["value_set"]
        return isinstance(values, list) and bool(values) and all(type(value) is wanted for value in values)
    return True


def _has_atom(kinds: Mapping[str, str], name: Any) -> bool:
    return isinstance(name, str) and kinds.get(name, "array") not in {"array", "map", "struct", "variant", "void"}


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _are_bounds(given: Mapping[str, Any], kinds: tuple[type, ...]) -> bool:
    bounds = [given[name] for name in ("min_value", "max_value") if given.get(name) is not None]
    usable = all(type(bound) in kinds and math.isfinite(bound) for bound in bounds)
    return bool(bounds) and usable and bounds == sorted(bounds)


def counted(rows: DataFrame, items: Sequence[Expectation]) -> list[Counted]:
    """One result for each of ``items``, all of them countable, in their order.

    All plain conditions are one aggregate; unique values take another one for each set of columns.
    """
    from pyspark.sql import functions as F

    wanted: dict[str, Column] = {"_rows": F.count(F.lit(1))}
    for number, item in enumerate(items):
        wanted |= {f"{name}_{number}": column for name, column in _aggregates(item).items()}
    row = rows.agg(*(column.alias(name) for name, column in wanted.items())).first()
    found = row.asDict() if row is not None else {}
    doubled: dict[tuple[str, ...], int] = {}
    results = []
    for number, item in enumerate(items):
        numbers = {name: found.get(f"{name}_{number}") or 0 for name in ("considered", "broken")}
        names = _unique_columns(item)
        if names:
            if names not in doubled:
                doubled[names] = _doubled(rows, names) if numbers["considered"] else 0
            numbers["broken"] = doubled[names]
        results.append(_result(item, found["_rows"], numbers, found.get(f"mean_{number}")))
    return results


def _unique_columns(item: Expectation) -> tuple[str, ...]:
    if item.expectation == _UNIQUE:
        return (item.kwargs["column"],)
    return tuple(item.kwargs["column_list"]) if item.expectation == _COMPOUND else ()


def _aggregates(item: Expectation) -> dict[str, Column]:
    """What must be counted: the rows that an expectation considers, and those that break it."""
    from pyspark.sql import functions as F

    if item.expectation == _ROWS:
        return {}
    if item.expectation == _MEAN:
        return {"mean": F.avg(_column(item.kwargs["column"]))}
    if item.expectation == _NOT_NULL:
        return {"broken": F.count_if(_column(item.kwargs["column"]).isNull())}
    names = _unique_columns(item)
    if names:
        return {"considered": F.count_if(_any_value(names))}
    if item.expectation == _GREATER:
        left, right = _column(item.kwargs["column_A"]), _column(item.kwargs["column_B"])
        holds = left >= right if item.kwargs.get("or_equal") else left > right
        return {"considered": F.count_if(left.isNotNull() | right.isNotNull()), "broken": F.count_if(~holds)}
    column = _column(item.kwargs["column"])
    return {"considered": F.count(column), "broken": F.count_if(~_condition(item, column))}


def _condition(item: Expectation, column: Column) -> Column:
    from pyspark.sql import functions as F

    given = item.kwargs
    if item.expectation == _REGEX:
        return column.rlike(given["regex"])
    if item.expectation == _IN_SET:
        return column.isin(given["value_set"])
    low, high = given.get("min_value"), given.get("max_value")
    above = F.lit(True) if low is None else column >= F.lit(low)
    return above if high is None else above & (column <= F.lit(high))


def _column(name: str) -> Column:
    from pyspark.sql import functions as F

    return F.col(f"`{name}`")


def _any_value(names: Sequence[str]) -> Column:
    found = _column(names[0]).isNotNull()
    for name in names[1:]:
        found = found | _column(name).isNotNull()
    return found


def _doubled(rows: DataFrame, names: Sequence[str]) -> int:
    """How many rows share the values of these columns with another; rows without any value are not considered."""
    from pyspark.sql import functions as F

    # Under names of our own: a column may bear any name.
    keys = [f"key_{number}" for number, _ in enumerate(names)]
    keyed = rows.where(_any_value(names)).select(
        *(_column(name).alias(key) for name, key in zip(names, keys, strict=True))
    )
    alike = F.col("alike")
    row = keyed.groupBy(*keys).agg(F.count(F.lit(1)).alias("alike")).agg(F.sum(F.when(alike > 1, alike))).first()
    return int(row[0] or 0) if row is not None else 0


def _result(item: Expectation, rows: int, numbers: Mapping[str, int], mean: float | None) -> Counted:
    given = item.kwargs
    if item.expectation in {_ROWS, _MEAN}:
        value = rows if item.expectation == _ROWS else mean
        if value is None or math.isnan(value):
            return Counted(False, {"observed_value": None})
        return Counted(_lies_between(value, given), {"observed_value": value})
    considered = rows if item.expectation == _NOT_NULL else numbers["considered"]
    broken = numbers["broken"]
    holds = not considered or (considered - broken) / considered >= given.get("mostly", 1)
    share = broken / considered * 100 if considered else None
    # Of conditions on single columns of no rows Great Expectations observes nothing.
    observed = None if not rows and item.expectation in _OF_ONE_VALUE else broken
    return Counted(holds, {"element_count": rows, "unexpected_count": observed, "unexpected_percent": share})


def _lies_between(value: float, given: Mapping[str, Any]) -> bool:
    low, high = given.get("min_value"), given.get("max_value")
    return (low is None or value >= low) and (high is None or value <= high)
