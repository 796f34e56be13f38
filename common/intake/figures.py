"""What is counted of the rows of a batch: before they are settled, and when it is known what becomes of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.clock import utc_text
from common.errors import JobFailedError
from common.intake.fates import CHANGED, DISPLACED, FATE, LOSER, NEW, REJECTED, REPEATED
from common.intake.feed import DUE, LEFT_OUT, WAITS
from common.quality.rules import REASONS

# Rows of the batch, whose file is theirs.
_OF_BATCH = (REPEATED, REJECTED)


@dataclass(frozen=True)
class Facts:
    """Of the prepared rows of a batch: how many are left out, and of the others how many there are, how many are
    rejected, how many of these only wait, and how many of these for something else than a time; when the first of them
    is due, in ISO form; and the days of those that are not rejected, in ISO form and in order.
    """

    left_out: int
    rows: int
    rejected: int
    waiting: int
    untimed: int
    due_at: str
    days: tuple[str, ...]


@dataclass(frozen=True)
class Fates:
    """Of the settled rows of a batch: ``rows`` by fate, and the first and last of the ``days`` that change in silver.

    ``contradicted``: published rows of other files whose place a row of the batch takes; the quarantine lists them.
    ``lost``: files some of whose rows gave way to an equal or better one; ``lost_days`` are the first and last day of
    such rows. Days are in ISO form.
    """

    rows: dict[str, int]
    days: tuple[str, ...]
    contradicted: int
    lost: tuple[str, ...]
    lost_days: tuple[str, ...]


def without_left_out(prepared: DataFrame) -> DataFrame:
    """Prepared rows but for those that say nothing yet."""
    return prepared.where(~_is_left_out()).drop(LEFT_OUT) if LEFT_OUT in prepared.columns else prepared


def facts_of(prepared: DataFrame, day_column: str) -> Facts:
    """The facts of prepared rows. One action."""
    left_out = _is_left_out() if LEFT_OUT in prepared.columns else F.lit(False)
    is_bad = (F.size(REASONS) > 0) & ~left_out
    waits = is_bad & (F.coalesce(F.col(WAITS), F.lit(False)) if WAITS in prepared.columns else F.lit(False))
    due = F.col(DUE) if DUE in prepared.columns else F.lit(None).cast("timestamp")
    counted = prepared.agg(
        F.count_if(left_out).alias("left_out"),
        F.count_if(~left_out).alias("rows"),
        F.count_if(is_bad).alias("rejected"),
        F.count_if(waits).alias("waiting"),
        F.count_if(waits & due.isNull()).alias("untimed"),
        # As text: a rejected row may claim a year that Python has no date for.
        F.collect_set(F.when(~is_bad & ~left_out, F.col(day_column).cast("string"))).alias("days"),
        F.min(F.when(waits, due)).cast("string").alias("due"),
    ).first()
    if counted is None:
        raise JobFailedError("ING-011", "Spark returned no counts for a batch.")
    due_at = utc_text(datetime.fromisoformat(counted["due"]).replace(tzinfo=UTC)) if counted["due"] else ""
    numbers = {name: counted[name] for name in ("left_out", "rows", "rejected", "waiting", "untimed")}
    return Facts(**numbers, due_at=due_at, days=tuple(sorted(counted["days"])))


def reasons_of(prepared: DataFrame) -> tuple[dict[str, int], dict[str, str]]:
    """How many rows are rejected for which reason, the first of each row, and where one of them is: ``file:line``.

    The others often follow from the first: what could not be read is missing, too.
    """
    place = F.concat_ws(":", F.element_at(F.split("_file", "/"), -1), F.col("_line").cast("string"))
    at = F.struct("_file", "_line", place.alias("at")).alias("at")
    first = prepared.where(F.size(REASONS) > 0).select(F.get(REASONS, F.lit(0)).alias("reason"), at)
    counted = first.groupBy("reason").agg(F.count(F.lit(1)).alias("rows"), F.min("at").alias("first")).collect()
    return {row["reason"]: row["rows"] for row in counted}, {row["reason"]: row["first"]["at"] for row in counted}


def fates_of(judged: DataFrame, day_column: str, sha256s: Collection[str], clashes: Sequence[str]) -> Fates:
    """The fates of settled rows of the files ``sha256s``; ``clashes`` are the codes of contradictions. One action."""
    day = F.col(day_column).cast("string")
    reason = F.get(REASONS, F.lit(0))
    is_clash = reduce(or_, (F.startswith(reason, F.lit(code)) for code in clashes), F.lit(False))
    loses = F.col(FATE).isin(REPEATED, DISPLACED) | ((F.col(FATE) == REJECTED) & F.coalesce(is_clash, F.lit(False)))
    loser = F.when(loses, F.col("_file_sha256"))
    if LOSER in judged.columns:
        loser = F.coalesce(loser, F.col(LOSER))
    lost_day = F.when(loser.isNotNull(), day)
    counted = judged.groupBy(FATE).agg(
        F.count(F.lit(1)).alias("rows"),
        F.count_if(F.size(REASONS) > 0).alias("reasoned"),
        F.min(day).alias("first"),
        F.max(day).alias("last"),
        F.collect_set(loser).alias("files"),
        F.min(lost_day).alias("first_lost"),
        F.max(lost_day).alias("last_lost"),
    )
    found = {row[FATE]: row for row in counted.collect()}
    days = [found[fate][end] for fate in (NEW, CHANGED, DISPLACED) if fate in found for end in ("first", "last")]
    own = set(sha256s)
    # Rows that these files have published before did not lose: what they say now is in the batch.
    files = {one for fate, row in found.items() for one in row["files"] if fate in _OF_BATCH or one not in own}
    lost = [row[end] for row in found.values() for end in ("first_lost", "last_lost") if row[end]]
    contradicted = found[DISPLACED]["reasoned"] if DISPLACED in found else 0
    rows = {fate: row["rows"] for fate, row in found.items()}
    return Fates(rows, span_of(days), contradicted, tuple(sorted(files)), span_of(lost))


def span_of(days: Sequence[str]) -> tuple[str, ...]:
    """The first and the last of some days, nothing when there is none."""
    return (min(days), max(days)) if days else ()


def _is_left_out() -> Column:
    return F.coalesce(F.col(LEFT_OUT), F.lit(False))
