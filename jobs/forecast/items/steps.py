"""What a planner says of items: rows as sent to rows of ITEMS.

A row is about one series from a day on. Several rows of a series and day add up: each may name another series that is
replaced. Those that a later day names take the place of those of an earlier one, so that a correction is a row more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.quality.library import is_blank, is_null, out_of_range
from common.quality.rules import REASONS, Rule, split
from common.sources.mapping.extra import extra_text
from jobs.forecast.demand.steps import with_series
from jobs.forecast.sales.steps import day_in

_CONTENT = ("unique_id", "known_day", "starts_day", "item_id", "item_name", "replaces", "factor")
_SCAFFOLD = ("_scope", "_nth", "_stored")
_FACTORS: Final = (0.0, 1e6)


def item_rules(latest: datetime, earliest_day: date) -> list[Rule]:
    """The rules of a row about an item; ``earliest_day`` and the day of ``latest`` are the first and last accepted."""
    days = ("known_day", "starts_day")
    too_late = [out_of_range(day, high=latest.date()) for day in days]
    too_early = [out_of_range(day, low=earliest_day) for day in days]
    return [
        Rule("FCT-181", "the series or item is missing", is_blank("unique_id")),
        Rule("FCT-182", "the day from which this holds is missing or cannot be read", is_null("known_day")),
        Rule("FCT-183", "the factor is not a number of zero or more", _has_no_factor),
        Rule("FCT-184", "the item replaces itself", _replaces_itself),
        Rule("FCT-185", "a day is too far in the future", lambda: _either(*too_late)),
        Rule("FCT-186", "a day is before earliest_day", lambda: _either(*too_early)),
    ]


def _either(*conditions: Callable[[], Column]) -> Column:
    return reduce(or_, (F.coalesce(condition(), F.lit(False)) for condition in conditions))


def _has_no_factor() -> Column:
    return F.coalesce(~F.col("factor").between(*_FACTORS), F.lit(False))


def _replaces_itself() -> Column:
    return F.coalesce(F.col("replaces") == F.col("unique_id"), F.lit(False))


def item_rows(mapped: DataFrame, series_by: Sequence[str], source_zone: str = "UTC") -> DataFrame:
    """Mapped rows of ITEMS_FEED with ``unique_id``, ``replaces``, ``known_day`` and ``starts_day``.

    A row without a unique_id gets the one that forecast.history makes of ``series_by``, null when all of them are
    blank, and ``replaces`` is then the series of that product in the same store, country and currency. Days are by the
    clock of ``source_zone``; a date without a time of day stays the date that it is.
    """
    is_named = ~is_blank("unique_id")()
    has_parts = reduce(or_, (~is_blank(name)() for name in series_by))
    old = F.when(~is_blank("replaces")(), F.trim("replaces"))
    kept = mapped.withColumns(
        {"_item": F.col("item_id"), "_old": old, "_is_named": is_named, "_has_name": is_named | has_parts}
    )
    # Like the value of a ready series, a row that names its series keeps the name.
    own = kept.withColumns(
        {"is_series": F.col("_is_named"), "item_id": F.when(is_named, F.trim("unique_id")).otherwise(F.col("item_id"))}
    )
    made = with_series(own, series_by).withColumn("_new", F.when(F.col("_has_name"), F.col("unique_id")))
    replaced = with_series(made.withColumn("item_id", F.col("_old")), series_by)
    known, starts = day_in("known_at", source_zone), day_in("starts_at", source_zone)
    return replaced.withColumns(
        {
            "replaces": F.when(F.col("_old").isNotNull(), F.col("unique_id")),
            "unique_id": F.col("_new"),
            "item_id": F.trim("_item"),
            "known_day": F.coalesce(known, starts),
            "starts_day": starts,
        }
    ).drop("is_series", "_item", "_old", "_new", "_is_named", "_has_name")


def prepared_items(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """``rows`` (see ``item_rows``) with ``reasons``: row by row."""
    return split(with_read_error(rows), rules)


def settled_items(ruled: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared rows with ``line_id`` and their fate, among themselves and against the silver rows of the same days.

    ``stored`` are rows of ITEMS of other files. A row that says the same again is a repetition.
    """
    is_fine = F.size(REASONS) == 0
    # Rejected rows must not compete for the place of good ones.
    whole = F.md5(F.to_json(F.struct(*(name for name in ruled.columns if name != REASONS))))
    said = [F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in _CONTENT]
    content = F.md5(F.concat_ws("\x1f", *said, F.coalesce(extra_text(), F.lit("\x00"))))
    lines = ruled.withColumns({"line_id": content, "_scope": F.when(is_fine, F.lit("")).otherwise(whole)})
    equal = Window.partitionBy("line_id", "_scope").orderBy("_file_sha256", "_file", "_line")
    rows = lines.withColumn("_nth", F.row_number().over(equal))
    if stored is None:
        rows = rows.withColumn("_stored", F.lit(False))
    else:
        ids = stored.select("line_id", F.lit(True).alias("_there"))
        rows = rows.join(ids, "line_id", "left").withColumn("_stored", F.coalesce("_there", F.lit(False)))
        rows = rows.drop("_there")
    is_repeated = (F.col("_nth") > 1) | F.col("_stored")
    fate = F.when(~is_fine, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
    return rows.withColumn(FATE, fate).drop(*_SCAFFOLD)
