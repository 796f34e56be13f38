"""Counts of stock, open orders and terms of suppliers: rows as sent to rows of STOCK, and what was known on a day.

A row with ``on_hand`` is the count of a series at a moment; a row with ``on_order`` only is one of its open orders. A
count, or a row without units, may name the ``supplier`` of the series and his terms. A series has one count at a
moment, and one row of terms: of several the smallest count and the longest lead time stay, whichever came first, and
the others go to the quarantine. Two equal open orders in one file are two orders; those of a list that is sent again
are the same orders.
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
from jobs.forecast.stock.tables import LONGEST_DAYS, MOST, TERMS

FUTURE: Final = "FCT-125"
"""The reason of rows that may be right later."""

CLASH: Final = "FCT-128"
_CLASH = f"{CLASH} the stock of this series has another count of the same moment"
TERMS_CLASH: Final = "FCT-143"
_TERMS_CLASH = f"{TERMS_CLASH} this series has other terms of the same moment, with a longer lead time"
_CONTENT = ("unique_id", "counted_at", "on_hand", "on_order", "due_on", "order_id")
_SAID = ("supplier", *TERMS)
_SINGLE, _IS_TERMS = "_is_single", "_is_terms"
_SCAFFOLD = ("_content", "_scope", "_place", "_nth", "_stored", "_expected", _SINGLE, _IS_TERMS)
FIRST_DAY: Final = date(1900, 1, 1)
"""The day of rows without one: before every count."""

_FIRST_MOMENT: Final = datetime(1900, 1, 1, tzinfo=UTC)


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
        Rule("FCT-141", "the lead time of the terms is missing, negative, or cannot be read", _has_no_lead_time),
        Rule("FCT-142", "a pack, cost or budget of the terms is not above zero, or a minimum is below", _are_no_terms),
    ]
    if not negative_stock:
        rules.append(Rule("FCT-126", "the units on hand are negative", out_of_range("on_hand", low=0.0)))
    return rules


def _has_no_units() -> Column:
    return F.col("on_hand").isNull() & F.col("on_order").isNull() & is_blank("supplier")()


def _is_terms_only() -> Column:
    return F.col("on_hand").isNull() & F.col("on_order").isNull() & ~is_blank("supplier")()


def _gives_terms() -> Column:
    return ~is_blank("supplier")() & (F.col("on_hand").isNotNull() | F.col("on_order").isNull())


def _has_no_lead_time() -> Column:
    return _gives_terms() & ~F.coalesce(F.col("lead_time_days").between(0, LONGEST_DAYS), F.lit(False))


def _are_no_terms() -> Column:
    above = [F.col(name) <= 0 for name in ("pack_size", "unit_cost", "budget")]
    beyond = [F.col(name) > MOST for name in ("pack_size", "unit_cost", "budget", "min_order")]
    wrong = [F.coalesce(one, F.lit(False)) for one in (*above, *beyond, F.col("min_order") < 0)]
    return _gives_terms() & reduce(or_, wrong)


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
    terms = F.concat_ws("\x1f", content, *(F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in _SAID))
    keyed = ruled.withColumns(
        {
            _IS_TERMS: _is_terms_only(),
            _SINGLE: F.col("on_hand").isNotNull() | _is_terms_only(),
            # Rows of earlier releases named no supplier, and keep their names.
            "_content": F.when(is_blank("supplier")(), content).otherwise(F.md5(terms)),
            "_scope": F.when(is_fine, F.lit("")).otherwise(whole),
        }
    )
    within_file = Window.partitionBy("_content", "_scope", "_file_sha256").orderBy("_file", "_line")
    placed = keyed.withColumn("_place", F.row_number().over(within_file))
    name = F.when(F.col(_SINGLE), F.col("_content")).otherwise(F.concat_ws("-", "_content", "_place"))
    lines = placed.withColumn("line_id", name)
    equal = Window.partitionBy("line_id", "_scope").orderBy("_file_sha256", "_file", "_line")
    rows = lines.withColumn("_nth", F.row_number().over(equal))
    of_moment = Window.partitionBy("unique_id", "counted_at", _SINGLE, _IS_TERMS, "_scope")
    rows = rows.withColumn("_expected", F.min(_rank()).over(of_moment))
    rows = _with_stored(rows, stored)
    is_repeated = (F.col("_nth") > 1) | F.col("_stored")
    is_clash = is_fine & F.col(_SINGLE) & (F.col("line_id") != F.col("_expected.line_id"))
    clash = F.array(F.when(F.col(_IS_TERMS), _TERMS_CLASH).otherwise(_CLASH))
    fate = F.when(~is_fine | is_clash, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
    settled = rows.withColumns({FATE: fate, REASONS: F.when(is_clash, clash).otherwise(F.col(REASONS))})
    if stored is None:
        return settled.drop(*_SCAFFOLD)
    return with_displaced(settled, "_value", stored.columns, clash).drop(*_SCAFFOLD)


def _rank() -> Column:
    units = F.coalesce(F.col("on_order"), F.lit(0.0)).alias("on_order")
    return F.struct("on_hand", units, (-F.col("lead_time_days")).alias("lead"), "line_id")


def _with_stored(rows: DataFrame, stored: DataFrame | None) -> DataFrame:
    """``rows`` with ``_stored``: another file has published the row; ``_expected`` is then what holds of both.

    With ``stored`` also ``_value``: the count, or the terms, of another file that are published for that moment.
    """
    if stored is None:
        return rows.withColumn("_stored", F.lit(False))
    ids = stored.select("line_id", F.lit(True).alias("_there"))
    met = rows.join(ids, "line_id", "left").withColumn("_stored", F.coalesce("_there", F.lit(False))).drop("_there")
    value = F.min_by(F.struct(*stored.columns), _rank())
    single = stored.where(F.col("on_hand").isNotNull() | _is_terms_only()).withColumn(_IS_TERMS, _is_terms_only())
    values = single.groupBy("unique_id", "counted_at", _IS_TERMS).agg(value.alias("_value"))
    met = met.join(values, ["unique_id", "counted_at", _IS_TERMS], "left")
    known = F.when(F.col(_SINGLE), F.col("_value"))
    units = F.coalesce(known["on_order"], F.lit(0.0)).alias("on_order")
    lead = (-known["lead_time_days"]).alias("lead")
    before = F.struct(known["on_hand"].alias("on_hand"), units, lead, known["line_id"].alias("line_id"))
    holds = F.coalesce(known.isNotNull() & (before <= F.col("_expected")), F.lit(False))
    return met.withColumns({"_expected": F.when(holds, before).otherwise(F.col("_expected")), "_value": known})


def stock_as_of(stock: DataFrame, as_of: date) -> DataFrame:
    """What was known of ``stock`` (STOCK) at the end of ``as_of``: ``unique_id, on_hand, on_order, dues, counted_on``.

    The last count of a series holds. Its open orders are those of the last list that is not older than the day of the
    count: ``on_order`` is their sum, ``dues`` an array of their ``units`` and ``due_on``. Without a list it is what the
    count says itself, and ``dues`` is null. A series that was never counted has no row. Rows without a day are as they
    are today (a table that the company's own system writes), and known on every day.
    """
    known = _known(stock, as_of)
    last = F.struct("_day", "_moment")
    counts = (
        known.where("on_hand IS NOT NULL")
        .groupBy("unique_id")
        .agg(F.max_by(F.struct("on_hand", "on_order", "as_of_day", "_day"), last).alias("_count"))
    )
    listed = known.where("on_hand IS NULL AND on_order IS NOT NULL").groupBy("unique_id", "_day", "_moment")
    due = F.struct(F.col("on_order").alias("units"), "due_on")
    lists = listed.agg(F.sum("on_order").alias("_units"), F.sort_array(F.collect_list(due)).alias("_dues"))
    newest = lists.groupBy("unique_id").agg(F.max_by(F.struct("_units", "_dues", "_day"), last).alias("_list"))
    both = counts.join(newest, "unique_id", "left")
    is_current = F.col("_list._day") >= F.col("_count._day")
    open_units = F.when(is_current, F.col("_list._units"))
    return both.select(
        "unique_id",
        F.col("_count.on_hand").alias("on_hand"),
        F.coalesce(open_units, F.col("_count.on_order"), F.lit(0.0)).alias("on_order"),
        F.when(is_current, F.col("_list._dues")).alias("dues"),
        F.col("_count.as_of_day").alias("counted_on"),
    )


def without_old_counts(known: DataFrame, as_of: date, old_days: int) -> DataFrame:
    """``stock_as_of`` rows, with ``old_count_days`` and without ``on_hand`` where the count is older than ``old_days``.

    A count without a day is of today.
    """
    age = F.datediff(F.lit(as_of), "counted_on")
    is_old = F.coalesce(age > old_days, F.lit(False))
    return known.withColumns({"old_count_days": F.when(is_old, age), "on_hand": F.when(~is_old, F.col("on_hand"))})


def terms_as_of(stock: DataFrame, as_of: date) -> DataFrame:
    """The terms that were in force at the end of ``as_of``: ``unique_id, supplier`` and TERMS.

    The last ones of a series hold; ``budget`` is the smallest that any of the supplier's series has.
    """
    known = _known(stock, as_of).where(_gives_terms())
    said, order = F.struct("supplier", *TERMS), F.struct("_day", "_moment", "lead_time_days", "line_id")
    last = known.groupBy("unique_id").agg(F.max_by(said, order).alias("_terms"))
    found = last.select("unique_id", "_terms.*").withColumn("supplier", F.trim("supplier"))
    smallest = F.min("budget").over(Window.partitionBy("supplier"))
    return found.withColumn("budget", smallest)


def _known(stock: DataFrame, as_of: date) -> DataFrame:
    day, moment = F.coalesce("as_of_day", F.lit(FIRST_DAY)), F.coalesce("counted_at", F.lit(_FIRST_MOMENT))
    return stock.withColumns({"_day": day, "_moment": moment}).where(F.col("_day") <= F.lit(as_of))
