"""The report of a scoring: how many alerts, how sure they are, and why they were raised."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.report.wording import format_number, plural
from jobs.fraud.scoring.alerts import ALERT, LINKED
from jobs.fraud.velocity.free_features import free_column, public_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from common.run.context import RunContext
    from jobs.fraud.scoring.params import ScoreParams

_EDGES = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_SHOWN = 20


def write_report(context: RunContext, params: ScoreParams, rows: DataFrame, version: str) -> None:
    """Fill the run's report from staged rows of ``fraud.scores``: aggregates, and alerts without the customer."""
    is_alert = F.col("decision") == ALERT
    by_day = (
        rows.groupBy("tx_day")
        .agg(
            F.count(F.lit(1)).alias("transactions"),
            F.count_if(is_alert).alias("alerts"),
            F.count_if(F.col("decision") == LINKED).alias("linked"),
            F.min(F.when(is_alert, F.col("score"))).alias("lowest"),
            F.sum(F.when(is_alert, F.col("tx_amount"))).alias("amount"),
        )
        .orderBy("tx_day")
        .collect()
    )
    alerts = sum(row["alerts"] for row in by_day)
    report = context.report
    report.headline("Alerts", f"{alerts:,}", f"budget: {plural(params.alerts_per_day, 'card')} per day")
    report.headline("Transactions scored", f"{sum(row['transactions'] for row in by_day):,}", str(context.days))
    report.headline("Amount behind the alerts", f"{sum(row['amount'] or 0 for row in by_day):,.2f}")
    report.headline("Model", version)
    table = [
        (
            row["tx_day"],
            row["transactions"],
            row["alerts"],
            row["linked"],
            "-" if row["lowest"] is None else f"{row['lowest']:.3f}",
        )
        for row in by_day
    ]
    columns = ("day", "transactions", "alerts", "linked", "lowest score of an alert")
    report.table("Days", columns, table, note="Linked: other transactions of an alerted card on that day.")
    _scores(context, rows)
    _reasons(context, rows.where(is_alert))
    _alerts(context, rows.where(is_alert))


def _scores(context: RunContext, rows: DataFrame) -> None:
    bins = [
        F.count_if((F.col("score") >= low) & ((F.col("score") < high) | F.lit(high == 1.0))).alias(f"bin_{low}")
        for low, high in itertools.pairwise(_EDGES)
    ]
    found = rows.agg(*bins).first()
    counts = [int(value) for value in found] if found is not None else []
    high = sum(count for low, count in zip(_EDGES, counts, strict=False) if low >= 0.5)
    context.report.histogram(
        "Scores",
        _EDGES,
        counts,
        value_name="probability of fraud",
        count_name="transactions",
        text_alternative=f"{counts[0]:,} of {sum(counts):,} transactions score below 1 %, {high:,} at 50 % or more.",
    )


def _reasons(context: RunContext, alerts: DataFrame) -> None:
    first = alerts.where(F.size("reasons") > 0).groupBy(F.col("reasons")[0]["feature"].alias("feature")).count()
    counted: Counter[str] = Counter()
    for row in first.collect():
        counted[public_name(row["feature"])] += row["count"]
    found = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    if found:
        context.report.bars(
            "First reasons of the alerts",
            [name for name, _ in found],
            [count for _, count in found],
            label_name="feature",
            unit="alerts",
            text_alternative=f"The most frequent first reason is {found[0][0]}, for {plural(found[0][1], 'alert')}.",
        )


def _reason(reason: Row) -> str:
    """A reason with its value; free columns are personal, so theirs stand in the table alone."""
    name = public_name(reason["feature"])
    return name if free_column(reason["feature"]) else f"{name} = {format_number(reason['value'])}"


def _alerts(context: RunContext, alerts: DataFrame) -> None:
    columns = ("tx_day", "card_rank", "score", "transaction_id", "terminal_id", "tx_amount", "reasons")
    top = alerts.orderBy("card_rank", "tx_day").select(*columns).limit(_SHOWN).collect()
    table = [
        (
            row["tx_day"],
            row["card_rank"],
            f"{row['score']:.3f}",
            row["transaction_id"],
            row["terminal_id"],
            f"{row['tx_amount']:.2f}",
            "; ".join(map(_reason, row["reasons"] or [])),
        )
        for row in top
    ]
    names = ("day", "rank", "score", "transaction", "terminal", "amount", "why")
    context.report.table(
        "The most suspicious cards", names, table, note="Customers are only in the table fraud.scores."
    )
