"""Counts of stock and open orders: rows as sent to rows of STOCK, and what of them was known on a day.

A row with ``on_hand`` is the count of a series at a moment; a row without is one of its open orders. A series has one
count at a moment: of several the smallest stays, whichever came first, and the others go to the quarantine. Two equal
open orders in one file are two orders; those of a list that is sent again are the same orders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import reduce
from operator import or_
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.intake.displaced import with_displaced
from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.quality.library import is_blank, is_null, out_of_range
from common.quality.rules import REASONS, Rule, split
from jobs.forecast.demand.steps import with_series
from jobs.forecast.sales.steps import day_in

FUTURE: Final = "FCT-125"
"""The reason of rows that may be right later."""

CLASH: Final = "FCT-128"
_CLASH = f"{CLASH} the stock of this series has another count of the same moment"
_CONTENT = ("unique_id", "counted_at", "on_hand", "on_order", "due_on", "order_id")
_COUNT = "_is_count"
_SCAFFOLD = ("_content", "_scope", "_place", "_nth", "_stored", "_expected", _COUNT)
# Before every count.
_FIRST_DAY, _FIRST_MOMENT = date(1900, 1, 1), datetime(1900, 1, 1, tzinfo=UTC)


def stock_rules(latest: datetime, earliest_day: date, *, negative_stock: bool) -> list[Rule]:
    """The rules of a row of stock; ``earliest_day`` and ``latest`` (UTC) are the first day and last moment accepted."""
    rules = [
        Rule("FCT-121", "the series of the stock is missing", is_blank("unique_id")),
        Rule("FCT-122", "the time of counting is missing or cannot be read", is_null("counted_at")),
        Rule("FCT-123", "the units on hand and on order are missing or cannot be read", _has_no_units),
        Rule("FCT-124", "the units on hand or on order are not finite", _is_not_finite),
        Rule(FUTURE, "the stock is of the future", out_of_range("counted_at", high=latest)),
        Rule("FCT-127", "the stock is from before earliest_day", out_of_range("as_of_day", low=earliest_day)),
        Rule("FCT-129", "the units on order are negative", out_of_range("on_order", low=0.0)),
    ]
    if not negative_stock:
        rules.append(Rule("FCT-126", "the units on hand are negative", out_of_range("on_hand", low=0.0)))
    return rules


def _has_no_units() -> Column:
    return F.col("on_hand").isNull() & F.col("on_order").isNull()


def _is_not_finite() -> Column:
    odd = (float("nan"), float("inf"), float("-inf"))
    return F.coalesce(F.col("on_hand").isin(*odd), F.lit(False)) | F.col("on_order").isin(*odd)


def stock_rows(mapped: DataFrame, series_by: Sequence[str], source_zone: str = "UTC") -> DataFrame:
    """Mapped rows of STOCK_FEED with ``unique_id``, ``as_of_day`` and ``due_on``, days by the clock of ``source_zone``.

    A row without a unique_id gets the one that forecast.history makes of ``series_by``, null when all of them are
    blank. A date without a time of day stays the date that it is.
    """
    is_named = ~is_blank("unique_id")()
    has_parts = reduce(or_, (~is_blank(name)() for name in series_by))
    # A count that names its series is like the value of a ready series, whose name with_series keeps.
    kept = mapped.withColumns({"is_series": is_named, "_item": F.col("item_id"), "_has_name": is_named | has_parts})
    named = kept.withColumn("item_id", F.when(is_named, F.trim("unique_id")).otherwise(F.col("item_id")))
    made = with_series(named, series_by)
    return made.withColumns(
        {
            "unique_id": F.when(F.col("_has_name"), F.col("unique_id")),
            "item_id": F.col("_item"),
            "as_of_day": day_in("counted_at", source_zone),
            "due_on": day_in("due_on", source_zone),
        }
    ).drop("is_series", "_item", "_has_name")


def prepared_stock(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """``rows`` (see ``stock_rows``) with ``reasons``: row by row."""
    return split(with_read_error(rows), rules)


def settled_stock(ruled: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared rows with ``line_id`` and their fate, among themselves and against the silver rows of the same days.

    ``stored`` are rows of STOCK of other files. Counts among them that a new one precedes come back as ``displaced``.
    """
    is_fine = F.size(REASONS) == 0
    # Rejected rows must not compete for the place of good ones.
    whole = F.md5(F.to_json(F.struct(*(name for name in ruled.columns if name != REASONS))))
    content = F.md5(F.concat_ws("\x1f", *(F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in _CONTENT)))
    keyed = ruled.withColumns(
        {
            "_content": content,
            "_scope": F.when(is_fine, F.lit("")).otherwise(whole),
            _COUNT: F.col("on_hand").isNotNull(),
        }
    )
    within_file = Window.partitionBy("_content", "_scope", "_file_sha256").orderBy("_file", "_line")
    placed = keyed.withColumn("_place", F.row_number().over(within_file))
    name = F.when(F.col(_COUNT), F.col("_content")).otherwise(F.concat_ws("-", "_content", "_place"))
    lines = placed.withColumn("line_id", name)
    equal = Window.partitionBy("line_id", "_scope").orderBy("_file_sha256", "_file", "_line")
    rows = lines.withColumn("_nth", F.row_number().over(equal))
    of_moment = Window.partitionBy("unique_id", "counted_at", _COUNT, "_scope")
    rows = rows.withColumn("_expected", F.min(_rank()).over(of_moment))
    rows = _with_stored(rows, stored)
    is_repeated = (F.col("_nth") > 1) | F.col("_stored")
    is_clash = is_fine & F.col(_COUNT) & (F.col("line_id") != F.col("_expected.line_id"))
    clash = F.array(F.lit(_CLASH))
    fate = F.when(~is_fine | is_clash, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
    settled = rows.withColumns({FATE: fate, REASONS: F.when(is_clash, clash).otherwise(F.col(REASONS))})
    if stored is None:
        return settled.drop(*_SCAFFOLD)
    return with_displaced(settled.drop(*_SCAFFOLD), "_value", stored.columns, clash)


def _rank() -> Column:
    units = F.coalesce(F.col("on_order"), F.lit(0.0)).alias("on_order")
    return F.struct("on_hand", units, "line_id")


def _with_stored(rows: DataFrame, stored: DataFrame | None) -> DataFrame:
    """``rows`` with ``_stored``: another file has published the row; ``_expected`` is then what holds of both.

    With ``stored`` also ``_value``: the count of another file that is published for that moment.
    """
    if stored is None:
        return rows.withColumn("_stored", F.lit(False))
    ids = stored.select("line_id", F.lit(True).alias("_there"))
    met = rows.join(ids, "line_id", "left").withColumn("_stored", F.coalesce("_there", F.lit(False))).drop("_there")
    value = F.min_by(F.struct(*stored.columns), _rank())
    values = stored.where("on_hand IS NOT NULL").groupBy("unique_id", "counted_at").agg(value.alias("_value"))
    met = met.join(values, ["unique_id", "counted_at"], "left")
    known = F.when(F.col(_COUNT), F.col("_value"))
    units = F.coalesce(known["on_order"], F.lit(0.0)).alias("on_order")
    before = F.struct(known["on_hand"].alias("on_hand"), units, known["line_id"].alias("line_id"))
    holds = F.coalesce(known.isNotNull() & (before <= F.col("_expected")), F.lit(False))
    return met.withColumns({"_expected": F.when(holds, before).otherwise(F.col("_expected")), "_value": known})


def stock_as_of(stock: DataFrame, as_of: date) -> DataFrame:
    """What was known of ``stock`` (STOCK) at the end of ``as_of``: ``unique_id, on_hand, on_order, counted_on``.

    The last count of a series holds. Its open orders are those of the last list that is not older than the day of the
    count; without one, what the count says itself. A series that was never counted has no row. Rows without a day are
    as they are today (a table that the company's own system writes), and known on every day.
    """
    day, moment = F.coalesce("as_of_day", F.lit(_FIRST_DAY)), F.coalesce("counted_at", F.lit(_FIRST_MOMENT))
    known = stock.withColumns({"_day": day, "_moment": moment}).where(F.col("_day") <= F.lit(as_of))
    last = F.struct("_day", "_moment")
    counts = (
        known.where("on_hand IS NOT NULL")
        .groupBy("unique_id")
        .agg(F.max_by(F.struct("on_hand", "on_order", "as_of_day", "_day"), last).alias("_count"))
    )
    listed = known.where("on_hand IS NULL AND on_order IS NOT NULL").groupBy("unique_id", "_day", "_moment")
    lists = listed.agg(F.sum("on_order").alias("_units"))
    newest = lists.groupBy("unique_id").agg(F.max_by(F.struct("_units", "_day"), last).alias("_list"))
    both = counts.join(newest, "unique_id", "left")
    open_units = F.when(F.col("_list._day") >= F.col("_count._day"), F.col("_list._units"))
    return both.select(
        "unique_id",
        F.col("_count.on_hand").alias("on_hand"),
        F.coalesce(open_units, F.col("_count.on_order"), F.lit(0.0)).alias("on_order"),
        F.col("_count.as_of_day").alias("counted_on"),
    )
