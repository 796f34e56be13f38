"""The evaluation of a model on a test: from scored rows to a handful of figures.

There are two recalls. A case is a compromised card on a day, until the card is detected: ``case_recall`` is the
share of cases detected on their day. ``cards_detected`` is the share of compromised cards detected by the end of the
test; a card that is missed on one day and found on the next counts fully here and half there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.spark.few_rows import few_rows
from jobs.fraud.evaluation.metrics import (
    CardDay,
    DayPrecision,
    auc_roc,
    average_precision,
    card_precision_at_k,
    cards_of_days,
    open_cases,
    scenario_cases,
    score_counts,
    top_cards,
)

BUDGETS = (1, 2, 5, 10, 25, 50, 100, 200)


@dataclass(frozen=True)
class MeasuredRows:
    """The rows on which all compared models are measured, and those left out because their card was known by then.

    A card left out may be among ``cards`` too, with rows before its fraud was known. ``known_from`` is the earliest
    training day of the models: frauds from it on make a card known.
    """

    rows: int
    cards: int
    frauds: int
    rows_left_out: int
    cards_left_out: int
    known_from: date


@dataclass(frozen=True)
class Evaluation:
    """The figures of one model on ``rows`` scored rows.

    ``budgets``: k -> (card precision, share of the compromised cards detected).
    """

    rows: int
    frauds: int
    compromised_cards: int
    auc_roc: float
    average_precision: float
    days: Sequence[DayPrecision]
    open_cases: dict[date, int]
    scenarios: dict[int, tuple[int, int]]
    budgets: dict[int, tuple[float, float]]

    @property
    def card_precision(self) -> float:
        """Mean of the days' card precisions."""
        return sum(day.precision for day in self.days) / len(self.days)

    @property
    def case_recall(self) -> float:
        """Detected cards as a share of the cases that could be detected, over all days."""
        cases = sum(self.open_cases.values())
        return self._detected / cases if cases else 0.0

    @property
    def cards_detected(self) -> float:
        """Detected cards as a share of the compromised cards, by the end of the test."""
        return self._detected / self.compromised_cards if self.compromised_cards else 0.0

    @property
    def _detected(self) -> int:
        return sum(len(day.detected) for day in self.days)

    def metric_rows(self, top_k: int) -> list[tuple[str, str, float, int]]:
        """``metric, segment, value, support`` as ``fraud.evaluations`` keeps them."""
        precision, recall = f"card_precision_at_{top_k}", f"case_recall_at_{top_k}"
        found = [
            ("auc_roc", "all", self.auc_roc, self.rows),
            ("average_precision", "all", self.average_precision, self.rows),
            (precision, "all", self.card_precision, len(self.days)),
            (recall, "all", self.case_recall, sum(self.open_cases.values())),
            (f"cards_detected_at_{top_k}", "all", self.cards_detected, self.compromised_cards),
        ]
        for day in self.days:
            found.append((precision, f"day={day.day}", day.precision, day.top_k))
        for scenario, (cases, detected) in sorted(self.scenarios.items()):
            found.append((recall, f"scenario={scenario}", detected / cases, cases))
        return found


def evaluate(scored: DataFrame, *, top_k: int) -> Evaluation:
    """The figures of ``scored``: ``tx_day, customer_id, score, is_fraud, fraud_scenario``; known cards are left out.

    Reads ``scored`` several times: cache it. Raises ValueError when it has no rows.
    """
    counts = [(row["score"], row["frauds"], row["rows"]) for row in score_counts(scored).collect()]
    if not counts:
        raise ValueError("a test needs rows")
    cards = cards_of_days(scored)
    test_days = [row["tx_day"] for row in scored.select("tx_day").distinct().collect()]
    top = [
        CardDay(row["tx_day"], row["customer_id"], row["score"], bool(row["is_fraud"]))
        for row in top_cards(cards, top_k=top_k, days=len(test_days)).collect()
    ]
    days = card_precision_at_k(top, top_k=top_k)
    detections = _detections(scored, days)
    cases = {row["tx_day"]: row["cards"] for row in open_cases(cards, detections).collect()}
    scenarios = {
        row["fraud_scenario"]: (row["cases"], row["detected"]) for row in scenario_cases(scored, detections).collect()
    }
    compromised = cards.where("is_fraud = 1").select("customer_id").distinct().count()
    budgets = {}
    for k in sorted({*(k for k in BUDGETS if k <= top_k), top_k}):
        results = card_precision_at_k(top, top_k=k)
        detected = sum(len(day.detected) for day in results)
        mean = sum(day.precision for day in results) / len(results)
        budgets[k] = (mean, detected / compromised if compromised else 0.0)
    return Evaluation(
        rows=sum(rows for _, _, rows in counts),
        frauds=sum(frauds for _, frauds, _ in counts),
        compromised_cards=compromised,
        auc_roc=auc_roc(counts),
        average_precision=average_precision(counts),
        days=days,
        open_cases=cases,
        scenarios=scenarios,
        budgets=budgets,
    )


def counted(rows: DataFrame) -> tuple[int, int, int]:
    """Rows, cards and frauds of labelled ``rows``."""
    found = rows.agg(
        F.count(F.lit(1)).alias("rows"),
        F.countDistinct("customer_id").alias("cards"),
        F.sum("is_fraud").alias("frauds"),
    ).first()
    return (int(found["rows"]), int(found["cards"]), int(found["frauds"] or 0)) if found is not None else (0, 0, 0)


def rows_of_known_cards(test: DataFrame, spells: DataFrame) -> DataFrame:
    """The rows of ``test`` that ``without_known_cards`` drops, found independently: both must add up to ``test``."""
    spell = F.struct("first_day", "last_day")
    joined = test.join(spells.groupBy("customer_id").agg(F.collect_list(spell).alias("_spells")), "customer_id")

    def is_on_its_day(one: Column) -> Column:
        is_over = F.coalesce(F.datediff("tx_day", one["last_day"]) > 0, F.lit(False))
        return (F.datediff("tx_day", one["first_day"]) >= 0) & ~is_over

    return joined.where(F.exists("_spells", is_on_its_day)).select(*test.columns)


def _detections(scored: DataFrame, days: Sequence[DayPrecision]) -> DataFrame:
    found = [(card, day.day) for day in days for card in day.detected]
    return few_rows(scored.sparkSession, found, "customer_id string, detected_on date")
