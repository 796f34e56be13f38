"""Which models there are, and what a task needs of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError, InputMissingError, UsageError
from common.lake.model_store import CARD, ModelStore
from jobs.fraud.scoring.scorers import DECIDING_FILES, ModelFileError, check_scores
from jobs.fraud.scoring.steps import ModelPayload
from jobs.fraud.training.moments import moment_of_card, moment_text, start_of
from jobs.fraud.training.tables import MODELS
from jobs.fraud.velocity.free_features import free_column
from jobs.fraud.velocity.tables import FEATURES

if TYPE_CHECKING:
    from common.run.context import RunContext

_ALGORITHMS = tuple(DECIDING_FILES)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Registered:
    """A model: its version, algorithm, training days, and the moment (UTC) by which its labels were known."""

    version: str
    algorithm: str
    train_days: DayRange
    labels_known_by: datetime


def trained_before(context: RunContext, day: date) -> list[Registered]:
    """The models whose labels were known by the start of ``day``, latest training day first, then last trained."""
    if not context.lake.exists(MODELS):
        return []
    rows = context.lake.read(MODELS).where(F.col("train_last_day") < F.lit(day))
    ordered = rows.orderBy(F.col("train_last_day").desc(), F.col("trained_at").desc(), "model_version")
    # As a number: Python would receive a timestamp in the local time zone of the machine.
    moment = F.unix_micros("labels_known_by").alias("moment")
    found = []
    for row in ordered.select("model_version", "algorithm", "train_first_day", "train_last_day", moment).collect():
        version, micros = row["model_version"], row["moment"]
        known_by = _moment_kept_in_card(context, version) if micros is None else _EPOCH + timedelta(microseconds=micros)
        if known_by is not None and known_by <= start_of(day):
            days = DayRange(row["train_first_day"], row["train_last_day"])
            found.append(Registered(version, row["algorithm"], days, known_by))
    return found


def _moment_kept_in_card(context: RunContext, version: str) -> datetime | None:
    """The moment from the card, for rows of an earlier release; None when no card gives it: the model is skipped."""
    stored = context.objects.get(f"{ModelStore(context.objects, 'fraud').path(version)}/{CARD}")
    try:
        card = json.loads(stored.body) if stored is not None else None
        return moment_of_card(card) if isinstance(card, dict) else None
    except (ValueError, ContractError):
        return None


def named_model(context: RunContext, version: str) -> Registered:
    """The model of ``version`` by its card.

    Raises InputMissingError MOD-002 (unknown version), ContractError MOD-003 (changed files), FRD-024 (the card lacks
    what a model needs).
    """
    card = ModelStore(context.objects, "fraud").load(version).card
    return Registered(version, str(card.get("algorithm")), _train_days(version, card), moment_of_card(card))


def _train_days(version: str, card: Mapping[str, Any]) -> DayRange:
    try:
        first, last = (date.fromisoformat(str(card[name])) for name in ("train_first_day", "train_last_day"))
        return DayRange(first, last)
    except (KeyError, ValueError, UsageError) as error:
        raise ContractError(
            "FRD-024",
            f"The model {version} does not fit this release of the jobs.",
            cause="Its card does not say on which days it was trained.",
            remedy="Train a model with this release, or score with the release that trained it.",
        ) from error


def check_not_later(context: RunContext, version: str, *, is_allowed: bool) -> datetime | None:
    """None for a model whose labels were known by the start of the run's days, otherwise the moment of its labels.

    Raises UsageError FRD-026 for such a later model unless it ``is_allowed``, and what ``named_model`` raises.
    """
    known_by = named_model(context, version).labels_known_by
    if known_by <= start_of(context.days.first):
        return None
    if not is_allowed:
        raise UsageError(
            "FRD-026",
            f"The model {version} knows labels that were not known on {context.days.first}.",
            cause=f"It was trained on labels known by {moment_text(known_by)}: scores of earlier days would leak them.",
            remedy="Name an earlier model, or leave out --set model; --set allow_later_model=true scores anyway.",
        )
    return known_by


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
    unknown = [name for name in features if name not in FEATURES and not free_column(name)]
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
    """The newest model of ``algorithm`` whose labels were known when the run's days began.

    Raises InputMissingError FRD-007 when there is none.
    """
    models = trained_before(context, context.days.first)
    for model in models:
        if model.algorithm == algorithm:
            return model.version
    known = ", ".join(f"{model.version}" for model in models) or "none at all"
    raise InputMissingError(
        "FRD-007",
        f"No {algorithm} model was ready before {context.days.first}.",
        cause=f"Models whose labels were known by then: {known}. A model is ready once its label delay has passed.",
        remedy="Train one on earlier days with fraud.train, or name a version with --set model=VERSION.",
    )
