"""The body of fraud.train: labelled rows, one model for each algorithm, its files and card, its row in the register."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from pyspark.sql import functions as F

from common.errors import InputMissingError
from common.few_rows import few_rows
from common.lake.models import ModelStore
from common.quality import pass_gate
from jobs.fraud.classifiers import TrainedModel, check_classes, check_finite, fit
from jobs.fraud.cluster_training import fit_on_cluster
from jobs.fraud.scaling import matrix_of
from jobs.fraud.settings import TrainParams
from jobs.fraud.splits import labelled, training_labels
from jobs.fraud.tables import FEATURE_ROWS, FEATURES, LABELS, MODELS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.context import RunContext


def run(context: RunContext) -> None:
    """One run of fraud.train.

    Raises InputMissingError FRD-006 (no features on the days), ContractError FRD-020 (too few rows of a class) and
    FRD-021 (values that are not finite).
    """
    params = context.params_as(TrainParams)
    features = context.lake.read(FEATURE_ROWS, days=context.days)
    labels = context.lake.read(LABELS, days=context.days)
    # A run of today and one of next year train on the same labels: those known when the model was needed.
    known_by = datetime.combine(context.days.last + timedelta(days=params.label_delay_days + 1), time())
    rows = labelled(features, training_labels(labels, known_by=str(known_by)))
    rows = rows.select("transaction_id", "is_fraud", *FEATURES).cache()
    try:
        models, number, frauds = _train(context, params, rows)
    finally:
        rows.unpersist()
    versions = [_store(context, params, model, number, frauds) for model in models]
    _register(context, models, versions, number, frauds)
    _report(context, models, versions, number, frauds)


def _train(context: RunContext, params: TrainParams, rows: DataFrame) -> tuple[list[TrainedModel], int, int]:
    facts = rows.agg(F.count(F.lit(1)).alias("rows"), F.sum("is_fraud").alias("frauds")).first()
    number, frauds = (int(facts["rows"]), int(facts["frauds"] or 0)) if facts is not None else (0, 0)
    if number == 0:
        raise InputMissingError(
            "FRD-006",
            f"There are no features on {context.days}.",
            remedy="Run fraud.features for these days, or ask for others.",
        )
    check_classes(number, frauds, smallest_class_rows=params.smallest_class_rows)
    context.counts.detail("training_rows", number)
    context.counts.detail("training_frauds", frauds)
    if number > params.driver_rows_limit:
        context.log.info("%d rows: more than driver_rows_limit, training on the cluster", number)
        return [fit_on_cluster(algorithm, rows, FEATURES, params) for algorithm in params.algorithms], number, frauds
    # In the order of their ids: sums of floats, and with them the model's hash, depend on the order.
    table = to_arrow(rows).sort_by("transaction_id")
    values = matrix_of(table, FEATURES)
    check_finite(values, FEATURES)
    truth = np.asarray(table.column("is_fraud").to_numpy(), dtype=float)
    return [fit(algorithm, values, truth, FEATURES, params) for algorithm in params.algorithms], number, frauds


def to_arrow(rows: DataFrame) -> Any:
    """``rows``, known to be few enough, as a pyarrow table on the driver."""
    if hasattr(rows, "toArrow"):
        return rows.toArrow()
    # Spark 3.5 hands Arrow batches out as pandas only.
    import pyarrow

    return pyarrow.Table.from_pandas(rows.toPandas(), preserve_index=False)


def _store(context: RunContext, params: TrainParams, model: TrainedModel, number: int, frauds: int) -> str:
    version = f"{model.algorithm}-{context.days.last:%Y%m%d}-{model.sha256[:12]}"
    card = {
        "algorithm": model.algorithm,
        "sha256": model.sha256,
        "features": list(model.features),
        "train_first_day": str(context.days.first),
        "train_last_day": str(context.days.last),
        "label_delay_days": params.label_delay_days,
        "rows": number,
        "frauds": frauds,
        "trainer": model.trainer,
        "settings": params.model_dump(mode="json"),
        "effective": model.effective,
        "run_id": context.run_id,
        "code_version": context.code_version,
        "input_versions": dict(context.lake.versions_read),
    }
    is_new = ModelStore(context.objects, "fraud").save(version, model.files, card)
    context.log.info("model %s %s", version, "stored" if is_new else "was there already")
    return version


def _register(
    context: RunContext, models: Sequence[TrainedModel], versions: Sequence[str], number: int, frauds: int
) -> None:
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
            number,
            frauds,
            model.sha256,
            model.trainer,
            context.started_at,
        )
        for model, version in zip(models, versions, strict=True)
        if version not in known
    ]
    if rows:
        with context.lake.stage(MODELS, few_rows(context.spark, rows, MODELS.schema)) as staged:
            context.lake.upsert(pass_gate(context, staged))
    context.counts.add(rows_read=len(models), rows_written=len(rows), rows_deduplicated=len(models) - len(rows))


def _report(
    context: RunContext, models: Sequence[TrainedModel], versions: Sequence[str], number: int, frauds: int
) -> None:
    report = context.report
    report.headline("Training rows", f"{number:,}", str(context.days))
    report.headline("Frauds", f"{frauds:,}", f"{frauds / number:.2%} of all")
    table = [
        (version, model.effective["library"], model.trainer, model.sha256[:12])
        for model, version in zip(models, versions, strict=True)
    ]
    report.table(
        "Models",
        ("version", "library", "trained on the", "hash"),
        table,
        note="Each version has a card with every setting that was in effect, library defaults included.",
    )
