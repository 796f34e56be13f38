"""How good scores are: area under the ROC curve, average precision and card precision at k.

The frames are summed up in Spark; what reaches the driver is bounded: one row for each distinct score (rounded to six
decimals beyond ``EXACT_SCORES`` of them), and the top cards of each day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

EXACT_SCORES = 1_000_000


@dataclass(frozen=True)
class CardDay:
    """One card on one day: its highest score, and whether it had a fraud on that day."""

    day: date
    customer_id: str
    score: float
    is_compromised: bool


@dataclass(frozen=True)
class DayPrecision:
    """The top k cards of a day, and which of them were compromised: those are detected."""

    day: date
    top_k: int
    detected: tuple[str, ...]

    @property
    def precision(self) -> float:
        """Detected cards as a share of k, however few cards the day had."""
        return len(self.detected) / self.top_k


def score_counts(scored: DataFrame) -> DataFrame:
    """``score``, ``frauds`` and ``rows`` of each distinct score; ``scored`` has ``score`` and ``is_fraud`` (0 or 1)."""
    counted = scored.groupBy("score").agg(F.sum("is_fraud").alias("frauds"), F.count(F.lit(1)).alias("rows"))
    if counted.limit(EXACT_SCORES + 1).count() <= EXACT_SCORES:
        return counted
    rounded = counted.groupBy(F.round("score", 6).alias("score"))
    return rounded.agg(F.sum("frauds").alias("frauds"), F.sum("rows").alias("rows"))


def auc_roc(counts: Iterable[tuple[float, int, int]]) -> float:
    """Area under the ROC curve of ``(score, frauds, rows)``: the chance that a fraud scores above an honest row.

    Ties count half (Mann and Whitney). NaN when a class is missing.
    """
    frauds, honest = _by_falling_score(counts)
    if not frauds.sum() or not honest.sum():
        return float("nan")
    honest_above = np.cumsum(honest) - honest
    lost = float((frauds * (honest_above + honest / 2.0)).sum())
    return 1.0 - lost / (float(frauds.sum()) * float(honest.sum()))


def average_precision(counts: Iterable[tuple[float, int, int]]) -> float:
    """Sum over thresholds of (recall gained) x (precision there), as scikit-learn defines it. NaN without frauds."""
    frauds, honest = _by_falling_score(counts)
    if not frauds.sum():
        return float("nan")
    precision = np.cumsum(frauds) / np.cumsum(frauds + honest)
    # Divided at the end: a sum of rounded gains of recall may come to more than 1.
    return float((frauds * precision).sum() / frauds.sum())


def _by_falling_score(counts: Iterable[tuple[float, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(sorted(counts, reverse=True), dtype=float).reshape(-1, 3)
    return table[:, 1], table[:, 2] - table[:, 1]


def cards_of_days(scored: DataFrame) -> DataFrame:
    """``tx_day, customer_id, score`` (highest) and ``is_fraud`` (highest) of each card and day."""
    highest = (F.max("score").alias("score"), F.max("is_fraud").alias("is_fraud"))
    return scored.groupBy("tx_day", "customer_id").agg(*highest)


def top_cards(cards: DataFrame, *, top_k: int, days: int) -> DataFrame:
    """For each day, the cards that can be in its top k once those detected on the ``days`` before are left out.

    At most k cards are detected on each of the other days, so k x days cards of a day are enough. Ties in the score go
    to the smaller card id, by length and then as text.
    """
    by_score = Window.partitionBy("tx_day").orderBy(F.col("score").desc(), F.length("customer_id"), "customer_id")
    return cards.withColumn("place", F.row_number().over(by_score)).where(F.col("place") <= top_k * days).drop("place")


def card_precision_at_k(cards: Iterable[CardDay], *, top_k: int) -> Sequence[DayPrecision]:
    """Card precision of each day that has cards, as the Fraud Detection Handbook computes it (chapter 4).

    Days are taken in order; a compromised card in the top k of a day is detected, and left out of all later days.
    ``cards`` are those of ``top_cards``, in any order.
    """
    by_day: dict[date, list[CardDay]] = {}
    for card in sorted(cards, key=lambda card: (-card.score, len(card.customer_id), card.customer_id)):
        by_day.setdefault(card.day, []).append(card)
    known: set[str] = set()
    results = []
    for day in sorted(by_day):
        left = [card for card in by_day[day] if card.customer_id not in known]
        detected = tuple(card.customer_id for card in left[:top_k] if card.is_compromised)
        results.append(DayPrecision(day, top_k, detected))
        known.update(detected)
    return results


def open_cases(cards: DataFrame, detections: DataFrame) -> DataFrame:
    """``tx_day`` and ``cards``: the number of compromised cards per day that were not detected on an earlier day.

    ``cards`` are those of ``cards_of_days``; ``detections`` has ``customer_id`` and ``detected_on``, few rows.
    """
    detected = F.broadcast(detections.withColumnRenamed("customer_id", "_card"))
    is_detected = (F.col("customer_id") == F.col("_card")) & (F.col("detected_on") < F.col("tx_day"))
    unknown = cards.where(F.col("is_fraud") == 1).join(detected, is_detected, "left_anti")
    return unknown.groupBy("tx_day").agg(F.count(F.lit(1)).alias("cards"))


def scenario_cases(scored: DataFrame, detections: DataFrame) -> DataFrame:
    """``fraud_scenario``, ``cases`` and ``detected``: compromised cards and days by kind of fraud.

    A case is a card with a fraud of the scenario on a day on which it had not been detected before; it is detected when
    the card is on that day. ``detections`` has ``customer_id`` and ``detected_on``, few rows.
    """
    frauds = scored.where(F.col("is_fraud") == 1).select("tx_day", "customer_id", "fraud_scenario").distinct()
    joined = frauds.join(F.broadcast(detections), "customer_id", "left")
    is_open = F.col("detected_on").isNull() | (F.col("detected_on") >= F.col("tx_day"))
    is_found = F.coalesce(F.col("detected_on") == F.col("tx_day"), F.lit(False))
    counted = joined.where(is_open).groupBy("fraud_scenario")
    return counted.agg(F.count(F.lit(1)).alias("cases"), F.count_if(is_found).alias("detected"))
