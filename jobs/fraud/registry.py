"""Which models there are, and what a task needs of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError, InputMissingError
from common.lake.models import CARD, ModelStore
from jobs.fraud.scorers import DECIDING_FILES, ModelFileError, check_scores
from jobs.fraud.scoring import ModelPayload
from jobs.fraud.tables import FEATURES, MODELS

if TYPE_CHECKING:
    from common.context import RunContext

_ALGORITHMS = tuple(DECIDING_FILES)


@dataclass(frozen=True)
class Registered:
    """One row of the register."""

    version: str
    algorithm: str
    train_days: DayRange


def trained_before(context: RunContext, day: date) -> list[Registered]:
    """The models whose last training day lies before ``day``, the latest trained first, then by version."""
    if not context.lake.exists(MODELS):
        return []
    rows = context.lake.read(MODELS).where(F.col("train_last_day") < F.lit(day))
    found = rows.orderBy(F.col("train_last_day").desc(), F.col("trained_at").desc(), "model_version")
    columns = ("model_version", "algorithm", "train_first_day", "train_last_day")
    return [
        Registered(row["model_version"], row["algorithm"], DayRange(row["train_first_day"], row["train_last_day"]))
        for row in found.select(*columns).collect()
    ]


def load_payload(context: RunContext, version: str) -> ModelPayload:
    """The model of ``version``, checked: nothing of it is used unless it is what was trained, and can score.

    Raises InputMissingError MOD-002 (unknown version), ContractError MOD-003 (algorithm, features, their order or files
    differ from the card's hash, the version's name or the register), MOD-004 (no scores can be made from it), FRD-024
    (it asks for features that the table does not have, or is of an unknown algorithm).
    """
    store = ModelStore(context.objects, "fraud")
    stored = store.load(version)
    algorithm, features = stored.card.get("algorithm"), stored.card.get("features")
    if not isinstance(algorithm, str) or not isinstance(features, list) or not features:
        raise store.unusable(version, CARD, "it names no algorithm or no features")
    if not all(isinstance(name, str) for name in features) or len(set(features)) < len(features):
        raise store.unusable(version, CARD, "a feature is named twice, or is no name")
    payload = ModelPayload(version, algorithm, tuple(features), stored.files)
    _check_identity(context, store, payload, stored.card)
    unknown = [name for name in features if name not in FEATURES]
    if unknown or algorithm not in _ALGORITHMS:
        raise ContractError(
            "FRD-024",
            f"The model {version} does not fit this release of the jobs.",
            cause=f"Algorithm {algorithm}; features that do not exist: {', '.join(unknown) or 'none'}.",
            remedy="Train a model with this release, or score with the release that trained it.",
        )
    try:
        check_scores(payload.scorer(), DECIDING_FILES[algorithm])
    except ModelFileError as error:
        raise store.unusable(version, error.file, str(error)) from error
    return payload


def _check_identity(context: RunContext, store: ModelStore, payload: ModelPayload, card: Mapping[str, Any]) -> None:
    """What was loaded must hash to what the card, the version's name and, where it has a row, the register say."""
    version, found = payload.version, payload.sha256
    if card.get("sha256") != found:
        what = "algorithm, features, their order or the list of files differ from what its sha256 was made of"
        raise store.changed(version, CARD, what)
    if version.rpartition("-")[2] != found[:12]:
        raise store.changed(version, CARD, "its sha256 is not that in the name of the version")
    if not context.lake.exists(MODELS):
        return
    rows = context.lake.read(MODELS).where(F.col("model_version") == version).select("algorithm", "sha256")
    if any((row["algorithm"], row["sha256"]) != (payload.algorithm, found) for row in rows.limit(1).collect()):
        raise store.changed(version, CARD, f"its algorithm or sha256 is not that in {MODELS.name}")


def latest_version(context: RunContext, algorithm: str) -> str:
    """The newest model of ``algorithm`` that was trained before the run's days. Raises InputMissingError FRD-007."""
    models = trained_before(context, context.days.first)
    for model in models:
        if model.algorithm == algorithm:
            return model.version
    known = ", ".join(f"{model.version}" for model in models) or "none at all"
    raise InputMissingError(
        "FRD-007",
        f"No {algorithm} model was trained before {context.days.first}.",
        cause=f"Models of earlier days: {known}.",
        remedy="Train one with fraud.train, or name a version with --set model=VERSION.",
    )
