"""Which rows train a model and which test it, as the Fraud Detection Handbook splits them (chapter 5).

A model trained on days a..b is tested on days that begin a label delay after b: no label of the delay is known yet.
A card known to be compromised is blocked in practice, so it is left out of the test: on a test day D those cards are
known that had a fraud between a and D - delay - 1.
"""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.fraud.transactions.tables import TRANSACTIONS


def training_labels(labels: DataFrame, *, known_by: str | None = None) -> DataFrame:
    """The latest report of each transaction: ``transaction_id, tx_day, is_fraud, fraud_scenario``.

    ``known_by`` (a UTC timestamp as text) leaves out reports that came later.
    """
    known = labels if known_by is None else labels.where(F.col("reported_at") <= F.lit(known_by).cast("timestamp"))
    latest = known.groupBy(*TRANSACTIONS.keys).agg(
        F.max_by(F.struct("is_fraud", "fraud_scenario"), "reported_at").alias("report")
    )
    return latest.select(*TRANSACTIONS.keys, "report.*")


def labelled(features: DataFrame, labels: DataFrame) -> DataFrame:
    """``features`` with ``is_fraud`` (0 or 1) and ``fraud_scenario``; a transaction never reported is honest."""
    return features.join(labels, list(TRANSACTIONS.keys), "left").withColumns(
        {
            "is_fraud": F.coalesce(F.col("is_fraud"), F.lit(False)).cast("int"),
            "fraud_scenario": F.coalesce(F.col("fraud_scenario"), F.lit(0)),
        }
    )


def defrauded_cards(labelled_rows: DataFrame) -> DataFrame:
    """The first day with a fraud of each card: ``customer_id, first_fraud_day``."""
    frauds = labelled_rows.where(F.col("is_fraud") == 1)
    return frauds.groupBy("customer_id").agg(F.min("tx_day").alias("first_fraud_day"))


def known_days(train_days: DayRange, test_days: DayRange, *, label_delay_days: int) -> DayRange:
    """The days whose frauds are known on the last test day: from the first training day on."""
    return DayRange(train_days.first, test_days.last - timedelta(days=label_delay_days + 1))


def without_known_cards(test: DataFrame, first_frauds: DataFrame, *, label_delay_days: int) -> DataFrame:
    """The rows of ``test`` whose card had no fraud on or before their day less the delay less one.

    ``first_frauds`` are those of ``defrauded_cards`` over the training days and all later ones.
    """
    joined = test.join(first_frauds, "customer_id", "left")
    known_on = F.date_add(F.col("first_fraud_day"), label_delay_days + 1)
    is_known = F.col("first_fraud_day").isNotNull() & (known_on <= F.col("tx_day"))
    return joined.where(~is_known).select(*test.columns)
