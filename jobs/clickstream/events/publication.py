"""What a batch changes in the events table: its winners, the verdicts they change, the rows they displace."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.intake import fates
from common.intake.fates import FATE, LOSER
from common.sources.mapping.free_columns import EXTRA_MAPS
from jobs.clickstream.events.columns import PROPERTIES
from jobs.clickstream.events.deduplication import BEATEN, CONFLICTING, DISPLACED, NEW, REPEATED, ROLE
from jobs.clickstream.web import bots
from jobs.clickstream.web.params import BotParams

_BEFORE = "_hash_before"
# When and from where a row was ingested is no part of it: a batch taken again must find its own work unchanged.
_STAMPS = ("_batch_id", "ingested_at", "_file")
_MAPS = (PROPERTIES.name, *EXTRA_MAPS)


def changes(judged: DataFrame, published: DataFrame, params: BotParams) -> DataFrame:
    """The rows of the batch and the published rows that change, with ``_fate`` and ``_loser`` (common.intake.fates).

    ``judged`` comes from deduplication.judged, ``published`` holds every row of the days that it touches, with the same
    columns. The verdicts of all visitors and days that gain or lose a row are rebuilt, so rows of earlier batches may
    be among the result: ``changed``. A row that moved to another day comes twice, once as ``displaced``.
    """
    columns, none = published.columns, F.lit(None).cast("string")
    winners = judged.where(F.col(ROLE) == NEW).drop(ROLE, CONFLICTING)
    displaced = judged.where(F.col(ROLE) == DISPLACED).select(*columns)
    touched = winners.select(*bots.VISITOR_DAY).unionByName(displaced.select(*bots.VISITOR_DAY)).distinct()
    staying = published.join(touched, list(bots.VISITOR_DAY), "left_semi").join(
        displaced.select("event_id", "event_date"), ["event_id", "event_date"], "left_anti"
    )
    loser = F.col("_file_sha256").alias(LOSER)
    before = displaced.select("event_id", "event_date", _hash(columns).alias(_BEFORE), loser)
    whole = (
        winners.join(before, ["event_id", "event_date"], "left")
        .withColumn(FATE, F.lit(fates.NEW))
        .unionByName(staying.withColumns({_BEFORE: _hash(columns), FATE: F.lit(fates.CHANGED), LOSER: none}))
    )
    judged_anew = bots.with_verdicts(whole, params)
    is_same = F.coalesce(F.col(_BEFORE) == _hash(columns), F.lit(False))
    is_winner = F.col(FATE) == fates.NEW
    fated = judged_anew.where(is_winner | ~is_same).withColumn(
        FATE, F.when(is_winner & is_same, F.lit(fates.UNCHANGED)).otherwise(F.col(FATE))
    )
    moved = displaced.join(winners.select("event_id", "event_date"), ["event_id", "event_date"], "left_anti")
    repeated = judged.where(F.col(ROLE).isin(REPEATED, BEATEN))
    return (
        fated.select(*columns, FATE, LOSER)
        .unionByName(moved.select(*columns, F.lit(fates.DISPLACED).alias(FATE), none.alias(LOSER)))
        .unionByName(repeated.select(*columns, F.lit(fates.REPEATED).alias(FATE), none.alias(LOSER)))
    )


def _hash(columns: Sequence[str]) -> Column:
    # Spark hashes no map, and passes over nulls: which columns have none is hashed as well.
    there = [name for name in columns if name not in _STAMPS]
    values = (F.to_json(name) if name in _MAPS else F.col(name) for name in there)
    return F.xxhash64(F.array(*(F.col(name).isNull() for name in there)), *values)
