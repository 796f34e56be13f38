"""From scores to decisions, within a budget of cards that can be looked at on a day."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

ALERT, LINKED, PASS = "alert", "linked", "pass"


def alerted_transactions(scored: DataFrame, *, alerts_per_day: int, lowest_score: float) -> DataFrame:
    """The most suspicious transaction of each of the day's most suspicious cards.

    ``scored`` has ``tx_day, customer_id, transaction_id, score``. Of each day the ``alerts_per_day`` cards with the
    highest scores, each with at least ``lowest_score``; ties go to the smaller id, by length and then as text. Columns:
    ``tx_day, customer_id, transaction_id, card_rank`` (1 is the most suspicious card).
    """
    suspicious = scored.where(F.col("score") >= lowest_score)
    # The first of a card by falling score is the smallest of (-score, length of id, id).
    first = F.min(
        F.struct((-F.col("score")).alias("minus"), F.length("transaction_id").alias("length"), "transaction_id")
    )
    cards = suspicious.groupBy("tx_day", "customer_id").agg(first.alias("top"))
    by_score = Window.partitionBy("tx_day").orderBy("top.minus", F.length("customer_id"), "customer_id")
    ranked = cards.withColumn("card_rank", F.row_number().over(by_score)).where(F.col("card_rank") <= alerts_per_day)
    return ranked.select("tx_day", "customer_id", F.col("top.transaction_id").alias("transaction_id"), "card_rank")


def with_decisions(scored: DataFrame, alerted: DataFrame) -> DataFrame:
    """``scored`` with ``decision`` and ``card_rank``.

    ``alert``: the transaction to look at; ``linked``: another one of that card on that day; ``pass``: all others, whose
    ``card_rank`` is null. ``alerted`` are the rows of ``alerted_transactions``, few enough to send to every task.
    """
    cards = F.broadcast(alerted.select("tx_day", "customer_id", F.col("transaction_id").alias("_alerted"), "card_rank"))
    decision = (
        F.when(F.col("_alerted").isNull(), PASS)
        .when(F.col("_alerted") == F.col("transaction_id"), ALERT)
        .otherwise(LINKED)
    )
    joined = scored.join(cards, ["tx_day", "customer_id"], "left")
    return joined.select(*scored.columns, decision.alias("decision"), "card_rank")
