"""The body of fraud.score: scores by day, alerts within the budget, exact reasons for the alerts only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import InputMissingError
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from jobs.fraud.scoring.alerts import ALERT, alerted_transactions, with_decisions
from jobs.fraud.scoring.params import ScoreParams
from jobs.fraud.scoring.registry import check_not_later, latest_version, load_payload
from jobs.fraud.scoring.report import write_report
from jobs.fraud.scoring.steps import with_reasons, with_scores
from jobs.fraud.scoring.tables import SCORES
from jobs.fraud.training.moments import moment_text
from jobs.fraud.velocity.carried import check_carried
from jobs.fraud.velocity.tables import FEATURE_ROWS

if TYPE_CHECKING:
    from datetime import datetime

    from pyspark import Broadcast
    from pyspark.sql import DataFrame

    from common.run.context import RunContext
    from jobs.fraud.scoring.steps import ModelPayload

_KEPT = ("transaction_id", "tx_datetime", "tx_day", "customer_id", "terminal_id", "tx_amount")


def run(context: RunContext) -> None:
    """One run of fraud.score.

    Raises InputMissingError FRD-006 (no features), FRD-007 (no model yet), FRD-028 (features without free columns
    that the model takes), MOD-002 (unknown version), ContractError MOD-003, MOD-004 and FRD-024 (a model that must
    not be used), UsageError FRD-026 (a model that knows later labels).
    """
    params = context.params_as(ScoreParams)
    is_latest = params.model == "latest"
    payload = load_payload(context, latest_version(context, params.algorithm) if is_latest else params.model)
    later = None if is_latest else check_not_later(context, payload.version, is_allowed=params.allow_later_model)
    if later is not None:
        _warn_of_later_model(context, payload.version, later)
    features = context.lake.read(FEATURE_ROWS, days=context.days)
    model = context.spark.sparkContext.broadcast(payload)
    try:
        _score(context, params, features, model)
    finally:
        model.destroy()


def _warn_of_later_model(context: RunContext, version: str, known_by: datetime) -> None:
    context.log.warning("scores leak: %s was trained on labels known by %s", version, moment_text(known_by))
    context.counts.detail("scored_by_later_model", 1)
    context.report.headline(
        "Scores leak later labels", "yes", f"The model was trained on labels known by {moment_text(known_by)}"
    )


def _publish_nothing(context: RunContext) -> None:
    """Take away the scores of days whose transactions are all gone."""
    with context.lake.stage(SCORES, few_rows(context.spark, [], SCORES.schema)) as staged:
        written = context.lake.replace_days(pass_gate(context, staged), days=context.days)
    context.counts.add(rows_read=0, rows_written=written.rows_written)


def _score(context: RunContext, params: ScoreParams, features: DataFrame, model: Broadcast[ModelPayload]) -> None:
    # Counted from the input: what is written must be as many.
    number = features.count()
    if number == 0 and context.is_changed:
        _publish_nothing(context)
        return
    if number == 0:
        raise InputMissingError(
            "FRD-006",
            f"There are no features on {context.days}.",
            remedy="Run fraud.features for these days, or choose others.",
        )
    check_carried(features, model.value.free_columns, context.days, f"the model {model.value.version}")
    with context.lake.stage(SCORES, with_scores(features, model, keep=_KEPT)) as scored:
        alerted = alerted_transactions(
            scored.rows, alerts_per_day=params.alerts_per_day, lowest_score=params.lowest_alert_score
        )
        decided = with_decisions(scored.rows, alerted)
        keys = decided.where(F.col("decision") == ALERT).select("transaction_id", "tx_day")
        flagged = features.join(F.broadcast(keys), ["transaction_id", "tx_day"], "left_semi")
        reasons = with_reasons(flagged, model, keep=("transaction_id", "tx_day"), reasons=params.reasons)
        complete = decided.join(F.broadcast(reasons), ["transaction_id", "tx_day"], "left")
        version = F.lit(model.value.version).alias("model_version")
        names = [name for name in SCORES.schema.names if name != "model_version"]
        with context.lake.stage(SCORES, complete.select(*names, version)) as staged:
            audited = pass_gate(context, staged)
            context.report.audit(audited.result)
            written = context.lake.replace_days(audited, days=context.days)
            write_report(context, params, staged.rows, model.value.version)
    context.counts.add(rows_read=number, rows_written=written.rows_written)
