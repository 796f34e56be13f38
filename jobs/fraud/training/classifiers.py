"""Training on the driver, and what a trained model is: a few plain files and the facts for its card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from common.errors import ContractError
from common.report.wording import plural
from jobs.fraud.training.scaling import Matrix, Scaler, without_missing
from jobs.fraud.velocity.free_features import may_be_missing

if TYPE_CHECKING:
    from jobs.fraud.training.params import TrainParams

SCALER_FILE, BOOSTER_FILE, COEFFICIENTS_FILE = "scaler.json", "model.ubj", "coefficients.json"


def content_hash(algorithm: str, features: Sequence[str], files: Mapping[str, bytes]) -> str:
    """The SHA-256 of what decides a score: the algorithm, the features in their order, the names and bytes of files."""
    digest = hashlib.sha256(json.dumps([algorithm, *features]).encode())
    for name in sorted(files):
        digest.update(f"{name}:{len(files[name])}:".encode())
        digest.update(files[name])
    return digest.hexdigest()


@dataclass(frozen=True)
class TrainedModel:
    """A model: its files (JSON, and UBJSON for xgboost: data, never code) and every setting that shaped it.

    ``effective`` holds what the library really used, its defaults included, so that a silent change of a default shows.
    """

    algorithm: str
    features: tuple[str, ...]
    files: Mapping[str, bytes]
    effective: Mapping[str, Any] = field(default_factory=dict)
    trainer: str = "driver"

    @cached_property
    def sha256(self) -> str:
        """The hash of its content; see ``content_hash``."""
        return content_hash(self.algorithm, self.features, self.files)


def check_classes(rows: int, frauds: int, *, smallest_class_rows: int) -> None:
    """Raises ContractError FRD-020 when there are too few frauds or honest rows to learn from."""
    if min(frauds, rows - frauds) < smallest_class_rows:
        raise ContractError(
            "FRD-020",
            "There are too few rows of one class to train a model.",
            cause=f"{plural(frauds, 'fraud')} and {plural(rows - frauds, 'honest row')}; "
            f"the minimum is {smallest_class_rows} of each.",
            remedy="Train on more days, check that labels were ingested, or lower train.smallest_class_rows.",
        )


def check_finite(values: Matrix, features: Sequence[str]) -> None:
    """Raises ContractError FRD-021 naming features that hold a NaN or an infinity; free columns may be missing."""
    missing = np.isnan(values) & np.asarray([may_be_missing(name) for name in features])
    fine = np.asarray((np.isfinite(values) | missing).all(axis=0)).tolist()
    broken = [name for name, is_fine in zip(features, fine, strict=True) if not is_fine]
    if broken:
        raise ContractError(
            "FRD-021",
            "The training rows have values that are not finite.",
            cause=f"In {', '.join(broken)}.",
            remedy="Run fraud.features again for the training days; its rows are always finite.",
        )


def fit(
    algorithm: str, values: Matrix, is_fraud: Sequence[int] | Matrix, features: Sequence[str], params: TrainParams
) -> TrainedModel:
    """A model of ``algorithm`` from rows of features and their labels (0 or 1), on this machine."""
    scaler = Scaler.fitted(values)
    scaled, labels = scaler.scaled(values), np.asarray(is_fraud, dtype=float)
    if algorithm == "logistic_regression":
        return _logistic_regression(scaler, without_missing(scaled), labels, features, params)
    return _xgboost(scaler, scaled, labels, features, params)


def xgboost_settings(params: TrainParams) -> dict[str, Any]:
    """The booster's settings; ``base_score`` is set explicitly because its default has changed between releases."""
    settings = {
        "objective": "binary:logistic",
        "learning_rate": params.learning_rate,
        "max_depth": params.max_depth,
        "tree_method": params.tree_method,
        "base_score": params.base_score,
        "seed": params.seed,
    }
    # The exact method has no bins.
    return settings if params.tree_method == "exact" else settings | {"max_bin": params.max_bin}


def boosted(booster: Any, scaler: Scaler, features: Sequence[str], trees: int, trainer: str = "driver") -> TrainedModel:
    """An xgboost booster with its scaler as a model."""
    effective = {
        "library": f"xgboost {version('xgboost-cpu')}",
        "trees": trees,
        "config": json.loads(booster.save_config()),
    }
    files = {SCALER_FILE: _json(scaler.__dict__), BOOSTER_FILE: bytes(booster.save_raw("ubj"))}
    return TrainedModel("xgboost", tuple(features), files, effective, trainer)


def linear(
    coefficients: Sequence[float],
    intercept: float,
    scaler: Scaler,
    features: Sequence[str],
    effective: Mapping[str, Any],
    trainer: str = "driver",
) -> TrainedModel:
    """The coefficients of a logistic regression on scaled features as a model."""
    weights = {"coefficients": [float(one) for one in coefficients], "intercept": float(intercept)}
    files = {SCALER_FILE: _json(scaler.__dict__), COEFFICIENTS_FILE: _json(weights)}
    return TrainedModel("logistic_regression", tuple(features), files, effective, trainer)


def _xgboost(
    scaler: Scaler, scaled: Matrix, labels: Matrix, features: Sequence[str], params: TrainParams
) -> TrainedModel:
    import xgboost

    rows = xgboost.DMatrix(scaled, label=labels)
    booster = xgboost.train(xgboost_settings(params), rows, num_boost_round=params.trees)
    return boosted(booster, scaler, features, params.trees)


def _logistic_regression(
    scaler: Scaler, scaled: Matrix, labels: Matrix, features: Sequence[str], params: TrainParams
) -> TrainedModel:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=params.inverse_regularisation, random_state=params.seed, max_iter=1000)
    model.fit(scaled, labels)
    effective = {
        "library": f"scikit-learn {version('scikit-learn')}",
        "config": model.get_params(),
        "iterations": int(model.n_iter_[0]),
    }
    return linear(model.coef_[0], model.intercept_[0], scaler, features, effective)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode()
