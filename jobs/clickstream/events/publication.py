"""What a batch changes in the events table: its winners, the verdicts they change, the rows they displace."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.clickstream.events.deduplication import CONFLICTING, DISPLACED, NEW, ROLE
from jobs.clickstream.web import bots
from jobs.clickstream.web.params import BotParams

DELETED = "_deleted"
IS_OF_BATCH = "_is_of_batch"
_BEFORE = "_hash_before"


def changes(judged: DataFrame, published: DataFrame, params: BotParams) -> DataFrame:
    """The rows to merge into ``published``, with ``_deleted`` and ``_is_of_batch``.

    ``judged`` comes from deduplication.judged, ``published`` holds every row of the days that it touches. The verdicts
    of all visitors and days that gain or lose a row are rebuilt, so rows of earlier batches may be among the result
    (``_is_of_batch`` false). Rows that would not change are left out; a row that moved to another day comes twice, once
    deleted.
    """
    columns = published.columns
    winners = judged.where(F.col(ROLE) == NEW).drop(ROLE, CONFLICTING)
    displaced = judged.where(F.col(ROLE) == DISPLACED).select(*columns)
    touched = winners.select(*bots.VISITOR_DAY).unionByName(displaced.select(*bots.VISITOR_DAY)).distinct()
    staying = published.join(touched, list(bots.VISITOR_DAY), "left_semi").join(
        displaced.select("event_id", "event_date"), ["event_id", "event_date"], "left_anti"
    )
    before = displaced.select("event_id", "event_date", _hash(columns).alias(_BEFORE))
    whole = (
        winners.join(before, ["event_id", "event_date"], "left")
        .withColumn(IS_OF_BATCH, F.lit(True))
        .unionByName(staying.withColumns({_BEFORE: _hash(columns), IS_OF_BATCH: F.lit(False)}))
    )
    judged_anew = bots.with_verdicts(whole, params)
    changed = judged_anew.where(F.col(_BEFORE).isNull() | (F.col(_BEFORE) != _hash(columns)))
    moved = displaced.join(winners.select("event_id", "event_date"), ["event_id", "event_date"], "left_anti")
    return changed.select(*columns, F.lit(False).alias(DELETED), IS_OF_BATCH).unionByName(
        moved.select(*columns, F.lit(True).alias(DELETED), F.lit(False).alias(IS_OF_BATCH))
    )


def _hash(columns: Sequence[str]) -> Column:
    # Arrival time is not part of a row's identity: a batch redone after a crash must find its own work unchanged.
    return F.xxhash64(*(name for name in columns if name != "ingested_at"))
