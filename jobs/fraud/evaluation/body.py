"""The body of fraud.evaluate: all models on the same test rows, next to published results if there are any."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError, InputMissingError, UsageError
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from common.spark.persisted import Persisted
from jobs.fraud.evaluation.figures import Evaluation, MeasuredRows, counted, evaluate, rows_of_known_cards
from jobs.fraud.evaluation.params import EvaluateParams
from jobs.fraud.evaluation.report import write_report
from jobs.fraud.evaluation.tables import EVALUATIONS
from jobs.fraud.scoring.registry import Registered, load_payload, named_model, trained_before
from jobs.fraud.scoring.steps import with_scores
from jobs.fraud.training.moments import check_ripe, moment_text, start_of
from jobs.fraud.training.splits import compromised_cards, known_days, labelled, training_labels, without_known_cards
from jobs.fraud.transactions.tables import LABELS
from jobs.fraud.velocity.carried import check_carried
from jobs.fraud.velocity.tables import FEATURE_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import DataFrame

    from common.lake.staging import StagedRows
    from common.run.context import RunContext

_DELETED = "_deleted"
_KEPT = ("transaction_id", "tx_day", "customer_id", "is_fraud", "fraud_scenario")


def run(context: RunContext) -> None:
    """One run of fraud.evaluate.

    Raises InputMissingError FRD-006 (no features), FRD-027 (the label delay of the days has not passed), FRD-008 (no
    model to evaluate), FRD-028 (features without free columns that a model takes), UsageError FRD-023 (a model knows
    labels of the test), ContractError FRD-022 (the test holds a single class), JobFailedError RUN-001 (rows were lost
    between features and scores; nothing is published).
    """
    params = context.params_as(EvaluateParams)
    check_ripe(context, params.label_delay_days, is_allowed=params.allow_unripe_labels, what="test")
    models = _models(context, params)
    features = context.lake.read(FEATURE_ROWS, days=context.days)
    number = features.count()
    if number == 0:
        raise InputMissingError(
            "FRD-006",
            f"There are no features on {context.days}.",
            remedy="Run fraud.features for these days, or choose others.",
        )
    kept = Persisted()
    all_rows = kept.keep(labelled(features, training_labels(context.lake.read(LABELS, days=context.days))))
    # A card known to any model is left out for all: models measured on different rows cannot be ranked.
    known_from = min(model.train_days.first for model in models)
    spells = kept.keep(_compromised(context, params, known_from))
    fair = kept.keep(without_known_cards(all_rows, spells))
    known = rows_of_known_cards(all_rows, spells)
    try:
        measured = _measured_rows(context, fair, known, known_from)
        found = {model.version: _evaluated(context, params, model, fair) for model in models}
    finally:
        kept.forget()
    _balance(context, number, measured, found.values())
    rows = [
        (version, context.days.first, context.days.last, *metric, known_from)
        for version, result in found.items()
        for metric in result.metric_rows(params.top_k)
    ]
    with context.lake.stage(EVALUATIONS, few_rows(context.spark, rows, EVALUATIONS.schema)) as staged:
        _publish(context, staged, list(found))
    write_report(context, params, models, found, measured)


def _publish(context: RunContext, staged: StagedRows, versions: Sequence[str]) -> None:
    """Put the figures in the place of those that an earlier run has left of the same models and days."""
    rows = staged.rows.withColumn(_DELETED, F.lit(False))
    if context.lake.exists(EVALUATIONS):
        same_test = (F.col("test_first_day") == F.lit(context.days.first)) & (
            F.col("test_last_day") == F.lit(context.days.last)
        )
        before = context.lake.read(EVALUATIONS).where(F.col("model_version").isin(*versions) & same_test)
        gone = before.join(staged.rows.select(*EVALUATIONS.keys), list(EVALUATIONS.keys), "left_anti")
        rows = rows.unionByName(gone.select(*staged.rows.columns).withColumn(_DELETED, F.lit(True)))
    context.lake.upsert(pass_gate(context, staged, rows, deleted=_DELETED))


def _models(context: RunContext, params: EvaluateParams) -> list[Registered]:
    begins = start_of(context.days.first)
    if not params.models:
        usable = trained_before(context, context.days.first)
        if not usable:
            raise InputMissingError(
                "FRD-008",
                f"There is no model to evaluate on {context.days}.",
                cause=f"No model's labels were known by {moment_text(begins)}, when the test begins.",
                remedy="Train one with fraud.train on earlier days, or evaluate later days.",
            )
        return usable
    named = []
    for version in dict.fromkeys(params.models):
        load_payload(context, version)
        model = named_model(context, version)
        if model.labels_known_by > begins:
            raise UsageError(
                "FRD-023",
                f"The model {version} cannot be tested on {context.days}.",
                cause=f"It was trained on labels known by {moment_text(model.labels_known_by)}, after the test begins.",
                remedy="Test it on later days: here its labels would give the answers away.",
            )
        named.append(model)
    return named


def _compromised(context: RunContext, params: EvaluateParams, known_from: date) -> DataFrame:
    """``compromised_cards`` by frauds from ``known_from`` on, as far as they are known on the last day of the test."""
    delay = params.label_delay_days
    if known_from > context.days.last - timedelta(days=delay + 1):
        # A model trained with a shorter delay may be so recent that no labels of its days are known yet.
        labels = context.lake.read(LABELS).limit(0)
    else:
        days = known_days(DayRange.single(known_from), context.days, label_delay_days=delay)
        labels = context.lake.read(LABELS, days=days)
    return compromised_cards(labels, label_delay_days=delay)


def _measured_rows(context: RunContext, fair: DataFrame, known: DataFrame, known_from: date) -> MeasuredRows:
    rows, cards, frauds = counted(fair)
    left_out, cards_left_out, _ = counted(known)
    if frauds in (0, rows):
        raise ContractError(
            "FRD-022",
            f"The test of {context.days} has only one class.",
            cause=f"{frauds} of {rows} transactions are reported as fraud; {left_out} of known cards are left out.",
            remedy="Check that the labels of these days were ingested, or test on more days.",
        )
    return MeasuredRows(rows, cards, frauds, left_out, cards_left_out, known_from)


def _evaluated(context: RunContext, params: EvaluateParams, model: Registered, fair: DataFrame) -> Evaluation:
    loaded = load_payload(context, model.version)
    check_carried(fair, loaded.free_columns, context.days, f"the model {model.version}")
    payload = context.spark.sparkContext.broadcast(loaded)
    kept = Persisted()
    try:
        return evaluate(kept.keep(with_scores(fair, payload, keep=_KEPT)), top_k=params.top_k)
    finally:
        kept.forget()
        payload.destroy()


def _balance(context: RunContext, number: int, measured: MeasuredRows, found: Iterable[Evaluation]) -> None:
    """Every feature row was scored by every model, or left out: RUN-001 before anything is published."""
    expected = number - measured.rows_left_out
    scored = max((result.rows for result in found), key=lambda rows: abs(rows - expected))
    context.counts.add(rows_read=number, rows_written=scored, rows_filtered=measured.rows_left_out)
    context.counts.detail("test_cards", measured.cards)
    context.counts.detail("known_cards_left_out", measured.cards_left_out)
    context.counts.check()
