"""Hierarchies of series: which aggregates there are, what they are called, and which series belong to them.

The levels are lists of columns, from the top: ``[]`` is the total of all series, ``[state, region]`` has one aggregate
for each region of each state. A column is one of a sales line, or a free category (``extra_categories``). Its values
are the attributes of a series, as known on the last day of the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.errors import ContractError, UsageError
from common.report.wording import plural
from common.sources.mapping.extra import CATEGORIES
from jobs.forecast.demand.params import SERIES_COLUMNS

if TYPE_CHECKING:
    from jobs.forecast.demand.params import HistoryParams

TOTAL: Final = "total"
UNKNOWN: Final = "unknown"
"""The value of a column that no line of a series has."""

_CHANGED = "_changed"
HANDED_DOWN: Final = "is_handed_down"
"""The line is one of a series that another one has replaced: it says nothing of that one while its own lines do."""


def column_value(name: str) -> Column:
    """The column of a sales line, or the free category, that is called ``name``; null where it is blank."""
    value = F.col(name) if name in SERIES_COLUMNS else F.try_element_at(F.col(CATEGORIES), F.lit(name))
    return F.when(F.trim(value) != "", F.trim(value))


def joined(values: Sequence[Column]) -> Column:
    """``values`` joined by ``/``, which in all but the last is written ``%2F``; a null is ``unknown``."""
    *firsts, last = [F.coalesce(value, F.lit(UNKNOWN)) for value in values]
    # Otherwise the series A/B of store C and the series B of the store A/C would be one.
    return F.concat_ws("/", *(F.regexp_replace(first, "/", "%2F") for first in firsts), last)


def level_name(columns: Sequence[str]) -> str:
    """What a level is called: ``total``, ``state``, ``state/region``."""
    return "/".join(columns) or TOTAL


def aggregate_id(level: Column, attributes: str = "attributes") -> Column:
    """The ``unique_id`` of the aggregate of ``level`` (``level_name``) that holds a series with these ``attributes``.

    The level in brackets and the values: ``[total]``, ``[state/region] Victoria/Melbourne``. A slash within all
    values but the last is written ``%2F``.
    """
    values = F.transform(
        F.split(level, "/"),
        lambda name: F.coalesce(F.try_element_at(F.col(attributes), name), F.lit(UNKNOWN)),
    )
    firsts = F.transform(F.slice(values, 1, F.size(values) - 1), lambda value: F.regexp_replace(value, "/", "%2F"))
    path = F.array_join(F.concat(firsts, F.slice(values, -1, 1)), "/")
    named = F.concat(F.lit("["), level, F.lit("] "), path)
    return F.when(level == TOTAL, F.lit(f"[{TOTAL}]")).otherwise(named)


def pairs_of(series: DataFrame) -> DataFrame:
    """``unique_id, node``: each series of its own with every aggregate above it; ``series`` is SERIES of a day.

    The levels are those that there are aggregates of.
    """
    levels = series.where(F.col("level").isNotNull()).select("level").distinct()
    own = series.where(F.col("level").isNull() & F.col("attributes").isNotNull()).select("unique_id", "attributes")
    return own.crossJoin(F.broadcast(levels)).select("unique_id", aggregate_id(F.col("level")).alias("node"))


def columns_of(params: HistoryParams) -> tuple[str, ...]:
    """All columns whose values a series keeps as attributes."""
    return tuple(dict.fromkeys([*(name for level in params.hierarchy for name in level), *params.attributes]))


def only_listed(params: HistoryParams) -> tuple[str, ...]:
    """The attributes that a list of items may say: those that make neither a series nor a level."""
    made = {*params.series_by, *(name for level in params.hierarchy for name in level)}
    return tuple(name for name in params.attributes if name not in made)


def check_columns(
    lines: DataFrame, names: Sequence[str], items: DataFrame | None = None, listed: Sequence[str] = ()
) -> None:
    """Raises UsageError FCT-037 for a free category among ``names`` that no sales line has.

    Those ``listed`` may be of ``items`` (ITEMS) instead.
    """
    free = sorted({name for name in names if name not in SERIES_COLUMNS})
    if not free:
        return
    there = [F.max(F.coalesce(F.map_contains_key(CATEGORIES, name), F.lit(False))).alias(name) for name in free]
    found = lines.agg(*there).first()
    missing = [name for name in free if found is None or not found[name]]
    if items is not None and set(missing) & set(listed):
        said = items.agg(*there).first()
        missing = [name for name in missing if name not in listed or said is None or not said[name]]
    if missing:
        raise UsageError(
            "FCT-037",
            f"No sales line has {'the column' if len(missing) == 1 else 'the columns'} {', '.join(missing)}.",
            cause="series_by, hierarchy or attributes name what is neither a column of sales nor a free category of a "
            "source (extra).",
            remedy=f"Use {', '.join(SERIES_COLUMNS)}, or declare the column under extra in the source and run the "
            "ingest again.",
        )


def attributes_of(lines: DataFrame, columns: Sequence[str]) -> DataFrame:
    """``unique_id, attributes`` (a map with each of ``columns``) of the series of ``lines``, and ``_changed``.

    A value is that of the latest line that has one, of lines HANDED_DOWN only where no other has any. ``_changed``
    lists the columns of which the other lines had several.
    """
    is_own = ~F.col(HANDED_DOWN) if HANDED_DOWN in lines.columns else F.lit(True)
    latest = F.struct(is_own.alias("is_own"), "sold_day", "sold_at", "line_id")
    named = lines.select("unique_id", latest.alias("_at"), *(column_value(name).alias(f"_{name}") for name in columns))
    found = named.groupBy("unique_id").agg(
        *(
            F.max_by(f"_{name}", F.when(F.col(f"_{name}").isNotNull(), F.col("_at"))).alias(f"_{name}")
            for name in columns
        ),
        F.array_compact(F.array(*(F.when(_has_several(f"_{name}"), F.lit(name)) for name in columns))).alias(_CHANGED),
    )
    pairs = [part for name in columns for part in (F.lit(name), F.coalesce(f"_{name}", F.lit(UNKNOWN)))]
    # With the total as the only level there are none: a map all the same.
    return found.select("unique_id", F.create_map(*pairs).cast("map<string,string>").alias("attributes"), _CHANGED)


def _has_several(name: str) -> Column:
    own = F.when(F.col("_at.is_own"), F.col(name))
    return F.min(own) != F.max(own)


def with_listed(attributes: DataFrame, listed: DataFrame, params: HistoryParams) -> DataFrame:
    """``attributes_of`` with what a list of items (unique_id, listed) says of those that are ``only_listed``."""
    said = F.map_filter("listed", lambda name, _: name.isin(*only_listed(params)))
    found = attributes.join(listed.select("unique_id", said.alias("_said")), "unique_id", "left")
    rest = F.map_filter("attributes", lambda name, _: ~F.array_contains(F.map_keys("_said"), name))
    both = F.when(F.col("_said").isNull(), F.col("attributes")).otherwise(F.map_concat(rest, "_said"))
    return found.withColumn("attributes", both).drop("_said")


def check_parents(attributes: DataFrame, params: HistoryParams) -> int:
    """How many series of ``attributes_of`` had several values of a column, the last of which counts.

    Raises ContractError FCT-031 where such a column is one of the hierarchy and ``changed_parents`` is not ``last``,
    FCT-032 for an aggregate with two parents in the level above unless the levels may be ``crossed``.
    """
    levels = {name for level in params.hierarchy for name in level}
    moved = F.exists(_CHANGED, lambda name: name.isin(*levels)) if levels else F.lit(False)
    found = attributes.agg(
        F.count_if(F.size(_CHANGED) > 0).alias("changed"),
        F.count_if(moved).alias("moved"),
        F.array_sort(F.array_distinct(F.flatten(F.collect_set(_CHANGED)))).alias("columns"),
    ).first()
    if found is None:
        return 0
    if found["moved"] and params.changed_parents == "refuse":
        columns = ", ".join(name for name in found["columns"] if name in levels)
        raise ContractError(
            "FCT-031",
            f"In a level of the hierarchy {plural(found['moved'], 'series')} would have two parents.",
            cause=f"Lines of one series have different values of {columns}.",
            remedy="Correct the source, make the column part of series_by, or let the last value count: "
            "changed_parents=last.",
        )
    for above, level in zip(params.hierarchy, params.hierarchy[1:], strict=False):
        if not params.crossed and not set(above) <= set(level):
            _check_level(attributes, above, level)
    return int(found["changed"])


def _id(columns: Sequence[str]) -> Column:
    return aggregate_id(F.lit(level_name(columns)))


def _check_level(attributes: DataFrame, above: Sequence[str], level: Sequence[str]) -> None:
    parents = attributes.groupBy(_id(level).alias("node")).agg(
        F.min(_id(above)).alias("first"), F.max(_id(above)).alias("last")
    )
    several = parents.where(F.col("first") != F.col("last")).count()
    if several:
        raise ContractError(
            "FCT-032",
            f"Of the level {level_name(level)} {plural(several, 'aggregate')} would have two parents in the level "
            f"{level_name(above)}.",
            cause="Each level must divide the one before it.",
            remedy=f"Write the level with the columns of its parent, [{', '.join(dict.fromkeys([*above, *level]))}], "
            "or, where the levels divide the series in ways of their own, set crossed=true.",
        )


def _only(columns: Sequence[str]) -> Column:
    return F.map_filter("attributes", lambda key, _: key.isin(*columns))


def members_of(attributes: DataFrame, hierarchy: Sequence[Sequence[str]]) -> DataFrame:
    """``unique_id, node, level, attributes``: the aggregate of each level that a series belongs to, and its values."""
    parts = [
        attributes.select(
            "unique_id",
            _id(level).alias("node"),
            F.lit(level_name(level)).alias("level"),
            _only(level).alias("attributes"),
        )
        for level in hierarchy
    ]
    return reduce(DataFrame.unionByName, parts)


def check_names(members: DataFrame) -> None:
    """Raises ContractError FCT-033 when a series has the name of an aggregate."""
    clash = (
        members.select("node")
        .distinct()
        .join(members.select(F.col("unique_id").alias("node")), "node", "left_semi")
        .count()
    )
    if clash:
        raise ContractError(
            "FCT-033",
            f"{plural(clash, 'series')} would have the name of an aggregate.",
            cause="Aggregates are named by their level in brackets and their values, such as [total].",
            remedy="Map another name of the series in its source.",
        )


def levels_of(hierarchy: Sequence[Sequence[str]], counts: Sequence[Any]) -> list[tuple[str, int, int]]:
    """Name, aggregates, and those of them that are modelled, of each level; ``counts`` has level, status, count."""
    found = []
    for name in map(level_name, hierarchy):
        own = [row for row in counts if row["level"] == name]
        modelled = sum(row["count"] for row in own if row["status"] == "modelled")
        found.append((name, sum(row["count"] for row in own), modelled))
    return found
