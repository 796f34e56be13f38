"""From model files to scores and reasons: the same code in a batch task, on the driver and for a single row."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from jobs.fraud.classifiers import BOOSTER_FILE, COEFFICIENTS_FILE, SCALER_FILE
from jobs.fraud.scaling import Matrix, Scaler


class Scorer(Protocol):
    """A model that can score."""

    features: tuple[str, ...]

    def scores(self, values: Matrix) -> Matrix:
        """The probability of fraud of each row of features."""
        ...

    def contributions(self, values: Matrix) -> Matrix:
        """What each feature adds to the log-odds of each row, exactly; the rest is the same for all rows."""
        ...


class LinearScorer:
    """Logistic regression: the log-odds are the intercept plus one term a feature."""

    def __init__(self, files: Mapping[str, bytes], features: Sequence[str]) -> None:
        weights = json.loads(files[COEFFICIENTS_FILE])
        self.features = tuple(features)
        self._scaler = _scaler(files)
        self._coefficients = np.asarray(weights["coefficients"], dtype=float)
        self._intercept = float(weights["intercept"])

    def scores(self, values: Matrix) -> Matrix:
        """See Scorer."""
        log_odds = self._intercept + self.contributions(values).sum(axis=1)
        # exp of a number that is never positive cannot overflow.
        small = np.exp(-np.abs(log_odds))
        return np.asarray(np.where(log_odds >= 0, 1.0 / (1.0 + small), small / (1.0 + small)), dtype=float)

    def contributions(self, values: Matrix) -> Matrix:
        """See Scorer. Features are scaled, so a term is measured from the mean of the training rows."""
        return np.asarray(self._scaler.scaled(values) * self._coefficients, dtype=float)


class BoostedScorer:
    """Xgboost, one thread: Spark already runs one task a core."""

    def __init__(self, files: Mapping[str, bytes], features: Sequence[str]) -> None:
        import xgboost

        self.features = tuple(features)
        self._scaler = _scaler(files)
        self._booster: Any = xgboost.Booster({"nthread": 1})
        self._booster.load_model(bytearray(files[BOOSTER_FILE]))
        self._booster.set_param({"nthread": 1})

    def scores(self, values: Matrix) -> Matrix:
        """See Scorer."""
        return np.asarray(self._booster.inplace_predict(self._scaler.scaled(values)), dtype=float)

    def contributions(self, values: Matrix) -> Matrix:
        """See Scorer. Exact Shapley values of the trees (TreeSHAP); the last column of xgboost is the constant."""
        import xgboost

        rows = xgboost.DMatrix(self._scaler.scaled(values), nthread=1)
        return np.asarray(self._booster.predict(rows, pred_contribs=True), dtype=float)[:, :-1]


def scorer_of(algorithm: str, features: Sequence[str], files: Mapping[str, bytes]) -> Scorer:
    """The scorer for the files of a model."""
    if algorithm == "logistic_regression":
        return LinearScorer(files, features)
    return BoostedScorer(files, features)


def _scaler(files: Mapping[str, bytes]) -> Scaler:
    values = json.loads(files[SCALER_FILE])
    return Scaler(tuple(values["means"]), tuple(values["deviations"]))
