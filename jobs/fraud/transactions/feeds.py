"""Decides whether each row of a feed is new, a repetition of a known row, or rejected with reasons.

A transaction never changes. A second row of one id on one day with the same content is a repetition; with another
content it is a contradiction and goes to the quarantine. The same holds for two reports of one instant about one
transaction. Which of several contradicting rows of a batch stays is decided by their content, not by their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.privacy.pseudonyms import PseudonymKey, pseudonymise
from common.quality.library import is_blank, is_null, later_than, out_of_range
from common.quality.rules import REASONS, Rule, split
from jobs.fraud.transactions.tables import LABELS, TRANSACTIONS

_CONTENT, _PLACE, _STORED = "_content", "_place", "_stored"
_NAMESAKES = "_namesakes"


def transaction_rules(latest: datetime, highest_amount: float) -> list[Rule]:
    """The rules of a transaction; ``latest`` (UTC) is the last moment accepted."""
    return [
        Rule("FRD-101", "the transaction has no id", is_blank("transaction_id")),
        Rule("FRD-102", "the time is missing or cannot be read", is_null("tx_datetime")),
        Rule("FRD-103", "the customer is missing", is_blank("customer_id")),
        Rule("FRD-104", "the terminal is missing", is_blank("terminal_id")),
        Rule("FRD-105", "the amount is missing, not finite or cannot be read", is_null("tx_amount")),
        Rule("FRD-106", "the amount is negative", out_of_range("tx_amount", low=0)),
        Rule("FRD-107", "the amount is above the limit", out_of_range("tx_amount", high=highest_amount)),
        Rule("FRD-108", "the time is in the future", out_of_range("tx_datetime", high=latest)),
    ]


def label_rules(latest: datetime) -> list[Rule]:
    """The rules of a report, once it was looked up (``tx_day`` is null for an unknown transaction)."""
    return [
        Rule("FRD-111", "the report names no transaction", is_blank("transaction_id")),
        Rule("FRD-112", "the time of the report is missing or cannot be read", is_null("reported_at")),
        Rule("FRD-113", "the report says neither fraud nor honest", is_null("is_fraud")),
        Rule("FRD-114", "the report is older than its transaction", later_than("tx_datetime", "reported_at")),
        Rule("FRD-115", "the transaction is unknown", lambda: F.col("tx_day").isNull() & ~is_blank("transaction_id")()),
        Rule("FRD-116", "the report is in the future", out_of_range("reported_at", high=latest)),
        Rule("FRD-118", "transactions of several days have this id", lambda: F.col(_NAMESAKES) > 1),
    ]


def judged_transactions(
    bronze: DataFrame, stored: DataFrame | None, rules: Sequence[Rule], key: PseudonymKey
) -> DataFrame:
    """``bronze`` rows with ``tx_day``, ``reasons`` and their fate, each customer a pseudonym under ``key``.

    ``stored`` are the silver rows of the same days. A repetition is recognised only under the key of the stored row.
    """
    return settled_transactions(prepared_transactions(bronze, rules, key), stored)


def prepared_transactions(bronze: DataFrame, rules: Sequence[Rule], key: PseudonymKey) -> DataFrame:
    """``bronze`` rows with ``tx_day`` and ``reasons``, each customer a pseudonym under ``key``: row by row."""
    dated = with_read_error(bronze.withColumn("tx_day", F.to_date("tx_datetime")))
    # Blank customers must be caught before this: their pseudonym would look like any other.
    return pseudonymise(split(dated, rules), ["customer_id"], key)


def settled_transactions(prepared: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared rows with their fate, among themselves and against the silver rows of the same days."""
    content = ("tx_datetime", "customer_id", "terminal_id", "tx_amount")
    clash = "FRD-109 another transaction of this id and day is known"
    return _with_fate(prepared, stored, TRANSACTIONS.keys, content, clash)


def looked_up_labels(bronze: DataFrame, transactions: DataFrame) -> DataFrame:
    """``bronze`` reports with time, day, customer and terminal of their transaction, null when it is unknown.

    Rows in = rows out. A feed of reports names no day, so a report is about the transaction of its id that had taken
    place by then. Where there are several the first of them is given, and their number in ``_namesakes``; where all
    are later, the first of all.
    """
    carried = ("tx_datetime", "tx_day", "customer_id", "terminal_id")
    # One entry a day at most: silver knows a transaction by id and day.
    known = transactions.groupBy("transaction_id").agg(F.sort_array(F.collect_list(F.struct(*carried))).alias("_known"))
    so_far = F.filter("_known", lambda one: one["tx_datetime"] <= F.col("reported_at"))
    meant = F.when(F.size(so_far) > 0, so_far).otherwise(F.col("_known"))
    named = bronze.join(known, "transaction_id", "left").withColumn("_meant", meant)
    first = F.col("_meant")[0]
    return named.select(
        *bronze.columns, F.size("_meant").alias(_NAMESAKES), *(first[name].alias(name) for name in carried)
    )


def judged_labels(looked_up: DataFrame, stored: DataFrame | None, rules: Sequence[Rule]) -> DataFrame:
    """Looked up reports with ``reasons`` and their fate; ``stored`` are the silver rows of the same days."""
    return settled_labels(prepared_labels(looked_up, rules), stored)


def prepared_labels(looked_up: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Looked up reports with ``reasons``: row by row."""
    return split(with_read_error(looked_up), rules).drop(_NAMESAKES)


def settled_labels(prepared: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared reports with their fate, among themselves and against the silver rows of the same days."""
    clash = "FRD-117 another report of this instant says otherwise"
    return _with_fate(prepared, stored, LABELS.keys, ("is_fraud", "fraud_scenario"), clash)


def _with_fate(
    rows: DataFrame, stored: DataFrame | None, keys: Sequence[str], content: Sequence[str], clash: str
) -> DataFrame:
    is_fine = F.size(REASONS) == 0
    # Rejected rows must not compete with good ones for the place of their key, nor gather in one task for lack of one.
    competitor = F.when(is_fine, F.lit("")).otherwise(F.concat_ws("|", "_file_sha256", F.xxhash64(*rows.columns)))
    hashed = rows.withColumns({_CONTENT: F.xxhash64(*content), "_competitor": competitor})
    within = Window.partitionBy(*keys, "_competitor").orderBy(_CONTENT, "_file_sha256")
    whole = within.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    placed = hashed.withColumns({_PLACE: F.row_number().over(within), "_winner": F.first(_CONTENT).over(whole)})
    if stored is None:
        placed = placed.withColumn(_STORED, F.lit(None).cast("bigint"))
    else:
        known = stored.select(*keys, F.xxhash64(*content).alias(_STORED))
        placed = placed.join(known, list(keys), "left")
    expected = F.coalesce(F.col(_STORED), F.col("_winner"))
    is_clash = is_fine & (F.col(_CONTENT) != expected)
    fate = (
        F.when(~is_fine | is_clash, REJECTED)
        .when(F.col(_STORED).isNotNull() | (F.col(_PLACE) > 1), REPEATED)
        .otherwise(NEW)
    )
    reasons = F.when(is_clash, F.array(F.lit(clash))).otherwise(F.col(REASONS))
    return placed.withColumns({FATE: fate, REASONS: reasons}).drop(_CONTENT, _PLACE, _STORED, "_winner", "_competitor")
