"""The body of fraud.features: windows over the days and their history, proved on a sample before they are published."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import ContractError, InputMissingError
from common.report.wording import plural
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from jobs.fraud.transactions.tables import LABELS, TRANSACTIONS
from jobs.fraud.velocity.params import FeaturesParams
from jobs.fraud.velocity.proof import compared_rows, sample_of
from jobs.fraud.velocity.tables import FEATURE_ROWS, FEATURES
from jobs.fraud.velocity.windows import build_features, history_days

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of fraud.features.

    Raises InputMissingError FRD-005 (no transactions on the days), ContractError FRD-010 (the proof finds a leak).
    """
    params = context.params_as(FeaturesParams)
    read_days = context.days.extended(before_days=history_days(params.label_delay_days))
    transactions = context.lake.read(TRANSACTIONS, days=read_days)
    labels = _labels(context).where(read_days.predicate("tx_day"))
    own, first_day = _own_rows(context, transactions)
    if own == 0:
        raise InputMissingError(
            "FRD-005",
            f"There are no transactions on {context.days}.",
            remedy="Run fraud.ingest for these days, or ask for others.",
        )
    rows = build_features(transactions, labels, days=context.days, label_delay_days=params.label_delay_days)
    with context.lake.stage(FEATURE_ROWS, rows) as staged:
        proved = _prove(context, params, staged.rows, transactions, labels)
        audited = pass_gate(context, staged)
        context.report.audit(audited.result)
        written = context.lake.replace_days(audited, days=context.days)
        _report(context, params, staged.rows, proved)
    context.counts.add(rows_read=own, rows_written=written.rows_written)
    _warn_of_short_history(context, first_day)


def _own_rows(context: RunContext, transactions: DataFrame) -> tuple[int, date | None]:
    """How many transactions the run has on its own days, and the first day of all that it reads."""
    is_own = F.expr(context.days.predicate("tx_day"))
    found = transactions.agg(F.count_if(is_own).alias("own"), F.min("tx_day").alias("first")).first()
    return (0, None) if found is None else (found["own"], found["first"])


def _labels(context: RunContext) -> DataFrame:
    if context.lake.exists(LABELS):
        return context.lake.read(LABELS)
    context.log.warning("there are no labels yet: the risk of every terminal is 0")
    return few_rows(context.spark, [], LABELS.schema)


def _prove(
    context: RunContext, params: FeaturesParams, features: DataFrame, transactions: DataFrame, labels: DataFrame
) -> int:
    """How many rows were computed again. Raises ContractError FRD-010 when one of them differs."""
    if not params.proof_rows:
        return 0
    sample = sample_of(features, rows=params.proof_rows)
    compared = compared_rows(sample, transactions, labels, label_delay_days=params.label_delay_days)
    # Not more rows than the sample has: at most proof_rows.
    leaks = [[leak["column"] for leak in row["leaks"]] for row in compared.select("leaks").collect()]
    context.counts.detail("rows_proved", len(leaks))
    if any(leaks):
        by_column = Counter(column for columns in leaks for column in columns)
        shown = "; ".join(f"{column} in {plural(number, 'row')}" for column, number in by_column.most_common())
        raise ContractError(
            "FRD-010",
            "Features differ from what was known at the time of their transaction; nothing was published.",
            cause=f"Of {plural(len(leaks), 'row')} computed again: {shown}.",
            remedy="This is a defect of the job, not of its input: report it with the run record.",
        )
    return len(leaks)


def _warn_of_short_history(context: RunContext, first_day: date | None) -> None:
    needed = context.days.extended(before_days=history_days(context.params_as(FeaturesParams).label_delay_days)).first
    if first_day is not None and first_day > needed:
        context.log.warning(
            "history begins on %s, the windows reach back to %s: early rows see less", first_day, needed
        )


def _report(context: RunContext, params: FeaturesParams, rows: DataFrame, proved: int) -> None:
    wanted = [
        function(name).alias(f"{name} {word}")
        for name in FEATURES
        for word, function in (("least", F.min), ("mean", F.avg), ("most", F.max))
    ]
    facts = rows.agg(
        F.count(F.lit(1)).alias("rows"), F.countDistinct("customer_id").alias("customers"), *wanted
    ).first()
    if facts is None:
        return
    report = context.report
    report.headline("Transactions", f"{facts['rows']:,}", f"of {plural(facts['customers'], 'customer')}")
    report.headline("Label delay", plural(params.label_delay_days, "day"), "no label is used before it was reported")
    outcome = "computed again from the raw log as of their time: no difference" if proved else "no proof was asked for"
    report.headline("Proved rows", f"{proved:,}", outcome)
    table = [(name, *(round(facts[f"{name} {word}"], 4) for word in ("least", "mean", "most"))) for name in FEATURES]
    report.table("Features", ("feature", "least", "mean", "most"), table)
