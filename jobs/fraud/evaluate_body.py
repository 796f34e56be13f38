"""The body of fraud.evaluate: each model on the days of the test, beside published rows where there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import ContractError, InputMissingError, UsageError
from common.few_rows import few_rows
from common.report.wording import plural
from jobs.fraud.evaluate_report import write_report
from jobs.fraud.evaluation import Evaluation, evaluate
from jobs.fraud.registry import Registered, load_payload, trained_before
from jobs.fraud.scoring import with_scores
from jobs.fraud.settings import EvaluateParams
from jobs.fraud.splits import defrauded_cards, known_days, labelled, training_labels, without_known_cards
from jobs.fraud.tables import EVALUATIONS, FEATURE_ROWS, LABELS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.context import RunContext

_KEPT = ("transaction_id", "tx_day", "customer_id", "is_fraud", "fraud_scenario")


def run(context: RunContext) -> None:
    """One run of fraud.evaluate.

    Raises InputMissingError FRD-006 (no features), FRD-008 (no model to evaluate), UsageError FRD-023 (a model was
    trained too late for the test), ContractError FRD-022 (the test holds a single class).
    """
    params = context.params_as(EvaluateParams)
    models = _models(context, params)
    features = context.lake.read(FEATURE_ROWS, days=context.days)
    test = labelled(features, training_labels(context.lake.read(LABELS, days=context.days))).cache()
    try:
        _check_test(context, test)
        found = {model.version: _evaluated(context, params, model, test) for model in models}
    finally:
        test.unpersist()
    rows = [
        (version, context.days.first, context.days.last, *metric)
        for version, result in found.items()
        for metric in result.metric_rows(params.top_k)
    ]
    context.lake.upsert(EVALUATIONS, few_rows(context.spark, rows, EVALUATIONS.schema))
    context.counts.add(rows_read=len(rows), rows_written=len(rows))
    write_report(context, params, models, found)


def _models(context: RunContext, params: EvaluateParams) -> list[Registered]:
    last_usable = context.days.extended(before_days=params.label_delay_days).first
    usable = trained_before(context, last_usable)
    if not params.models:
        if not usable:
            raise InputMissingError(
                "FRD-008",
                f"There is no model to evaluate on {context.days}.",
                cause=f"None was trained on days before {last_usable}, "
                f"{plural(params.label_delay_days, 'day')} before the test.",
                remedy="Train one with fraud.train on earlier days, or evaluate later days.",
            )
        return usable
    known = {model.version: model for model in usable}
    for version in params.models:
        load_payload(context, version)
        if version not in known:
            raise UsageError(
                "FRD-023",
                f"The model {version} cannot be tested on {context.days}.",
                cause=f"Its training reaches into the {plural(params.label_delay_days, 'day')} before the test.",
                remedy="Test it on later days: on these its labels would tell it what it should guess.",
            )
    return [known[version] for version in params.models]


def _check_test(context: RunContext, test: DataFrame) -> None:
    facts = test.agg(F.count(F.lit(1)).alias("rows"), F.sum("is_fraud").alias("frauds")).first()
    rows, frauds = (int(facts["rows"]), int(facts["frauds"] or 0)) if facts is not None else (0, 0)
    if rows == 0:
        raise InputMissingError(
            "FRD-006",
            f"There are no features on {context.days}.",
            remedy="Run fraud.features for these days, or ask for others.",
        )
    if frauds in (0, rows):
        raise ContractError(
            "FRD-022",
            f"The test of {context.days} holds a single class.",
            cause=f"{frauds} of {rows} transactions are reported as fraud.",
            remedy="Check that the labels of these days were taken in, or test on more days.",
        )


def _evaluated(context: RunContext, params: EvaluateParams, model: Registered, test: DataFrame) -> Evaluation:
    delay = params.label_delay_days
    known = context.lake.read(LABELS, days=known_days(model.train_days, context.days, label_delay_days=delay))
    reports = training_labels(known).where("is_fraud").select("transaction_id", F.lit(1).alias("is_fraud"))
    frauds = known.select("transaction_id", "customer_id", "tx_day").distinct().join(reports, "transaction_id", "inner")
    fair = without_known_cards(test, defrauded_cards(frauds), label_delay_days=delay)
    payload = context.spark.sparkContext.broadcast(load_payload(context, model.version))
    scored = with_scores(fair, payload, keep=_KEPT).cache()
    try:
        return evaluate(scored, top_k=params.top_k)
    finally:
        scored.unpersist()
        payload.destroy()
