"""Sales as sent to sales lines: one form for invoice lines and ready series, and what becomes of each row.

A sent line never changes. Two equal invoice lines are one line sent twice, unless the parameter says that they
are two sales. A ready series has one value for a time: a second, different one goes to the quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.privacy.pseudonyms import KEY_ID_COLUMN, PseudonymKey, pseudonymise
from common.quality.library import is_blank, is_null, not_finite, out_of_range
from common.quality.rules import REASONS, Rule, split

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
_CLASH = "FCT-107 another value of this series and time is known"


def sales_rules(latest: datetime, largest_quantity: float) -> list[Rule]:
    """The rules of a sales line; ``latest`` (UTC) is the last moment accepted."""
    return [
        Rule("FCT-101", "the item or series is missing", is_blank("item_id")),
        Rule("FCT-102", "the time is missing or cannot be read", is_null("sold_at")),
        Rule("FCT-103", "the quantity is missing or cannot be read", is_null("quantity")),
        Rule("FCT-104", "the quantity is not finite", not_finite("quantity")),
        Rule("FCT-105", "the time is in the future", out_of_range("sold_at", high=latest)),
        Rule("FCT-106", "the quantity is above the limit", lambda: _is_too_large(largest_quantity)),
    ]


def _is_too_large(largest: float) -> Column:
    # Infinite and NaN have their own reason; Spark sorts NaN above every number.
    return (F.abs("quantity") > largest) & ~not_finite("quantity")()


def sales_lines(bronze: DataFrame, time_zone: str, key: PseudonymKey) -> DataFrame:
    """Bronze rows with the columns of SALES but ``line_id``: ``sold_day`` by the clock of ``time_zone``, each customer
    a pseudonym under ``key``.
    """
    is_series = F.col("item_id").isNull() & (F.col("unique_id").isNotNull() | F.col("y").isNotNull())
    moment = F.coalesce("sold_at", "ds")
    # A period of a ready series is named by its date, which no clock may shift.
    day = F.to_date(F.when(is_series, moment).otherwise(F.from_utc_timestamp(moment, time_zone)))
    # A missing customer must stay missing: the pseudonym of a blank would look like a customer.
    named = F.when(~is_blank("customer_id")(), F.col("customer_id"))
    hidden = pseudonymise(
        bronze.drop("payload").withColumn("customer_id", named), ["customer_id"], key, key_id_column=None
    )
    return hidden.withColumns(
        {
            KEY_ID_COLUMN: F.when(F.col("customer_id").isNotNull(), F.lit(key.key_id)),
            "is_series": is_series,
            "item_id": F.trim(F.coalesce("item_id", "unique_id")),
            "quantity": F.coalesce("quantity", "y"),
            "sold_at": moment,
            "sold_day": day,
        }
    )


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

    ``stored`` are rows of SALES of the same days; those of the same batch, written before a crash, take no part.
    ``has_series`` False says that no line is the value of a ready series, which spares a shuffle. ``line_id`` is made
    of the content, and of the file and a running number where equal lines are kept.
    """
    is_fine = F.size(REASONS) == 0
    content = F.md5(F.concat_ws("\x1f", *(F.coalesce(F.col(name).cast("string"), F.lit("\x00")) for name in _CONTENT)))
    # Rejected lines must not compete for the place of good ones.
    whole = F.md5(F.to_json(F.struct(*(name for name in ruled.columns if name != REASONS))))
    scope = F.when(is_fine, F.lit("")).otherwise(whole)
    keyed = ruled.withColumns({"_content": content, "_scope": scope})
    place = F.row_number().over(
        Window.partitionBy("_content", "_scope", *(["_file_sha256"] if keep_duplicates else [])).orderBy(
            "_file_sha256", "_file"
        )
    )
    placed = keyed.withColumn("_place", place)
    line_id = F.col("_content")
    if keep_duplicates:
        tail = F.concat_ws("-", "_content", F.substring("_file_sha256", 1, 16), "_place")
        line_id = F.when(F.col("is_series"), F.col("_content")).otherwise(tail)
    known = _with_stored(placed.withColumn("line_id", line_id), stored, has_series)
    is_clash = is_fine & F.col("is_series") & (F.col("quantity") != F.col("_known_quantity"))
    is_repeated = (F.col("_place") > 1) | F.col("_is_stored")
    if keep_duplicates:
        is_repeated = F.when(F.col("is_series"), is_repeated).otherwise(F.col("_is_stored"))
    fate = F.when(~is_fine | is_clash, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
    reasons = F.when(is_clash, F.array(F.lit(_CLASH))).otherwise(F.col(REASONS))
    return known.withColumns({FATE: fate, REASONS: reasons}).drop(
        "_content", "_scope", "_place", "_known_quantity", "_is_stored"
    )


def _with_stored(lines: DataFrame, stored: DataFrame | None, has_series: bool) -> DataFrame:
    """``lines`` with ``_is_stored``, and for ready series the value that holds for their time, ``_known_quantity``."""
    same_time = Window.partitionBy("item_id", "sold_at", "is_series", "_scope")
    # The smallest value wins among contradicting ones of a batch: their order must not matter.
    first = F.min("quantity").over(same_time) if has_series else F.lit(None).cast("double")
    if stored is None:
        return lines.withColumns({"_is_stored": F.lit(False), "_known_quantity": first})
    before = stored.withColumnRenamed("_batch_id", "_other_batch")
    ids = before.select("line_id", "_other_batch")
    values = before.where("is_series").select(
        "item_id",
        "sold_at",
        "is_series",
        F.col("quantity").alias("_value"),
        F.col("_other_batch").alias("_value_batch"),
    )
    other = (F.col("_other_batch") != F.col("_batch_id")) & F.col("_other_batch").isNotNull()
    other_value = F.col("_value_batch") != F.col("_batch_id")
    joined = lines.join(ids, "line_id", "left").join(values, ["item_id", "sold_at", "is_series"], "left")
    return joined.withColumns(
        {
            "_is_stored": other,
            "_known_quantity": F.coalesce(F.when(other_value, F.col("_value")), first),
        }
    ).drop("_other_batch", "_value", "_value_batch")
