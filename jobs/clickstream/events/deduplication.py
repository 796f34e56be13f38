"""Keeps one event per id, within a batch and against the events already published.

Among rows with the same id, the winner has the latest ``collector_tstamp``, then the latest ``dvce_sent_tstamp``,
then the greatest fingerprint, then the smallest file hash and name. That is a total order of what the rows hold, so the
table is the same for every order and split of the files. Rows that agree in all of it are the same line twice.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

ROLE = "_role"
# Of a row of the batch; of a published row.
NEW, REPEATED, BEATEN = "new", "repeated", "beaten"
KEPT, DISPLACED = "kept", "displaced"
CONFLICTING = "_conflicting"


def judged(batch: DataFrame, published: DataFrame, own: DataFrame | None = None) -> DataFrame:
    """Rows of the batch, and the published rows that share an id with one, with ``_role`` and ``_conflicting``.

    All have the columns of ``batch``. Roles of batch rows: ``new`` wins its id, ``repeated`` loses it to another row of
    the batch, ``beaten`` to a published one. Roles of published rows: ``kept`` wins, ``displaced`` loses. ``own`` are
    rows that an earlier run has published from the same files: all of them are ``displaced`` and take no other part.
    ``_conflicting`` is true for a batch row that has the winner's id but different content.
    """
    met = published.join(batch.select("event_id").distinct(), "event_id", "left_semi")
    rows = _marked(batch, is_batch=True).unionByName(_marked(met.select(*batch.columns), is_batch=False))
    if own is not None:
        rows = rows.unionByName(_marked(own.select(*batch.columns), is_batch=False, is_own=True))
    by_id = Window.partitionBy("event_id").orderBy(*_order())
    whole = by_id.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    ranked = rows.withColumns(
        {
            "_place": F.row_number().over(by_id),
            "_winner_is_batch": F.first("_is_batch").over(whole),
            "_winner_fingerprint": F.first("event_fingerprint").over(whole),
        }
    )
    wins = F.col("_place") == 1
    batch_role = F.when(wins, F.lit(NEW)).when(F.col("_winner_is_batch"), F.lit(REPEATED)).otherwise(F.lit(BEATEN))
    published_role = F.when(wins & ~F.col("_is_own"), F.lit(KEPT)).otherwise(F.lit(DISPLACED))
    conflicting = F.col("_is_batch") & (F.col("event_fingerprint") != F.col("_winner_fingerprint"))
    return ranked.withColumns(
        {ROLE: F.when(F.col("_is_batch"), batch_role).otherwise(published_role), CONFLICTING: conflicting}
    ).drop("_place", "_winner_is_batch", "_winner_fingerprint", "_is_batch", "_is_own")


def _marked(rows: DataFrame, *, is_batch: bool, is_own: bool = False) -> DataFrame:
    return rows.withColumns({"_is_batch": F.lit(is_batch), "_is_own": F.lit(is_own)})


def _order() -> list[Column]:
    return [
        # What these files published before comes last, whatever it holds.
        F.col("_is_own").asc(),
        F.col("collector_tstamp").desc_nulls_last(),
        F.col("dvce_sent_tstamp").desc_nulls_last(),
        F.col("event_fingerprint").desc(),
        F.col("_file_sha256").asc(),
        F.col("_file").asc(),
        F.col("_is_batch").asc(),
    ]
