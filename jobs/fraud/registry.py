"""Which models there are, and what a task needs of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError, InputMissingError
from common.lake.models import ModelStore
from jobs.fraud.scoring import ModelPayload
from jobs.fraud.tables import FEATURES, MODELS

if TYPE_CHECKING:
    from common.context import RunContext

_ALGORITHMS = ("logistic_regression", "xgboost")


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
    """The model of ``version``, checked.

    Raises InputMissingError MOD-002 (unknown version), ContractError MOD-003 (changed files), FRD-024 (it asks for
    features that the table does not have, or is of an unknown algorithm).
    """
    stored = ModelStore(context.objects, "fraud").load(version)
    features = tuple(str(name) for name in stored.card.get("features", ()))
    algorithm = str(stored.card.get("algorithm"))
    unknown = [name for name in features if name not in FEATURES]
    if unknown or not features or algorithm not in _ALGORITHMS:
        raise ContractError(
            "FRD-024",
            f"The model {version} does not fit this release of the jobs.",
            cause=f"Algorithm {algorithm}; features that do not exist: {', '.join(unknown) or 'none'}.",
            remedy="Train a model with this release, or score with the release that trained it.",
        )
    return ModelPayload(version, algorithm, features, stored.files)


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
