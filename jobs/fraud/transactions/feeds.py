"""Decides whether each row of a feed is new, a repetition of a known row, or rejected with reasons.

A transaction never changes. A second row of one id on one day with the same content is a repetition; with another
content it is a contradiction, and one of the two goes to the quarantine. The same holds for two reports of one instant
about one transaction. Which one stays is decided by what they say, whichever came first and whether or not it is
published: of transactions the earliest, then the one of the smallest amount; of reports the one that says fraud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from common.intake.displaced import with_displaced
from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.intake.moments import is_date_alone, start_of
from common.privacy.pseudonyms import KEY_ID_COLUMN, PseudonymKey, pseudonymise
from common.quality.library import is_blank, is_null, later_than, out_of_range
from common.quality.rules import REASONS, Rule, split
from common.sources.mapping.extra import extra_text
from common.sources.mapping.free_columns import EXTRA_MAPS
from jobs.fraud.transactions.params import EARLIEST_DAY
from jobs.fraud.transactions.tables import LABELS, MORE_COLUMNS, MORE_TEXTS, TRANSACTIONS

FUTURE_TRANSACTION, FUTURE_REPORT, UNKNOWN_TRANSACTION = "FRD-108", "FRD-116", "FRD-115"
"""Reasons of rows that may be right later."""

AMBIGUOUS = "FRD-118"
"""The reason of a report that may mean several transactions, of which some may be withdrawn."""

CLASH, LABEL_CLASH = "FRD-109", "FRD-117"
"""Reasons of rows that gave way to another one."""

_CONTENT, _PLACE, _WINNER, _STORED = "_content", "_place", "_winner", "_stored"
_NAMESAKES = "_namesakes"
_WHO = ("customer", "merchant")
_NO_SCENARIO = 2_147_483_647


def transaction_rules(latest: datetime, highest_amount: float, earliest_day: date = EARLIEST_DAY) -> list[Rule]:
    """The rules of a transaction; ``earliest_day`` and ``latest`` (UTC) are the first day and last moment accepted."""
    return [
        Rule("FRD-101", "the transaction has no id", is_blank("transaction_id")),
        Rule("FRD-102", "the time is missing or cannot be read", is_null("tx_datetime")),
        Rule("FRD-103", "the customer is missing", is_blank("customer_id")),
        Rule("FRD-104", "the terminal is missing", is_blank("terminal_id")),
        Rule(
            "FRD-105",
            "the amount is missing, not a number, or has more than four decimals or too many digits",
            is_null("tx_amount"),
        ),
        Rule("FRD-106", "the amount is negative", out_of_range("tx_amount", low=0)),
        Rule("FRD-107", "the amount is above the limit", out_of_range("tx_amount", high=highest_amount)),
        Rule(FUTURE_TRANSACTION, "the time is in the future", out_of_range("tx_datetime", high=latest)),
        Rule("FRD-120", "a latitude or longitude is none", _is_nowhere),
        Rule("FRD-110", "the time is before earliest_day", out_of_range("tx_datetime", low=start_of(earliest_day))),
    ]


def _is_nowhere() -> Column:
    limits = {"lat": 90, "lon": 180}
    wrong = [~F.col(f"{who}_{axis}").between(-most, most) for who in _WHO for axis, most in limits.items()]
    return reduce(lambda left, right: left | right, [F.coalesce(one, F.lit(False)) for one in wrong])


def label_rules(latest: datetime, earliest_day: date = EARLIEST_DAY) -> list[Rule]:
    """The rules of a report, once it was looked up (``tx_day`` is null for an unknown transaction)."""
    too_early = out_of_range("reported_at", low=start_of(earliest_day))
    is_older = later_than("tx_datetime", "reported_at")
    return [
        Rule("FRD-111", "the report names no transaction", is_blank("transaction_id")),
        Rule("FRD-112", "the time of the report is missing or cannot be read", is_null("reported_at")),
        Rule("FRD-113", "the report says neither fraud nor honest", is_null("is_fraud")),
        # A time that stands for "unknown" is one fault, not two.
        Rule("FRD-114", "the report is older than its transaction", lambda: is_older() & ~too_early()),
        Rule(UNKNOWN_TRANSACTION, "the transaction is unknown", _is_unknown),
        Rule(FUTURE_REPORT, "the report is in the future", out_of_range("reported_at", high=latest)),
        Rule(AMBIGUOUS, "transactions of several days have this id", lambda: F.col(_NAMESAKES) > 1),
        Rule("FRD-119", "the time of the report is before earliest_day", too_early),
    ]


def _is_unknown() -> Column:
    return F.col("tx_day").isNull() & ~is_blank("transaction_id")()


def judged_transactions(
    bronze: DataFrame, stored: DataFrame | None, rules: Sequence[Rule], key: PseudonymKey
) -> DataFrame:
    """``bronze`` rows with ``tx_day``, ``reasons`` and their fate, each customer a pseudonym under ``key``.

    ``stored`` are the silver rows of the same days. A repetition is recognised only under the key of the stored row.
    """
    return settled_transactions(prepared_transactions(bronze, rules, key), stored)


def prepared_transactions(bronze: DataFrame, rules: Sequence[Rule], key: PseudonymKey) -> DataFrame:
    """``bronze`` rows with ``tx_day`` and ``reasons``, customers and devices as pseudonyms under ``key``: row by row.

    A merchant stands for a terminal that is missing.
    """
    trimmed = {name: F.trim(name) for name in ("transaction_id", "customer_id")}
    lacks_terminal = is_blank("terminal_id")() & ~is_blank("merchant_id")()
    trimmed["terminal_id"] = F.trim(F.when(lacks_terminal, F.col("merchant_id")).otherwise(F.col("terminal_id")))
    trimmed |= {name: F.when(~is_blank(name)(), F.trim(name)) for name in MORE_TEXTS}
    dated = with_read_error(bronze.withColumns({**trimmed, "tx_day": F.to_date("tx_datetime")}))
    # Blank customers must be caught before this: their pseudonym would look like any other.
    return pseudonymise(split(dated, rules), ["customer_id", "device"], key)


def settled_transactions(prepared: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared rows with their fate, among themselves and against the silver rows of the same days.

    Published rows that a new one contradicts and precedes come back as ``displaced``. A row published under another
    key stays: which customers are the same cannot be said.
    """
    content = {name: F.col(name) for name in ("tx_datetime", "tx_amount", "terminal_id", "customer_id", *MORE_COLUMNS)}
    content["extra"] = extra_text()
    clash = f"{CLASH} another transaction of this id and day is known"
    return _with_fate(prepared, stored, TRANSACTIONS.keys, content, clash, key_id=KEY_ID_COLUMN)


def on_two_days(transactions: DataFrame) -> DataFrame:
    """One row per pair of ``transactions`` (silver) on two days in a row with the same id, customer, terminal, amount.

    The columns are these four and ``second_day``.
    """
    second_day = F.explode(F.array("tx_day", F.date_add("tx_day", 1))).alias("second_day")
    said = ("transaction_id", "customer_id", "terminal_id", "tx_amount")
    # An id comes once a day, so two rows are two days.
    return transactions.select(*said, second_day).groupBy(*said, "second_day").count().where("count > 1").drop("count")


def looked_up_labels(bronze: DataFrame, transactions: DataFrame, time_zone: str = "UTC") -> DataFrame:
    """``bronze`` reports with time, day, customer and terminal of their transaction, null when it is unknown.

    Rows in = rows out. A feed of reports names no day, so a report is about the transaction of its id that had taken
    place by then. Where there are several the first of them is given, and their number in ``_namesakes``; where all
    are later, the first of all. A report with a date alone (in the source's ``time_zone``) counts from the last moment
    of that day on: nobody knows that it was made any earlier.
    """
    carried = ("tx_datetime", "tx_day", "customer_id", "terminal_id")
    # One entry a day at most: silver knows a transaction by id and day.
    known = transactions.groupBy("transaction_id").agg(F.sort_array(F.collect_list(F.struct(*carried))).alias("_known"))
    local_day = F.to_date(F.from_utc_timestamp("reported_at", time_zone))
    until = F.to_utc_timestamp(F.date_add(local_day, 1).cast("timestamp"), time_zone)
    dated = bronze.withColumns(
        {
            "transaction_id": F.trim("transaction_id"),
            "_until": F.when(is_date_alone("reported_at", time_zone), until),
        }
    )
    named = dated.join(known, "transaction_id", "left")
    had_taken_place = F.filter(
        "_known",
        lambda one: (
            (one["tx_datetime"] <= F.col("reported_at"))
            | F.coalesce(one["tx_datetime"] < F.col("_until"), F.lit(False))
        ),
    )
    so_far = named.withColumn("_so_far", had_taken_place)
    meant = F.when(F.size("_so_far") > 0, F.col("_so_far")).otherwise(F.col("_known"))
    first = F.col("_meant")[0]
    moment = F.when(first["tx_datetime"] < F.col("_until"), F.col("_until") - F.expr("INTERVAL 1 MICROSECOND"))
    values = {"reported_at": F.coalesce(moment, F.col("reported_at"))}
    return so_far.withColumn("_meant", meant).select(
        *(values.get(name, F.col(name)).alias(name) for name in bronze.columns),
        F.size("_meant").alias(_NAMESAKES),
        *(first[name].alias(name) for name in carried),
    )


def judged_labels(looked_up: DataFrame, stored: DataFrame | None, rules: Sequence[Rule]) -> DataFrame:
    """Looked up reports with ``reasons`` and their fate; ``stored`` are the silver rows of the same days."""
    return settled_labels(prepared_labels(looked_up, rules), stored)


def prepared_labels(looked_up: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """Looked up reports with ``reasons``: row by row."""
    return split(with_read_error(looked_up), rules).drop(_NAMESAKES)


def settled_labels(prepared: DataFrame, stored: DataFrame | None) -> DataFrame:
    """Prepared reports with their fate, among themselves and against the silver rows of the same days.

    Published reports that a new one contradicts and precedes come back as ``displaced``.
    """
    # Fraud first, then the smallest scenario: of two reports the one that says more.
    scenario = F.coalesce("fraud_scenario", F.lit(_NO_SCENARIO))
    content = {"is_honest": ~F.col("is_fraud"), "fraud_scenario": scenario}
    clash = f"{LABEL_CLASH} another report of this instant says otherwise"
    return _with_fate(prepared, stored, LABELS.keys, content, clash)


def _with_fate(
    rows: DataFrame,
    stored: DataFrame | None,
    keys: Sequence[str],
    content: Mapping[str, Column],
    clash: str,
    *,
    key_id: str = "",
) -> DataFrame:
    """``rows`` with their fate, and displaced rows of ``stored``: per key the smallest ``content`` wins.

    Where ``key_id`` differs, the stored row wins.
    """
    said = F.struct(*(column.alias(name) for name, column in content.items()))
    is_fine = F.size(REASONS) == 0
    # Rejected rows must not compete with good ones for the place of their key, nor gather in one task for lack of one.
    hashed = [name for name in rows.columns if name not in EXTRA_MAPS]
    competitor = F.when(is_fine, F.lit("")).otherwise(F.concat_ws("|", "_file_sha256", F.xxhash64(*hashed)))
    within = Window.partitionBy(*keys, "_competitor").orderBy(_CONTENT, "_file_sha256")
    placed = rows.withColumns({_CONTENT: said, "_competitor": competitor})
    placed = placed.withColumns({_PLACE: F.row_number().over(within), _WINNER: F.first(_CONTENT).over(within)})
    kept = [] if stored is None else [name for name in stored.columns if name in rows.columns]
    if stored is None:
        expected, is_known = F.col(_WINNER), F.lit(False)
    else:
        known = stored.select(*keys, F.struct(*kept).alias(_STORED), said.alias("_before"))
        placed = placed.join(known, list(keys), "left")
        is_other_key = F.col(_STORED)[key_id] != F.col(key_id) if key_id else F.lit(False)
        is_known = F.col(_STORED).isNotNull()
        holds = is_known & (is_other_key | (F.col("_before") <= F.col(_WINNER)))
        expected = F.when(holds, F.col("_before")).otherwise(F.col(_WINNER))
    is_clash = is_fine & (F.col(_CONTENT) != expected)
    is_repeated = F.col(_PLACE) > 1
    if stored is not None:
        is_repeated = is_repeated | F.coalesce(F.col("_before") == F.col(_CONTENT), F.lit(False))
    fate = F.when(~is_fine | is_clash, REJECTED).when(is_repeated, REPEATED).otherwise(NEW)
    reasons = F.when(is_clash, F.array(F.lit(clash))).otherwise(F.col(REASONS))
    judged = placed.withColumns({FATE: fate, REASONS: reasons}).drop(
        _CONTENT, _PLACE, _WINNER, "_competitor", "_before"
    )
    return judged if stored is None else with_displaced(judged, _STORED, kept, F.array(F.lit(clash)))
