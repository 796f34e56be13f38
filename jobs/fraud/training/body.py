"""The body of fraud.train: labelled rows, one model for each algorithm, its files and card, its row in the register."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import functions as F

from common.errors import InputMissingError
from common.lake.model_store import ModelStore
from common.run.gate import pass_gate
from common.sources.mapping.free_columns import EXTRA_MAPS
from common.spark.few_rows import few_rows
from jobs.fraud.training.classifiers import TrainedModel, check_classes, check_finite, fit
from jobs.fraud.training.cluster import fit_on_cluster
from jobs.fraud.training.moments import check_ripe, moment_text, ripe_at
from jobs.fraud.training.params import TrainParams
from jobs.fraud.training.scaling import matrix_of
from jobs.fraud.training.splits import labelled, training_labels
from jobs.fraud.training.tables import MODELS
from jobs.fraud.training.vocabulary import carried_names, features_of, frequent_values
from jobs.fraud.transactions.tables import LABELS
from jobs.fraud.velocity.carried import check_carried
from jobs.fraud.velocity.free_features import column_names, feature_columns, free_column
from jobs.fraud.velocity.tables import FEATURE_ROWS, FEATURES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.run.context import RunContext


@dataclass(frozen=True)
class Training:
    """What was trained: the models, the rows and frauds that they were fitted on, and by when (UTC) labels were known.

    ``is_unripe`` is true when the label delay had not passed by then.
    """

    models: Sequence[TrainedModel]
    rows: int
    frauds: int
    labels_known_by: datetime
    is_unripe: bool


def run(context: RunContext) -> None:
    """One run of fraud.train.

    Raises InputMissingError FRD-006 (no features on the days), FRD-027 (their label delay has not passed), FRD-028
    (a free column is not among the features), ContractError FRD-020 (too few rows of a class), FRD-021 (values that
    are not finite), JobFailedError RUN-001 (rows were lost between features and fit; nothing is stored).
    """
    params = context.params_as(TrainParams)
    # A run of today and one of next year train on the same labels: those known when the model was needed.
    ripe = ripe_at(context.days.last, label_delay_days=params.label_delay_days)
    known_by = min(ripe, context.started_at)
    check_ripe(context, params.label_delay_days, is_allowed=params.allow_unripe_labels, what="train")
    features = context.lake.read(FEATURE_ROWS, days=context.days)
    number = features.count()
    if number == 0:
        raise InputMissingError(
            "FRD-006",
            f"There are no features on {context.days}.",
            remedy="Run fraud.features for these days, or choose others.",
        )
    labels = context.lake.read(LABELS, days=context.days)
    rows = labelled(features, training_labels(labels, known_by=str(known_by)))
    rows = rows.select("transaction_id", "tx_day", "is_fraud", *FEATURES, *EXTRA_MAPS).cache()
    try:
        models, fitted, frauds = _train(context, params, rows)
    finally:
        rows.unpersist()
    training = Training(models, fitted, frauds, known_by, known_by < ripe)
    # Checked before anything is stored: no model may be stored that was fitted on only part of the rows.
    context.counts.add(rows_read=number, rows_written=fitted)
    context.counts.check()
    versions = [_store(context, params, model, training) for model in models]
    _register(context, training, versions)
    _report(context, params, training, versions)


def _train(context: RunContext, params: TrainParams, rows: DataFrame) -> tuple[list[TrainedModel], int, int]:
    """The models, and how many rows and frauds they were fitted on."""
    facts = rows.agg(
        F.count(F.lit(1)).alias("rows"), F.sum("is_fraud").alias("frauds"), carried_names().alias("carried")
    ).first()
    number, frauds = (int(facts["rows"]), int(facts["frauds"] or 0)) if facts is not None else (0, 0)
    check_classes(number, frauds, smallest_class_rows=params.smallest_class_rows)
    features = (*FEATURES, *_free_features(context, params, rows, facts["carried"] if facts is not None else []))
    names = column_names(features)
    rows = rows.select("transaction_id", "tx_day", "is_fraud", *feature_columns(features))
    if number > params.driver_rows_limit:
        context.log.info("%d rows: more than driver_rows_limit, training on the cluster", number)
        return [fit_on_cluster(algorithm, rows, features, params) for algorithm in params.algorithms], number, frauds
    # Sorted by id: sums of floats, and so the model's hash, depend on the order.
    table = to_arrow(rows).sort_by([("transaction_id", "ascending"), ("tx_day", "ascending")])
    values = matrix_of(table, names)
    check_finite(values, features)
    truth = np.asarray(table.column("is_fraud").to_numpy(), dtype=float)
    models = [fit(algorithm, values, truth, features, params) for algorithm in params.algorithms]
    return models, len(truth), int(truth.sum())


def _free_features(context: RunContext, params: TrainParams, rows: DataFrame, carried: list[str]) -> list[str]:
    """The features of free columns; warns of a column that gives none."""
    names = carried if params.extra_features is None else sorted(set(params.extra_features))
    if not names:
        return []
    check_carried(rows, names, context.days, "the training")
    # Safe to collect: one row for each number, and most_categories for each category.
    frequent = frequent_values(rows, names, params).collect()
    found = features_of((row["kind"], row["name"], row["value"]) for row in frequent)
    without = [name for name in names if name not in map(free_column, found)]
    if without:
        context.warn(f"the model does not take {', '.join(without)}: too few rows have a value")
    return found


def to_arrow(rows: DataFrame) -> Any:
    """``rows``, known to be few enough, as a pyarrow table on the driver."""
    if hasattr(rows, "toArrow"):
        return rows.toArrow()
    # Spark 3.5 hands Arrow batches out as pandas only.
    import pyarrow

    return pyarrow.Table.from_pandas(rows.toPandas(), preserve_index=False)


def _store(context: RunContext, params: TrainParams, model: TrainedModel, training: Training) -> str:
    version = f"{model.algorithm}-{context.days.last:%Y%m%d}-{model.sha256[:12]}"
    card = {
        "algorithm": model.algorithm,
        "sha256": model.sha256,
        "features": list(model.features),
        "train_first_day": str(context.days.first),
        "train_last_day": str(context.days.last),
        "label_delay_days": params.label_delay_days,
        "labels_known_by": training.labels_known_by.isoformat(),
        "rows": training.rows,
        "frauds": training.frauds,
        "trainer": model.trainer,
        "settings": params.model_dump(mode="json"),
        "effective": model.effective,
        "run_id": context.run_id,
        "code_version": context.code_version,
        "input_versions": dict(context.lake.versions_read),
    }
    is_new = ModelStore(context.objects, "fraud").save(version, model.files, card)
    context.log.info("model %s %s", version, "stored" if is_new else "was already stored")
    return version


def _register(context: RunContext, training: Training, versions: Sequence[str]) -> None:
    known: set[str] = set()
    if context.lake.exists(MODELS):
        held = context.lake.read(MODELS).where(F.col("model_version").isin(list(versions)))
        known = {row["model_version"] for row in held.select("model_version").collect()}
    rows = [
        (
            version,
            model.algorithm,
            context.days.first,
            context.days.last,
            training.rows,
            training.frauds,
            model.sha256,
            model.trainer,
            context.started_at,
            training.labels_known_by,
        )
        for model, version in zip(training.models, versions, strict=True)
        if version not in known
    ]
    if rows:
        with context.lake.stage(MODELS, few_rows(context.spark, rows, MODELS.schema)) as staged:
            context.lake.upsert(pass_gate(context, staged))
    context.counts.detail("training_frauds", training.frauds)
    context.counts.detail("models", len(versions))
    context.counts.detail("new_models", len(rows))


def _report(context: RunContext, params: TrainParams, training: Training, versions: Sequence[str]) -> None:
    report = context.report
    report.headline("Training rows", f"{training.rows:,}", str(context.days))
    report.headline("Frauds", f"{training.frauds:,}", f"{training.frauds / training.rows:.2%} of all")
    report.headline(
        "Labels known by",
        moment_text(training.labels_known_by),
        "Start of the run, before the label delay had passed: frauds without a report count as honest"
        if training.is_unripe
        else f"{params.label_delay_days} days after the last training day; scoring and tests start then",
    )
    table = [
        (version, model.effective["library"], model.trainer, model.sha256[:12])
        for model, version in zip(training.models, versions, strict=True)
    ]
    taken = list(dict.fromkeys(name for name in map(free_column, training.models[0].features) if name))
    if taken:
        report.headline("Free columns", str(len(taken)), ", ".join(taken))
    report.table(
        "Models",
        ("version", "library", "trained on the", "hash"),
        table,
        note=(
            "Each version has a card with every setting in effect, library defaults included. "
            + _trainer_note(training.models, params)
        ),
    )


def _trainer_note(models: Sequence[TrainedModel], params: TrainParams) -> str:
    trainers = {model.trainer for model in models}
    if trainers == {"driver"}:
        return f"Trained on the driver; xgboost found splits by the method {params.tree_method}."
    return (
        f"Trained on the cluster; xgboost found splits by hist, with up to {params.max_bin} bins per feature. "
        "Scores differ from those of a model trained on the driver."
    )
