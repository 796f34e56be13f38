"""Sales as sent to sales lines: one form for invoice lines and ready series, and what becomes of each row.

A sent line never changes. Two equal invoice lines are one line sent twice, unless the parameter says that they are two
sales; equal lines without any receipt number always are two sales. A ready series has one value for a time: of several
the smallest stays, whichever came first and whether or not it is published, and the others go to the quarantine.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.intake.displaced import with_displaced
from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.intake.moments import is_date_alone
from common.privacy.pseudonyms import KEY_ID_COLUMN, PseudonymKey, pseudonymise
from common.quality.library import is_blank, is_null, not_finite, out_of_range
from common.quality.rules import REASONS, Rule, split
from common.sources.mapping.extra import extra_text
from common.sources.mapping.times import ZONED_YEARS
from jobs.forecast.sales.params import EARLIEST_DAY, EARLIEST_SERIES_DAY

_CONTENT = (
    "item_id",
    "sold_at",
    "quantity",
    "invoice_id",
    "transaction_id",
    "item_name",
    "unit_price",
    "customer_id",
    "country",
    "currency",
)
_LATER_CONTENT = ("store", "promotion", "stock")
FUTURE = "FCT-105"
"""The reason of rows that may be right later."""

RECEIPTS: Final = ("invoice_id", "transaction_id")
"""Either of these says that two equal lines are one line sent twice."""

CLASH = "FCT-107"
_CLASH = f"{CLASH} another value of this series and time is known"
"""The reason of a value that gave way to another one."""


def sales_rules(latest: datetime, largest_quantity: float, earliest_day: date = EARLIEST_DAY) -> list[Rule]:
    """The rules of a sales line; ``earliest_day`` and ``latest`` (UTC) are the first day and last moment accepted."""
    return [
        Rule("FCT-101", "the item or series is missing", is_blank("item_id")),
        Rule("FCT-102", "the time is missing or cannot be read", is_null("sold_at")),
        Rule("FCT-103", "the quantity is missing or cannot be read", is_null("quantity")),
        Rule("FCT-104", "the quantity is not finite", not_finite("quantity")),
        Rule(FUTURE, "the time is in the future", out_of_range("sold_at", high=latest)),
        Rule("FCT-106", "the quantity is above the limit", lambda: _is_too_large(largest_quantity)),
        Rule("FCT-108", "the time is before earliest_day", lambda: _is_too_early(earliest_day)),
        # A voucher may be a line below zero.
        Rule("FCT-109", "the price is negative", lambda: (F.col("unit_price") < 0) & F.col("is_product")),
    ]


def _is_too_early(earliest_day: date) -> Column:
    earliest = F.when(F.col("is_series"), F.lit(min(earliest_day, EARLIEST_SERIES_DAY))).otherwise(F.lit(earliest_day))
    return F.col("sold_day") < earliest


def lacks_receipts(mapped: Collection[str], *, keep_duplicates: bool) -> bool:
    """True when sales lines of a source that maps the columns ``mapped`` are all counted, although equal lines are to
    be dropped: nothing says which of them were sent twice.
    """
    return not keep_duplicates and "quantity" in mapped and not set(RECEIPTS) & set(mapped)


def _is_too_large(largest: float) -> Column:
    # Infinite and NaN have their own reason; Spark sorts NaN above every number.
    return (F.abs("quantity") > largest) & ~not_finite("quantity")()


def sales_lines(bronze: DataFrame, time_zone: str | None, key: PseudonymKey, source_zone: str = "UTC") -> DataFrame:
    """Bronze rows with the columns of SALES but ``line_id``, each customer a pseudonym under ``key``.

    ``sold_day`` and ``sold_hour`` are by the clock of ``time_zone``, that of the shop; by default it is the zone of the
    source. A date without a time of day, and the time of a ready series, stay what they are in ``source_zone``.
    """
    is_series = F.col("item_id").isNull() & (F.col("unique_id").isNotNull() | F.col("y").isNotNull())
    moment, quantity = F.coalesce("sold_at", "ds"), F.coalesce("quantity", "y")
    # A missing customer must stay missing: the pseudonym of a blank would look like a customer.
    named = F.when(~is_blank("customer_id")(), F.trim("customer_id"))
    trimmed = {name: F.trim(name) for name in (*RECEIPTS, "store")}
    sent = bronze.withColumns({**trimmed, "customer_id": named, "sold_at": moment})
    hidden = pseudonymise(sent, ["customer_id"], key, key_id_column=None)
    by_source, by_shop = day_in("sold_at", source_zone), day_in("sold_at", time_zone or source_zone)
    hours = (F.hour(F.from_utc_timestamp("sold_at", zone)) for zone in (source_zone, time_zone or source_zone))
    hour_by_source, hour_by_shop = hours
    is_date = is_date_alone("sold_at", source_zone)
    return hidden.withColumns(
        {
            KEY_ID_COLUMN: F.when(F.col("customer_id").isNotNull(), F.lit(key.key_id)),
            "is_series": is_series,
            "item_id": F.trim(F.coalesce("item_id", "unique_id")),
            # Minus zero is equal to zero, but not as text, of which the id of a line is made.
            "quantity": F.when(quantity == 0, F.lit(0.0)).otherwise(quantity),
            # Said or unsaid, it is the same: which of two equal lines came first must not show.
            "is_product": F.coalesce("is_product", F.lit(True)),
            "sold_day": F.when(is_series | is_date, by_source).otherwise(by_shop),
            # A ready series may have a value of midnight.
            "sold_hour": F.when(is_series, hour_by_source).when(~is_date, hour_by_shop),
        }
    )


def day_in(moment: str, zone: str) -> Column:
    """The day of ``moment`` by the clock of ``zone``.

    Years of sentinels have no clock: moved to a zone, 0001-01-01 and 9999-12-31 may lie in years that have no date.
    """
    moved = F.to_date(F.from_utc_timestamp(moment, zone))
    return F.when(F.year(moment).between(*ZONED_YEARS), moved).otherwise(F.to_date(moment))


def judged_sales(
    lines: DataFrame,
    stored: DataFrame | None,
    rules: Sequence[Rule],
    *,
    keep_duplicates: bool,
    has_series: bool,
) -> DataFrame:
    """``lines`` (see ``sales_lines``) with ``line_id``, ``reasons`` and their fate: see ``settled_sales``."""
    ruled = prepared_sales(lines, rules)
    return settled_sales(ruled, stored, keep_duplicates=keep_duplicates, has_series=has_series)


def prepared_sales(lines: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """``lines`` (see ``sales_lines``) with ``reasons``: row by row."""
    return split(with_read_error(lines), rules)


def settled_sales(ruled: DataFrame, stored: DataFrame | None, *, keep_duplicates: bool, has_series: bool) -> DataFrame:
    """Prepared lines with ``line_id`` and their fate, among themselves and against the silver rows of the same days.

    ``stored`` are rows of SALES of the same days; those of the same batch, written before a crash, take no part. Values
    of ready series among them that a new one precedes come back as ``displaced``. ``has_series`` False says that no
    line is the value of a ready series, which spares a shuffle. ``line_id`` is made of the content, and of the file and
    a running number where equal lines all count.
    """
    is_fine = F.size(REASONS) == 0
    # Rejected lines must not compete for the place of good ones.
    whole = F.md5(F.to_json(F.struct(*(name for name in ruled.columns if name != REASONS))))
    scope = F.when(is_fine, F.lit("")).otherwise(whole)
    keyed = ruled.withColumns(
        {"_content": _content(), "_scope": scope, "_is_each": _each_counts(keep_duplicates=keep_duplicates)}
    )
    within_file = F.when(F.col("_is_each"), F.col("_file_sha256"))
    equal = Window.partitionBy("_content", "_scope", within_file).orderBy("_file_sha256", "_file")
    placed = keyed.withColumn("_place", F.row_number().over(equal))
    numbered = F.concat_ws("-", "_content", F.substring("_file_sha256", 1, 16), "_place")
    lines = placed.withColumn("line_id", F.when(F.col("_is_each"), numbered).otherwise(F.col("_content")))
    known = _with_ids(lines, stored)
    is_repeated = ((F.col("_place") > 1) & ~F.col("_is_each")) | F.col("_is_stored")
    if not has_series:
        fate = F.when(~is_fine, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
        return known.withColumn(FATE, fate).drop(*_SCAFFOLD)
    known = _with_values(known, stored)
    is_clash = is_fine & F.col("is_series") & (F.col("quantity") != F.col("_expected.quantity"))
    is_repeated = is_repeated | (F.col("is_series") & (F.col("line_id") != F.col("_expected.line_id")))
    fate = F.when(~is_fine | is_clash, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
    clash = F.array(F.lit(_CLASH))
    settled = known.withColumns({FATE: fate, REASONS: F.when(is_clash, clash).otherwise(F.col(REASONS))})
    if stored is None:
        return settled.drop(*_SCAFFOLD)
    names = [name for name in stored.columns if name in settled.columns]
    # The same value in other words is not a contradiction: one of the two is enough.
    reasons = F.when(F.col("_value.quantity") != F.col("quantity"), clash).otherwise(F.array().cast("array<string>"))
    return with_displaced(settled.drop(*_SCAFFOLD), "_value", names, reasons)


_SCAFFOLD = ("_content", "_scope", "_is_each", "_place", "_is_stored", "_expected")


def _content() -> Column:
    parts = [F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in _CONTENT]
    # Null is left out, so lines without a store keep the id that they had before there were stores.
    later = {name: F.col(name).cast("string") for name in _LATER_CONTENT}
    # Null again for products, of which alone most feeds consist.
    later |= {"is_product": F.when(~F.col("is_product"), F.lit("false")), "extra": extra_text()}
    return F.md5(F.concat_ws("\x1f", *parts, *(F.concat(F.lit(f"{name}="), text) for name, text in later.items())))


def _each_counts(*, keep_duplicates: bool) -> Column:
    """True for lines that count each, however many are equal: nothing says that one was sent twice."""
    if keep_duplicates:
        return ~F.col("is_series")
    has_none = is_blank(RECEIPTS[0])() & is_blank(RECEIPTS[1])()
    return ~F.col("is_series") & has_none


def _with_ids(lines: DataFrame, stored: DataFrame | None) -> DataFrame:
    """``lines`` with ``_is_stored``: another batch has published the same ``line_id``."""
    if stored is None:
        return lines.withColumn("_is_stored", F.lit(False))
    ids = stored.select("line_id", F.col("_batch_id").alias("_other_batch"))
    is_stored = F.coalesce(F.col("_other_batch") != F.col("_batch_id"), F.lit(False))
    return lines.join(ids, "line_id", "left").withColumn("_is_stored", is_stored).drop("_other_batch")


def _with_values(lines: DataFrame, stored: DataFrame | None) -> DataFrame:
    """``lines`` with ``_expected`` (quantity, line_id): what holds for a ready series at their time.

    With ``stored`` also ``_value``: the row of another batch that is published for that time.
    """
    ranked = F.struct("quantity", "line_id")
    first = F.min(ranked).over(Window.partitionBy("item_id", "sold_at", "is_series", "_scope"))
    if stored is None:
        return lines.withColumn("_expected", first)
    key = ["item_id", "sold_at", "is_series"]
    rest = [name for name in stored.columns if name not in ("quantity", "line_id") and name in lines.columns]
    # Spark orders no maps: the smallest value is found by what is ordered of it.
    value = F.min_by(F.struct("quantity", "line_id", *rest), F.struct("quantity", "line_id"))
    values = stored.where("is_series").groupBy(*key).agg(value.alias("_value"))
    joined = lines.withColumn("_first", first).join(values, key, "left")
    is_other = F.col("_value._batch_id") != F.col("_batch_id")
    value = F.when(is_other, F.col("_value"))
    before = F.struct(value["quantity"].alias("quantity"), value["line_id"].alias("line_id"))
    holds = F.coalesce(is_other & (before <= F.col("_first")), F.lit(False))
    expected = F.when(holds, before).otherwise(F.col("_first"))
    return joined.withColumns({"_expected": expected, "_value": value}).drop("_first")
