"""Which rows train a model and which test it, as the Fraud Detection Handbook splits them (chapter 5).

A model trained on days a..b is tested on days that begin a label delay after b: no label of the delay is known yet.
A card known to be compromised is blocked in practice, so it is left out of the test: on a test day D those cards are
known that had a fraud between a and D - delay - 1, as it was reported by the evening before D.
"""

from __future__ import annotations

from datetime import date, timedelta

from pyspark.sql import Column, DataFrame, Window
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


def compromised_cards(labels: DataFrame, *, label_delay_days: int) -> DataFrame:
    """When each card was known to be compromised: ``customer_id, first_day, last_day``, spells of days (UTC).

    A fraud in ``labels`` is known from the day on by which its delay has passed and it was reported, and until another
    report takes it back: ``last_day`` is then the day of that one, and null otherwise.
    """
    in_order = Window.partitionBy(*TRANSACTIONS.keys).orderBy("reported_at")
    followed = labels.withColumn("_next_at", F.lead("reported_at").over(in_order))
    ripe = F.date_add("tx_day", label_delay_days + 1)
    return followed.where("is_fraud").select(
        "customer_id",
        F.greatest(ripe, F.date_add(F.to_date("reported_at"), 1)).alias("first_day"),
        F.to_date("_next_at").alias("last_day"),
    )


def known_days(train_days: DayRange, test_days: DayRange, *, label_delay_days: int) -> DayRange:
    """The days whose frauds are known on the last test day: from the first training day on."""
    return DayRange(train_days.first, test_days.last - timedelta(days=label_delay_days + 1))


def without_known_cards(test: DataFrame, spells: DataFrame) -> DataFrame:
    """The rows of ``test`` whose card was not known to be compromised on their day.

    ``spells`` are those of ``compromised_cards`` over the training days and all later ones.
    """
    days = test.select("customer_id", "tx_day").distinct().join(spells, "customer_id", "inner")
    known = days.where((F.col("first_day") <= F.col("tx_day")) & (F.col("tx_day") <= _last_day()))
    return test.join(known.select("customer_id", "tx_day").distinct(), ["customer_id", "tx_day"], "left_anti").select(
        *test.columns
    )


def _last_day() -> Column:
    return F.coalesce("last_day", F.lit(date.max))
